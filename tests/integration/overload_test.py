"""What happens when more is asked than can be served, through sockets: limits of
calls, who goes first, and what who is refused is told.
docs/overload.md tells it."""

import concurrent.futures
import re
import statistics
import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import GrpcCaller, prompt
from tests.integration.http_calls import RawConnection, ask, chat, \
    request_bytes
from tests.integration.samples import await_at_least
from tests.integration.samples import await_sample
from tests.integration.samples import samples
from tests.testing.gateway_process import GatewayProcess


def ask_many(count, ask_one):
    """The results of calls that are made at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as callers:
        return list(callers.map(lambda _: ask_one(), range(count)))


def limited(concurrency):
    """A configuration that limits how many calls run."""
    return gateway_case.CONFIG + "overload: {{concurrency: {{%s}}}}\n" % \
        concurrency


class WaitingTest(gateway_case.GatewayCase):
    """Ten times as many callers as there are places."""

    config = limited("calls_limit: 3, wait_timeout: 60s")

    def test_all_are_served_and_no_more_at_once_than_may(self):
        self.upstream.set_script("gpt-waits", {"first_byte_delay_ms": 500})
        began = time.monotonic()
        answers = ask_many(
            30, lambda: ask(self.gateway.http, chat("gpt-waits")))
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertGreaterEqual(time.monotonic() - began, 5.0)
        active = [int(answer.headers["x-active-requests"])
                  for answer in answers]
        self.assertEqual(max(active), 3)
        self.assertGreaterEqual(min(active), 1)
        for answer in answers:
            self.assertEqual(answer.headers["x-memory-pressure"], "normal")
            self.assertGreater(float(answer.headers["x-memory-rss-mb"]), 1)
        self.assertEqual(
            samples(self.gateway)["llmgw_overload_calls_limit"], 3)
        await_at_least(
            self.gateway,
            'llmgw_overload_waited_calls_total{priority="normal"}', 20)

    def test_who_hangs_up_while_it_waits_takes_no_place(self):
        self.upstream.set_script("gpt-held", {"stall_after_chunks": 1})
        streams = [self.hold("gpt-held") for _ in range(3)]
        waiting = 'llmgw_overload_waiting_calls{priority="normal"}'
        with RawConnection(self.gateway.http) as caller:
            caller.send(request_bytes(chat("gpt-left")))
            await_sample(self.gateway, waiting, 1)
            caller.reset()
        await_sample(self.gateway, waiting, 0)
        for stream in streams:
            stream.close()
        await_sample(self.gateway, "llmgw_overload_active_calls", 0)
        self.assertEqual(self.upstream.stat("gpt-left", "requests"), 0)
        self.assertEqual(
            ask(self.gateway.http, chat("gpt-next")).status, 200)

    def hold(self, model):
        stream = self.enter(RawConnection(self.gateway.http))
        stream.send(request_bytes(chat(model, stream=True)))
        self.assertEqual(stream.read_head()[0], 200)
        return stream


class RefusalTest(gateway_case.GatewayCase):
    """Where nobody may wait, and all places are taken by streams."""

    config = limited("calls_limit: 2, waiting_limit: 0")
    calls_grpc = True

    def setUp(self):
        self.upstream.set_script("gpt-held", {"stall_after_chunks": 1})
        self.streams = []
        for _ in range(2):
            stream = self.enter(RawConnection(self.gateway.http))
            stream.send(request_bytes(chat("gpt-held", stream=True)))
            status, headers = stream.read_head()
            self.assertEqual(status, 200)
            self.assertIn("x-active-requests", headers)
            self.streams.append(stream)
        self.addCleanup(self.release)

    def release(self):
        for stream in self.streams:
            stream.close()
        await_sample(self.gateway, "llmgw_overload_active_calls", 0)

    def check(self, answer, status):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertNotIn("x-should-retry", answer.headers)
        self.assertEqual(answer.headers["x-active-requests"], "2")

    def test_openais_apis_say_so_in_openais_words(self):
        for path, body in (
                ("/v1/chat/completions", chat("gpt-x")),
                ("/v1/chat/completions", chat("gpt-x", stream=True)),
                ("/v1/responses", {"model": "gpt-x", "input": "Hello"}),
                ("/v1/embeddings", {"model": "gpt-x", "input": "Hello"})):
            with self.subTest(path):
                answer = ask(self.gateway.http, body, path=path)
                self.check(answer, 503)
                self.assertEqual(answer.error()["code"],
                                 "server_is_overloaded")
                self.assertIn("serves 2 calls", answer.error()["message"])

    def test_anthropics_api_says_so_in_anthropics_words(self):
        answer = ask(self.gateway.http, {**chat("claude-x"), "max_tokens": 8},
                     path="/v1/messages",
                     headers={"anthropic-version": "2023-06-01"})
        self.check(answer, 529)
        self.assertEqual(answer.error()["type"], "overloaded_error")

    def test_geminis_api_says_so_in_googles_words(self):
        answer = ask(self.gateway.http, {"contents": [
            {"role": "user", "parts": [{"text": "Hello"}]}]},
            path="/v1beta/models/gpt-x:generateContent")
        self.check(answer, 503)
        self.assertEqual(answer.error()["status"], "UNAVAILABLE")

    def test_grpc_says_so_in_details_and_trailers(self):
        for call in (self.caller.generate(self.gateway.grpc, prompt("gpt-x")),
                     self.caller.stream_all(self.gateway.grpc,
                                            prompt("gpt-x"))):
            self.assertEqual(call.end["code"], "UNAVAILABLE")
            self.assertEqual(call.end["reason"], "OVERLOADED")
            self.assertEqual(call.end["metadata"]["limit"],
                             "overload.concurrency.calls_limit")
            self.assertEqual(call.end["retry_s"], 5)
            self.assertEqual(call.trailer("grpc-retry-pushback-ms"), "5000")
            self.assertEqual(call.trailer("x-active-requests"), "2")
            self.assertEqual(call.trailer("x-memory-pressure"), "normal")

    def test_nobody_is_asked_and_it_is_counted(self):
        name = ('llmgw_overload_shed_calls_total'
                '{priority="normal",reason="too_many_wait"}')
        before = samples(self.gateway)[name]
        for _ in range(5):
            self.check(ask(self.gateway.http, chat("gpt-refused")), 503)
        self.assertEqual(self.upstream.stat("gpt-refused", "requests"), 0)
        self.assertEqual(samples(self.gateway)[name], before + 5)

    def test_what_is_no_call_needs_no_place(self):
        self.assertEqual(
            ask(self.gateway.http, path="/v1/models").status, 200)
        self.assertEqual(
            ask(self.gateway.operations, path="/readyz").status, 200)
        call = self.caller.call(
            self.gateway.admin, "/llmgateway.v1.AdminService/ListProviders",
            {})
        self.assertEqual(call.end["code"], "OK")

    def test_a_place_that_is_free_again_is_given(self):
        self.check(ask(self.gateway.http, chat("gpt-x")), 503)
        self.streams.pop().close()
        await_sample(self.gateway, "llmgw_overload_active_calls", 1)
        self.assertEqual(ask(self.gateway.http, chat("gpt-x")).status, 200)


class UnfairLoadTest(gateway_case.GatewayCase):
    """One caller asks for far more than its share."""

    # The oldest goes first, so that all of that caller's calls wait alike.
    config = limited(
        "calls_limit: 4, wait_timeout: 60s, overload_time: 1h") + """\
