"""Calls that share one answer, by idempotency key or since they are the same at
the same time: docs/caching.md."""

import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import (
    RawConnection, ask, chat, request_bytes)
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess

_CONFIG = gateway_case.PROVIDERS + """\
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE"}}
      - {{id: bob, key: "env:BOB"}}
"""

_ENV = dict(gateway_case.ENV, ALICE="alice-0123456789", BOB="bob-0123456789-more")

# Time for others to come while it is made.
_SLOW = {"text": "Made once", "first_byte_delay_ms": 4000}


class _SharedCase(gateway_case.GatewayCase):

    env = _ENV
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()
        self.text = "Hello from " + self.id()

    def post(self, body, key=None, caller="alice", path=http_calls.CHAT):
        headers = {"x-api-key": _ENV[caller.upper()]}
        if key is not None:
            headers["idempotency-key"] = key
        return ask(self.gateway.http, body, path=path, headers=headers)

    def begin(self, body, *headers):
        """Sends a request on a connection of its own."""
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(
            body, headers=("x-api-key: " + _ENV["ALICE"],) + headers))
        return connection

    def await_calls(self, count):
        """Blocks until so many calls are under way."""
        await_sample(self.gateway, 'llmgw_inflight_requests{protocol="http"}',
                     count)

    def at_once(self, count, post):
        """The answers to so many calls, made while the first runs."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(post()))
                   for _ in range(count)]
        for thread in threads:
            thread.start()
        self.await_calls(count)
        for thread in threads:
            thread.join()
        return answers

    def asked(self, model):
        return self.upstream.stat(model, "requests")

    def assert_made_once(self, answers, model):
        """One of them was made, and the others say that they are its."""
        self.assertEqual([answer.status for answer in answers],
                         [200] * len(answers),
                         [answer.body for answer in answers])
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(self.asked(model), 1)
        made = [answer for answer in answers
                if "x-llmgateway-answer-of" not in answer.headers]
        self.assertEqual(len(made), 1)
        for answer in answers:
            if answer is made[0]:
                continue
            self.assertEqual(answer.headers["x-llmgateway-answer-of"],
                             made[0].headers["x-request-id"])
            self.assertEqual(answer.headers["x-llmgateway-cost-usd"], "0")


class IdempotencyTest(_SharedCase):

    config = _CONFIG + "idempotency: {{}}\n"

    def test_the_same_key_runs_once(self):
        for model in ("gpt-4o", "claude-x"):
            with self.subTest(model=model):
                body = chat(model, self.text)
                key = "k-" + model
                first = self.post(body, key)
                again = self.post(body, key)
                # In other words.
                third = self.post(dict(reversed(body.items())), key)
                self.assert_made_once([first, again, third], model)
                line = self.gateway.wait_for_access(
                    model=model, answer_of=first.headers["x-request-id"])
                self.assertEqual(line["attempt_count"], 0)

    def test_who_comes_meanwhile_waits_for_it(self):
        self.upstream.set_script("gpt-slow", _SLOW)
        body = chat("gpt-slow", self.text)
        self.assert_made_once(
            self.at_once(3, lambda: self.post(body, "k-slow")), "gpt-slow")

    def test_another_body_is_a_conflict(self):
        first = self.post(chat("gpt-x", self.text), "k-body")
        other = self.post(chat("gpt-x", self.text + "!"), "k-body")
        self.assertEqual(other.status, 422)
        self.assertIn("idempotency key was used before",
                      other.error()["message"])
        self.assertEqual(first.status, 200)
        self.assertEqual(self.asked("gpt-x"), 1)

    def test_anothers_key_is_another_key(self):
        for caller in ("alice", "bob"):
            answer = self.post(chat("gpt-own", self.text), "k-own", caller)
            self.assertNotIn("x-llmgateway-answer-of", answer.headers)
        self.assertEqual(self.asked("gpt-own"), 2)

    def test_what_did_nothing_may_be_tried_again(self):
        body = chat("gpt-fails", self.text)
        self.upstream.set_script("gpt-fails", [{"status": 503}, {}])
        self.assertEqual(self.post(body, "k-fails").status, 503)
        self.assertEqual(self.post(body, "k-fails").status, 200)
        self.assertEqual(self.asked("gpt-fails"), 2)

    def test_how_a_broken_call_ended_is_remembered(self):
        body = chat("gpt-breaks", self.text)
        self.upstream.set_script(
            "gpt-breaks", [{"reset_after_chunks": 1}, {}])
        broken = self.post(body, "k-breaks")
        self.assertGreaterEqual(broken.status, 500)
        again = self.post(body, "k-breaks")
        self.assertEqual(again.status, broken.status)
        self.assertEqual(self.asked("gpt-breaks"), 1)

    def test_it_goes_on_without_its_caller(self):
        self.upstream.set_script("gpt-gone", _SLOW)
        body = chat("gpt-gone", self.text)
        connection = self.begin(body, "idempotency-key: k-gone")
        self.upstream.wait_for("started", "gpt-gone")
        connection.reset()
        answer = self.post(body, "k-gone")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.text(), "Made once")
        self.assertIn("x-llmgateway-answer-of", answer.headers)
        self.assertEqual(self.asked("gpt-gone"), 1)

    def test_who_has_no_more_time_is_told_and_asks_on(self):
        cases = {
            "whole": (False, {"first_byte_delay_ms": 5000}),
            "silent": (True, {"first_byte_delay_ms": 5000}),
            "stream": (True, {"chunks": 10, "chunk_bytes": 16,
                              "chunk_delay_ms": 500})}
        for name, (stream, script) in cases.items():
            with self.subTest(name):
                model = "gpt-late-" + name
                self.upstream.set_script(model, script)
                body = chat(model, self.text, stream=stream)
                begun = time.monotonic()
                connection = self.begin(body, "idempotency-key: k-" + name,
                                        "x-llmgateway-timeout: 1s")
                answer = connection.read_answer()
                if name == "stream":
                    self.assertEqual(answer.status, 200)
                    self.assertIn(b"x-llmgateway-timeout", answer.body)
                else:
                    self.assertEqual(answer.status, 504, answer.body)
                    self.assertEqual(answer.headers["connection"], "close")
                # What else it asks for waits for nothing, and is not reset.
                self.assertEqual(connection.read_to_end(), b"")
                self.assertLess(time.monotonic() - begun, 2.5)
                # The work goes on.
                again = self.post(body, "k-" + name)
                self.assertEqual(again.status, 200, again.body)
                self.assertIn("x-llmgateway-answer-of", again.headers)
                self.assertEqual(self.asked(model), 1)

    def test_a_stream_runs_once_and_is_streamed_again(self):
        for model in ("gpt-s", "claude-s"):
            with self.subTest(model=model):
                body = chat(model, self.text, stream=True)
                key = "k-" + model
                answers = [self.post(body, key) for _ in range(2)]
                self.assertEqual([answer.status for answer in answers],
                                 [200, 200])
                self.assertTrue(answers[0].body.endswith(b"[DONE]\n\n"))
                self.assertEqual(answers[0].text(), answers[1].text())
                self.assertEqual(answers[1].headers["x-llmgateway-answer-of"],
                                 answers[0].headers["x-request-id"])
                self.assertEqual(self.asked(model), 1)
                # Whole, it is another request.
                whole = self.post(chat(model, self.text), key)
                self.assertEqual(whole.status, 422)

    def test_a_stream_goes_on_without_its_caller(self):
        self.upstream.set_script("gpt-sg", {
            "chunks": 5, "chunk_bytes": 16, "chunk_delay_ms": 300})
        body = chat("gpt-sg", self.text, stream=True)
        connection = self.begin(body, "idempotency-key: k-sg")
        self.assertEqual(connection.read_head()[0], 200)
        connection.read_chunk()
        connection.reset()
        # Waits for what is left of it.
        again = self.post(body, "k-sg")
        self.assertEqual(again.status, 200, again.body)
        self.assertEqual(len(again.text()), 5 * 16)
        self.assertTrue(again.body.endswith(b"[DONE]\n\n"))
        self.assertEqual(self.asked("gpt-sg"), 1)
        self.assertEqual(self.upstream.stat("gpt-sg", "cancelled"), 0)
        line = self.gateway.wait_for_access(model="gpt-sg", attempt_count=1)
        self.assertEqual(line["status"], "CANCELLED")

    def test_how_a_broken_stream_ended_is_remembered(self):
        self.upstream.set_script("gpt-sb", [
            {"chunks": 5, "chunk_bytes": 16, "reset_after_chunks": 2}, {}])
        body = chat("gpt-sb", self.text, stream=True)
        broken = self.post(body, "k-sb")
        self.assertIn(b"broke off", broken.body)
        again = self.post(body, "k-sb")
        self.assertGreaterEqual(again.status, 500)
        self.assertIn(b"broke off", again.body)
        self.assertEqual(self.asked("gpt-sb"), 1)

    def test_a_stream_by_grpc(self):
        options = {"metadata": [["x-api-key", _ENV["ALICE"]],
                                ["idempotency-key", "k-sgrpc"]]}
        request = prompt("gpt-sgrpc", self.text)
        calls = [self.caller.stream_all(self.gateway.grpc, request, **options)
                 for _ in range(2)]
        for call in calls:
            self.assertEqual(call.end["code"], "OK", call.end)
        self.assertEqual(self.asked("gpt-sgrpc"), 1)
        first, again = [call.events for call in calls]
        self.assertEqual(len(first), len(again))
        self.assertEqual([event.get("delta") for event in first],
                         [event.get("delta") for event in again])
        self.assertNotEqual(first[0]["started"]["request_id"],
                            again[0]["started"]["request_id"])

    def test_what_runs_for_nobody_does_not_hold_the_end_up(self):
        self.upstream.set_script(
            "gpt-end", {"first_byte_delay_ms": 60000})
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address), env=self.env)
        self.addCleanup(gateway.kill)
        connection = self.enter(RawConnection(gateway.http))
        connection.send(request_bytes(
            chat("gpt-end", self.text),
            headers=("x-api-key: " + _ENV["ALICE"],
                     "idempotency-key: k-end")))
        self.upstream.wait_for("started", "gpt-end")
        connection.reset()
        gateway.stop()
        self.upstream.wait_for("cancelled", "gpt-end")

    def test_by_grpc(self):
        options = {"metadata": [["x-api-key", _ENV["ALICE"]]]}
        request = dict(prompt("gpt-grpc", self.text), idempotency_key="k-grpc")
        calls = [self.caller.generate(self.gateway.grpc, request, **options)
                 for _ in range(2)]
        self.assertEqual([call.wait()["code"] for call in calls], ["OK"] * 2)
        self.assertEqual(calls[0].text(), calls[1].text())
        self.assertEqual(self.asked("gpt-grpc"), 1)
        other = self.caller.generate(
            self.gateway.grpc, dict(request, verbosity="low"), **options)
        self.assertEqual(other.wait()["reason"], "IDEMPOTENCY_MISMATCH",
                         other.end)

    def test_a_key_that_cannot_be_served_is_refused(self):
        self.assertEqual(
            self.post({"model": "gpt-4o", "input": "x"}, "k",
                      path="/v1/embeddings").status, 501)
        self.assertEqual(self.post(chat("gpt-x"), "k" * 129).status, 400)


class LimitsTest(_SharedCase):
    """What limits charge who only waits: docs/limits.md."""

    config = _CONFIG + (
        "idempotency: {{}}\n"
        "coalescing: {{}}\n"
        "rate_limits:\n"
        "- {{name: rpm, unit: requests, limit: 100, window: 24h}}\n"
        "- {{name: tpm, unit: total_tokens, limit: 100000, window: 24h}}\n"
        "- {{name: calls, unit: concurrent_calls, limit: 2}}\n")

    def left(self, answer):
        return [int(answer.headers["x-ratelimit-remaining-" + unit])
                for unit in ("requests", "tokens")]

    def test_who_waits_takes_a_request_and_a_place(self):
        self.upstream.set_script("gpt-l", _SLOW)
        body = chat("gpt-l", self.text)
        first = self.begin(body)
        self.upstream.wait_for("started", "gpt-l")
        second = self.begin(body)
        self.await_calls(2)
        self.assertEqual(self.post(body).status, 429)
        for connection in (first, second):
            self.assertEqual(connection.read_head()[0], 200)
        self.upstream.set_script("gpt-l", {"text": "Made once"})
        requests, tokens = self.left(self.post(body, "k-l"))
        again = self.post(body, "k-l")
        self.assertIn("x-llmgateway-answer-of", again.headers)
        self.assertEqual(self.left(again), [requests - 1, tokens])
        self.assertEqual(requests, 97)
        self.assertEqual(self.asked("gpt-l"), 2)


class CoalescingTest(_SharedCase):

    config = _CONFIG + "coalescing: {{}}\n"

    def test_what_is_asked_at_the_same_time_is_asked_once(self):
        self.upstream.set_script("gpt-same", _SLOW)
        body = chat("gpt-same", self.text)
        self.assert_made_once(
            self.at_once(4, lambda: self.post(body)), "gpt-same")
        # What is over is asked for anew.
        self.upstream.set_script("gpt-same", {})
        self.post(body)
        self.assertEqual(self.asked("gpt-same"), 2)

    def test_other_callers_and_other_requests_are_asked_for_themselves(self):
        self.upstream.set_script("gpt-others", _SLOW)
        posts = iter([lambda: self.post(chat("gpt-others", self.text)),
                      lambda: self.post(chat("gpt-others", self.text),
                                        caller="bob"),
                      lambda: self.post(chat("gpt-others", self.text,
                                             user="u"))])
        lock = threading.Lock()

        def post():
            with lock:
                one = next(posts)
            return one()
        for answer in self.at_once(3, post):
            self.assertNotIn("x-llmgateway-answer-of", answer.headers)
        self.assertEqual(self.asked("gpt-others"), 3)

    def test_the_first_may_leave(self):
        self.upstream.set_script("gpt-leave", _SLOW)
        body = chat("gpt-leave", self.text)
        first = self.begin(body)
        self.upstream.wait_for("started", "gpt-leave")
        others = [self.begin(body) for _ in range(2)]
        self.await_calls(3)
        first.reset()
        for other in others:
            self.assertEqual(other.read_head()[0], 200)
        self.assertEqual(self.asked("gpt-leave"), 1)
        self.assertEqual(self.upstream.stat("gpt-leave", "cancelled"), 0)

    def test_when_all_have_left_the_provider_is_told(self):
        self.upstream.set_script(
            "gpt-all", {"first_byte_delay_ms": 60000})
        body = chat("gpt-all", self.text)
        first = self.begin(body)
        self.upstream.wait_for("started", "gpt-all")
        second = self.begin(body)
        self.await_calls(2)
        first.reset()
        second.reset()
        self.upstream.wait_for("cancelled", "gpt-all")
        self.assertEqual(self.asked("gpt-all"), 1)


class NotConfiguredTest(gateway_case.GatewayCase):

    def test_a_key_is_refused_and_not_ignored(self):
        answer = ask(self.gateway.http, chat("gpt-x"),
                     headers={"idempotency-key": "k"})
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("idempotency", answer.error()["message"])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)


if __name__ == "__main__":
    unittest.main()
