"""Streams are gone on with where their connection broke: docs/caching.md."""

import re
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import (
    RawConnection, ask, chat, request_bytes, stream_errors, stream_text)

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
_ENV = dict(gateway_case.ENV, ALICE="alice-0123456789",
            BOB="bob-0123456789-more")
_ID = re.compile(rb"^id: (\S+):(\d+)\r?$", re.MULTILINE)
# Long enough to leave and come back in the middle of it.
_PACED = {"chunks": 20, "chunk_bytes": 16, "chunk_delay_ms": 50}
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 20}
_RESUME = "/llmgateway.v1.GatewayService/ResumeStream"


def seqs(body):
    """The numbers of the events."""
    return [int(seq) for _, seq in _ID.findall(body)]


class _ResumeCase(gateway_case.GatewayCase):

    env = _ENV
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def begin(self, model, path=http_calls.CHAT, **fields):
        """Begins a stream and leaves it after some events. Returns what was
        seen of it."""
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(
            chat(model, stream=True, **fields), path=path,
            headers=("x-api-key: " + _ENV["ALICE"],
                     "anthropic-version: 2023-06-01")))
        status, _ = connection.read_head()
        self.assertEqual(status, 200)
        seen = b""
        while len(seqs(seen)) < 3:
            seen += connection.read_chunk()
        connection.reset()
        return seen

    def resume(self, model, last, caller="alice", path=http_calls.CHAT):
        return ask(self.gateway.http, chat(model, stream=True), path=path,
                   headers={"x-api-key": _ENV[caller.upper()],
                            "anthropic-version": "2023-06-01",
                            "last-event-id": last})

    def last_id(self, body):
        call, seq = _ID.findall(body)[-1]
        return (call + b":" + seq).decode()

    def metadata(self, caller="alice"):
        return {"metadata": [["x-api-key", _ENV[caller.upper()]]]}

    def resume_grpc(self, request_id, after, caller="alice"):
        call = self.caller.start(
            self.gateway.grpc, _RESUME,
            {"request_id": request_id, "after_seq": after}, stream=True,
            **self.metadata(caller))
        call.wait()
        return call

    def assert_one_call(self, model, status="OK"):
        line = self.gateway.wait_for_access(model=model)
        self.assertEqual((line["status"], line["attempt_count"]), (status, 1))
        self.assertEqual(len(self.gateway.access_lines(model=model)), 1)
        self.assertEqual(self.upstream.stat(model, "requests"), 1)