auth:
  callers:
    api_keys:
      - {{id: greedy, key: "env:GREEDY"}}
      - {{id: modest, key: "env:MODEST"}}
"""
    env = {**gateway_case.ENV, "GREEDY": "key-of-greedy-1234567890",
           "MODEST": "key-of-modest-1234567890"}

    def time_call(self, key):
        began = time.monotonic()
        answer = ask(self.gateway.http, chat("gpt-slow"),
                     headers={"authorization": "Bearer " + self.env[key]})
        self.assertEqual(answer.status, 200, answer.body)
        return time.monotonic() - began

    def test_only_that_caller_waits(self):
        self.upstream.set_script("gpt-slow", {"first_byte_delay_ms": 200})
        times = []
        over = threading.Event()

        def go_on():
            while not over.is_set():
                times.append(self.time_call("GREEDY"))

        greedy = [threading.Thread(target=go_on) for _ in range(40)]
        for thread in greedy:
            thread.start()
        try:
            # Not all of 36, since they are never all here at a time.
            await_at_least(
                self.gateway,
                'llmgw_overload_waiting_calls{priority="normal"}', 20)
            modest = [self.time_call("MODEST") for _ in range(10)]
        finally:
            over.set()
            for thread in greedy:
                thread.join()
        # 40 share 4 places, ten rounds of 200 ms; who asks once waits for the
        # next that is free.
        self.assertGreater(statistics.median(times),
                           3 * statistics.median(modest))


class PriorityTest(gateway_case.GatewayCase):
    """One place, and calls that matter more and less."""

    config = limited("calls_limit: 1, wait_timeout: 60s")

    def begin(self, priority, served):
        """Starts a call, which says when it has been served, and waits until it
        waits."""
        def call():
            answer = ask(self.gateway.http, chat("gpt-slow"),
                         headers={"x-llmgateway-priority": priority})
            served.append((priority, answer.status))

        thread = threading.Thread(target=call)
        thread.start()
        self.addCleanup(thread.join)
        await_sample(
            self.gateway,
            'llmgw_overload_waiting_calls{priority="%s"}' % priority, 1)
        return thread

    def test_what_matters_most_is_served_first(self):
        self.upstream.set_script("gpt-held", {"stall_after_chunks": 1})
        self.upstream.set_script("gpt-slow", {"first_byte_delay_ms": 1000})
        holds = self.enter(RawConnection(self.gateway.http))
        holds.send(request_bytes(chat("gpt-held", stream=True)))
        self.assertEqual(holds.read_head()[0], 200)
        served = []
        # None matters more than its caller's calls do.
        threads = [self.begin(priority, served)
                   for priority in ("low", "normal")]
        holds.close()
        for thread in threads:
            thread.join()
        self.assertEqual(served, [("normal", 200), ("low", 200)])

    def test_a_caller_cannot_make_its_calls_matter_more(self):
        answer = ask(self.gateway.http, chat("gpt-x"),
                     headers={"x-llmgateway-priority": "critical"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(
            samples(self.gateway)[
                'llmgw_overload_waited_calls_total{priority="critical"}'], 0)

    def test_there_are_four_priorities(self):
        answer = ask(self.gateway.http, chat("gpt-x"),
                     headers={"x-llmgateway-priority": "urgent"})
        self.assertEqual(answer.status, 400)
        self.assertIn("must be critical, high, normal or low",
                      answer.error()["message"])


class KeysPriorityTest(gateway_case.GatewayCase):

    config = limited("calls_limit: 1, wait_timeout: 60s") + """\