class HttpTest(_ResumeCase):

    config = _CONFIG + "resumable_streams: {{}}\n"

    def test_who_comes_back_is_a_call_in_the_access_log(self):
        self.upstream.set_script("gpt-log", _PACED)
        seen = self.begin("gpt-log")
        last = self.last_id(seen)
        for caller, status, told in (("alice", 200, "OK"),
                                     ("bob", 404, "NOT_FOUND"),
                                     ("nobody", 401, "UNAUTHENTICATED")):
            key = _ENV.get(caller.upper(), "no-key-0123456789")
            answer = ask(self.gateway.http, chat("gpt-log", stream=True),
                         headers={"x-api-key": key, "last-event-id": last,
                                  "x-request-id": "again-" + caller})
            self.assertEqual(answer.status, status, answer.body)
            line = self.gateway.wait_for_access(request_id="again-" + caller)
            self.assertEqual(
                (line["http_status"], line["status"]), (status, told))
            self.assertEqual(line["operation"], "POST /v1/chat/completions")
            self.assertEqual(line["bytes_out"], len(answer.body))
            if status == 200:
                self.assertEqual(line["answer_of"], last.rpartition(":")[0])
                self.assertEqual(line["caller"], "alice")
                self.assertEqual(line["attempt_count"], 0)

    def test_who_comes_back_gets_what_is_missing(self):
        for model, path, fields in (
                ("gpt-r", http_calls.CHAT, {}),
                ("claude-r", "/v1/messages", {"max_tokens": 99}),
                # Read and written anew.
                ("claude-s", http_calls.CHAT, {})):
            with self.subTest(model=model):
                self.upstream.set_script(model, _PACED)
                seen = self.begin(model, path, **fields)
                answer = self.resume(model, self.last_id(seen), path=path)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(answer.headers["x-llmgateway-answer-of"],
                                 self.last_id(seen).rpartition(":")[0])
                numbers = seqs(seen) + seqs(answer.body)
                self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
                if path == http_calls.CHAT:
                    self.assertEqual(len(stream_text(seen + answer.body)),
                                     20 * 16)
                    self.assertIn(b"[DONE]", answer.body)
                self.assert_one_call(model)

    def test_also_after_the_end(self):
        self.upstream.set_script("gpt-end", _PACED)
        seen = self.begin("gpt-end")
        self.assert_one_call("gpt-end")
        for _ in range(2):
            answer = self.resume("gpt-end", self.last_id(seen))
            self.assertEqual(len(stream_text(seen + answer.body)), 20 * 16)
        self.assertEqual(
            seqs(self.resume("gpt-end", self.last_id(answer.body)).body), [])
        self.assertEqual(self.upstream.stat("gpt-end", "requests"), 1)

    def test_nobody_else_gets_it(self):
        self.upstream.set_script("gpt-own", _PACED)
        last = self.last_id(self.begin("gpt-own"))
        for answer in (self.resume("gpt-own", last, caller="bob"),
                       self.resume("gpt-own", "no-such-call:1"),
                       self.resume("gpt-own", last, path="/v1/messages")):
            self.assertEqual(answer.status, 404, answer.body)
            self.assertIn(b"no stream of this id", answer.body)
        # Nor by gRPC, where it has another form.
        self.assertEqual(
            self.resume_grpc(last.rpartition(":")[0], 1).end["code"],
            "NOT_FOUND")
        self.assertEqual(self.resume("gpt-own", last).status, 200)

    def test_an_id_that_is_none_is_refused(self):
        for last in ("17", "x:", "x:y"):
            answer = self.resume("gpt-none", last)
            self.assertEqual(answer.status, 400, answer.body)
            self.assertIn("last-event-id", answer.error()["message"])
        self.assertEqual(self.upstream.stat("gpt-none", "requests"), 0)

    def test_a_failure_is_gone_on_with_too(self):
        self.upstream.set_script(
            "gpt-broken", dict(_PACED, reset_after_chunks=10))
        seen = self.begin("gpt-broken")
        answer = self.resume("gpt-broken", self.last_id(seen))
        self.assertEqual(len(stream_errors(answer.body)), 1, answer.body)
        self.assert_one_call("gpt-broken", "UNAVAILABLE")

    def test_what_is_whole_ends_with_its_caller(self):
        self.upstream.set_script("gpt-whole",
                                 {"first_byte_delay_ms": 60000})
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(
            chat("gpt-whole"), headers=("x-api-key: " + _ENV["ALICE"],)))
        self.upstream.wait_for("started", "gpt-whole")
        connection.reset()
        self.upstream.wait_for("cancelled", "gpt-whole")


class GrpcTest(_ResumeCase):

    config = _CONFIG + "resumable_streams: {{}}\n"

    def begin_grpc(self, model):
        self.upstream.set_script(model, _PACED)
        call = self.caller.stream(self.gateway.grpc, prompt(model),
                                  **self.metadata())
        while len(call.events) < 4:
            self.assertIsNotNone(call.next_event(), call.end)
        call.cancel()
        call.wait()
        return call.events

    def test_who_comes_back_gets_what_is_missing(self):
        events = self.begin_grpc("gpt-g")
        request_id = events[0]["started"]["request_id"]
        call = self.resume_grpc(request_id, len(events))
        self.assertEqual(call.end["code"], "OK", call.end)
        events += call.events
        self.assertEqual([int(event["seq"]) for event in events],
                         list(range(1, len(events) + 1)))
        self.assertEqual(events[-1]["end"]["outcome"], "OUTCOME_FINISHED")
        self.assertEqual(
            sum(len(event["delta"].get("text", ""))
                for event in events if "delta" in event), 20 * 16)
        self.assert_one_call("gpt-g")
        # All of it, once more.
        again = self.resume_grpc(request_id, 0)
        self.assertEqual(again.events, events)
        line = self.gateway.wait_for_access(answer_of=request_id)
        self.assertEqual(
            (line["operation"], line["status"], line["attempt_count"]),
            (_RESUME[1:], "OK", 0))
        self.assertGreater(line["bytes_out"], 0)

    def test_nobody_else_gets_it(self):
        request_id = self.begin_grpc("gpt-gown")[0]["started"]["request_id"]
        refused = self.resume_grpc(request_id, 1, caller="bob")
        self.assertEqual((refused.end["code"], refused.end["reason"]),
                         ("NOT_FOUND", "NOT_FOUND"))
        ahead = self.resume_grpc(request_id, 1000)
        self.assertEqual((ahead.end["code"], ahead.end["fields"]),
                         ("INVALID_ARGUMENT", ["after_seq"]))
        line = self.gateway.wait_for_access(operation=_RESUME[1:],
                                            status="NOT_FOUND")
        self.assertEqual(line["caller"], "bob")


class BoundsTest(_ResumeCase):

    config = _CONFIG + (
        "resumable_streams: {{stream_bytes_limit: 4KiB, grace: 2s}}\n")

    def test_what_is_gone_is_told_with_what_is_left(self):
        self.upstream.set_script("gpt-much", {
            "chunks": 300, "chunk_bytes": 64})
        seen = self.begin("gpt-much")
        self.gateway.wait_for_access(model="gpt-much")
        lost = self.resume("gpt-much", self.last_id(seen))
        self.assertEqual(lost.status, 404, lost.body)
        found = re.search(r"the first that is left is (\d+)",
                          lost.error()["message"])
        first = int(found[1])
        call = self.last_id(seen).rpartition(":")[0]
        answer = self.resume("gpt-much", "%s:%d" % (call, first - 1))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(seqs(answer.body)[0], first)
        self.assertIn(b"[DONE]", answer.body)

    def test_a_call_that_nobody_comes_back_to_is_ended(self):
        self.upstream.set_script("gpt-alone", _ENDLESS)
        seen = self.begin("gpt-alone")
        self.upstream.wait_for("cancelled", "gpt-alone")
        call = self.last_id(seen).rpartition(":")[0]
        answer = self.resume("gpt-alone", call + ":0")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(stream_errors(answer.body)), 1, answer.body)
        self.assert_one_call("gpt-alone", "CANCELLED")

    def test_who_comes_back_keeps_it_going(self):
        self.upstream.set_script("gpt-back", {
            "chunks": 50, "chunk_bytes": 16, "chunk_delay_ms": 100})
        seen = self.begin("gpt-back")
        answer = self.resume("gpt-back", self.last_id(seen))
        self.assertEqual(len(stream_text(seen + answer.body)), 50 * 16)
        self.assert_one_call("gpt-back")


class NotConfiguredTest(_ResumeCase):

    config = _CONFIG

    def test_streams_are_as_they_were(self):
        self.upstream.set_script("gpt-plain", {"text": "plain"})
        answer = self.resume("gpt-plain", "x:1")
        self.assertEqual((answer.status, answer.text()), (200, "plain"))
        self.assertEqual(seqs(answer.body), [])
        refused = self.resume_grpc("x", 1)
        self.assertEqual((refused.end["code"], refused.end["reason"]),
                         ("FAILED_PRECONDITION", "NOT_CONFIGURED"))


if __name__ == "__main__":
    unittest.main()