auth:
  callers:
    api_keys:
      - {{id: urgent, key: "env:URGENT", priority: critical}}
      - {{id: batch, key: "env:BATCH", priority: low}}
"""
    env = {**gateway_case.ENV, "URGENT": "key-that-is-urgent-0123",
           "BATCH": "key-of-the-batch-0123456"}

    def begin(self, name, priority, served):
        """Starts a call with that key, and waits until it waits with that
        priority."""
        def call():
            answer = ask(
                self.gateway.http, chat("gpt-slow"),
                headers={"authorization": "Bearer " + self.env[name]})
            served.append((name, answer.status))

        thread = threading.Thread(target=call)
        thread.start()
        self.addCleanup(thread.join)
        await_sample(
            self.gateway,
            'llmgw_overload_waiting_calls{priority="%s"}' % priority, 1)
        return thread

    def test_a_keys_priority_is_that_of_its_calls(self):
        self.upstream.set_script("gpt-held", {"stall_after_chunks": 1})
        self.upstream.set_script("gpt-slow", {"first_byte_delay_ms": 1000})
        holds = self.enter(RawConnection(self.gateway.http))
        holds.send(request_bytes(
            chat("gpt-held", stream=True),
            headers=["authorization: Bearer " + self.env["BATCH"]]))
        self.assertEqual(holds.read_head()[0], 200)
        served = []
        threads = [self.begin("BATCH", "low", served),
                   self.begin("URGENT", "critical", served)]
        holds.close()
        for thread in threads:
            thread.join()
        self.assertEqual(served, [("URGENT", 200), ("BATCH", 200)])


class UnlimitedTest(gateway_case.GatewayCase):
    """Where nothing is configured, nothing is told."""

    def test_answers_and_metrics_have_nothing_of_it(self):
        answer = ask(self.gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 200)
        for name in answer.headers:
            self.assertNotIn("memory", name)
            self.assertNotIn("active", name)
        self.assertEqual(
            [name for name in samples(self.gateway)
             if name.startswith(("llmgw_overload_", "llmgw_memory_"))], [])


class WorkedExamplesTest(unittest.TestCase):
    """Those of docs/overload.md, as they stand there."""

    def test_as_many_are_served_as_the_table_says(self):
        with open("docs/overload.md", encoding="utf-8") as file:
            section = file.read().split("\n## Worked examples\n")[1]
        section = section.split("\n## ")[0]
        config = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1]
        rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|$", section,
                          re.MULTILINE)
        self.assertGreaterEqual(len(rows), 3)
        with GatewayProcess(config) as gateway, GrpcCaller() as caller:
            for calls, served, refused in rows:
                with self.subTest(calls=calls):
                    made = [caller.start_generate(gateway.grpc, prompt("m"))
                            for _ in range(int(calls))]
                    ends = [call.wait() for call in made]
                    codes = [end["code"] for end in ends]
                    self.assertEqual(codes.count("OK"), int(served))
                    self.assertEqual(
                        [end.get("reason") for end in ends].count(
                            "OVERLOADED"), int(refused))


if __name__ == "__main__":
    unittest.main()
