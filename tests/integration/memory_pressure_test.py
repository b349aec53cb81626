"""What happens while memory runs short, through sockets: what begins, what waits
and what shrinks, and what who is refused is told. docs/overload.md tells it."""

import json
import os
import tempfile
import threading
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection, ask, chat, \
    request_bytes
from tests.integration.samples import await_sample
from tests.integration.samples import samples


class ControlGroup:
    """A control group that may have 1000 MiB, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self._write("memory.max", 1000 << 20)
        self.use(100)

    def use(self, mebibytes):
        self._write("memory.current", mebibytes << 20)

    def _write(self, name, number):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("%d\n" % number)
        os.replace(path + ".new", path)


class MemoryCase(gateway_case.GatewayCase):
    """Memory that runs short, as the control group says it."""

    calls_grpc = True
    concurrency = ""
    # Further sections.
    more = ""

    @classmethod
    def setUpClass(cls):
        cls.group = ControlGroup(cls.enter_class(tempfile.TemporaryDirectory()))
        cls.config = gateway_case.CONFIG + (
            "overload: {{%s memory: {{cgroup_root: \"%s\", interval: "
            "10ms}}}}\n" % (cls.concurrency, cls.group.folder)) + cls.more
        super().setUpClass()

    def use(self, mebibytes, pressure):
        self.group.use(mebibytes)
        await_sample(self.gateway, "llmgw_memory_pressure", pressure)

    def tearDown(self):
        self.use(100, 0)


class KeptAnswersTest(MemoryCase):
    """What the cache keeps, where there is no memory for it."""

    more = "cache: {{}}\n"

    def test_nothing_new_is_kept_and_at_the_limit_nothing_at_all(self):
        entries = 'llmgw_cache_entries{store="memory"}'
        dropped = 'llmgw_cache_dropped_total{store="memory",reason="memory"}'
        for name in ("gpt-1", "gpt-2", "gpt-3"):
            self.assertEqual(ask(self.gateway.http, chat(name)).status, 200)
        await_sample(self.gateway, entries, 3)
        self.use(780, 1)
        for _ in range(2):
            self.assertEqual(ask(self.gateway.http, chat("gpt-new")).status,
                             200)
        self.assertEqual(self.upstream.stat("gpt-new", "requests"), 2)
        await_sample(self.gateway, dropped, 2)
        self.assertEqual(samples(self.gateway)[entries], 3)
        self.use(960, 2)
        await_sample(self.gateway, entries, 0)
        await_sample(self.gateway, dropped, 5)


class MemoryTest(MemoryCase):
    """F-24."""

    more = """\
rate_limits:
  - {{name: counted-rpm, unit: requests, limit: 100, window: 1h,
     match: {{models: [gpt-counted]}}}}
"""

    def test_at_the_limit_no_call_begins_and_all_else_is_served(self):
        self.assertEqual(ask(self.gateway.http, chat("gpt-x")).status, 200)
        name = ('llmgw_overload_shed_calls_total'
                '{priority="normal",reason="memory"}')
        before = samples(self.gateway)[name]
        self.use(960, 2)
        answer = ask(self.gateway.http, chat("gpt-full"))
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertEqual(answer.headers["x-memory-pressure"], "critical")
        self.assertIn("memory", answer.error()["message"])
        call = self.caller.generate(self.gateway.grpc, prompt("gpt-full"))
        self.assertEqual(call.end["reason"], "OVERLOADED")
        self.assertEqual(call.end["metadata"]["limit"],
                         "overload.memory.size_bytes_limit")
        self.assertEqual(call.end["retry_s"], 5)
        self.assertEqual(self.upstream.stat("gpt-full", "requests"), 0)
        self.assertEqual(ask(self.gateway.http, path="/v1/models").status, 200)
        self.assertEqual(
            ask(self.gateway.operations, path="/readyz").status, 200)
        await_sample(self.gateway, name, before + 2)
        self.use(100, 0)
        self.assertEqual(ask(self.gateway.http, chat("gpt-full")).status, 200)

    def test_at_the_limit_no_body_is_taken_in(self):
        name = ('llmgw_overload_shed_calls_total'
                '{priority="normal",reason="memory"}')
        before = samples(self.gateway)[name]
        self.use(960, 2)
        caller = self.enter(RawConnection(self.gateway.http))
        caller.send(b"POST /v1/chat/completions HTTP/1.1\r\n"
                    b"host: localhost\r\ncontent-type: application/json\r\n"
                    b"content-length: 10000000\r\n\r\n")
        # Before any of it has been sent.
        status, headers = caller.read_head()
        self.assertEqual(status, 503)
        self.assertEqual(headers["retry-after"], "5")
        self.assertEqual(headers["x-memory-pressure"], "critical")
        await_sample(self.gateway, name, before + 1)

    def test_above_the_soft_limit_calls_are_served_and_told(self):
        # 80 % of 95 % of 1000 MiB.
        self.use(780, 1)
        answer = ask(self.gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["x-memory-pressure"], "elevated")
        self.gateway.wait_for_log(msg="memory pressure", pressure="elevated")

    def test_anthropics_api_says_so_in_anthropics_words(self):
        self.use(960, 2)
        body = {**chat("claude-x"), "max_tokens": 8}
        answer = ask(self.gateway.http, body, path="/v1/messages")
        self.assertEqual(answer.status, 529)
        self.assertEqual(answer.error()["type"], "overloaded_error")
        self.assertEqual(answer.headers["retry-after"], "5")
        # Before its body has come, too.
        caller = self.enter(RawConnection(self.gateway.http))
        caller.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n"
                    b"content-type: application/json\r\n"
                    b"content-length: 10000000\r\n\r\n")
        self.assertEqual(caller.read_head()[0], 529)

    def test_above_the_soft_limit_lists_of_embeddings_are_asked_for_in_parts(
            self):
        inputs = ["text %d" % i for i in range(40)]

        def embed():
            answer = ask(self.gateway.http,
                         {"model": "gpt-embeds", "input": inputs},
                         path="/v1/embeddings")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn("attempts=1", answer.headers["x-llmgateway-route"])
            return answer.json()
        whole = embed()
        self.assertEqual(self.upstream.stat("gpt-embeds", "requests"), 1)
        self.use(780, 1)
        parts = embed()
        # 16, 16 and 8: fewer are not worth a request.
        self.assertEqual(self.upstream.stat("gpt-embeds", "requests"), 4)
        self.assertEqual(len(json.loads(
            self.upstream.last_body("gpt-embeds"))["input"]), 8)
        self.assertEqual([each["index"] for each in parts["data"]],
                         list(range(40)))
        self.assertEqual(len(parts["data"]), len(whole["data"]))
        # What they have consumed is added up.
        self.assertEqual(parts["usage"]["prompt_tokens"],
                         3 * whole["usage"]["prompt_tokens"])

    def test_a_list_that_a_limit_of_its_target_counts_stays_whole(self):
        inputs = ["text %d" % i for i in range(40)]
        self.use(780, 1)
        answer = ask(self.gateway.http,
                     {"model": "gpt-counted", "input": inputs},
                     path="/v1/embeddings")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(answer.json()["data"]), 40)
        self.assertEqual(self.upstream.stat("gpt-counted", "requests"), 1)

    def test_above_the_soft_limit_pages_of_lists_are_shorter(self):
        def page(rpc, size, field):
            call = self.caller.call(self.gateway.admin, rpc,
                                    {"page_size": size})
            self.assertEqual(call.end["code"], "OK", call.end)
            return len(call.response[field]), call.response.get(
                "next_page_token", "")
        rpc = "/llmgateway.v1.AdminService/ListProviders"
        self.assertEqual(page(rpc, 2, "providers"), (2, ""))
        self.use(780, 1)
        count, token = page(rpc, 2, "providers")
        self.assertEqual(count, 1)
        self.assertTrue(token)
        call = self.caller.call(self.gateway.admin, rpc, {
            "page_size": 2, "page_token": token})
        self.assertEqual(len(call.response["providers"]), 1)
        self.assertFalse(call.response.get("next_page_token"))

    def test_above_the_soft_limit_those_that_matter_least_wait(self):
        self.use(780, 1)
        statuses = []
        least = threading.Thread(target=lambda: statuses.append(ask(
            self.gateway.http, chat("gpt-least"),
            headers={"x-llmgateway-priority": "low"}).status))
        least.start()
        self.addCleanup(least.join)
        waiting = 'llmgw_overload_waiting_calls{priority="low"}'
        await_sample(self.gateway, waiting, 1)
        self.assertEqual(ask(self.gateway.http, chat("gpt-x")).status, 200)
        self.assertEqual(self.upstream.stat("gpt-least", "requests"), 0)
        self.use(100, 0)
        least.join()
        self.assertEqual(statuses, [200])

    def test_calls_that_run_go_on(self):
        self.upstream.set_script("gpt-long", {"chunks": 20,
                                              "chunk_delay_ms": 20})
        stream = self.enter(RawConnection(self.gateway.http))
        stream.send(request_bytes(chat("gpt-long", stream=True)))
        self.assertEqual(stream.read_head()[0], 200)
        self.use(990, 2)
        self.assertIn(b"[DONE]", stream.read_chunks())


class HeldBackTest(MemoryCase):
    """Calls of low priority that may not wait for memory."""

    concurrency = "concurrency: {{calls_limit: 50, wait_timeout: 0s}},"

    def test_memory_is_said_to_be_why_and_not_the_number_of_calls(self):
        counted = "llmgw_overload_shed_calls_total{priority=\"low\",reason="
        self.use(780, 1)
        answer = ask(self.gateway.http, chat("gpt-x"),
                     headers={"x-llmgateway-priority": "low"})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertEqual(answer.headers["x-memory-pressure"], "elevated")
        self.assertIn("memory is short", answer.error()["message"])
        self.assertNotIn("calls, as many", answer.error()["message"])
        call = self.caller.generate(
            self.gateway.grpc, prompt("gpt-x"),
            metadata=[("x-llmgateway-priority", "low")])
        self.assertEqual(call.end["reason"], "OVERLOADED")
        self.assertEqual(call.end["metadata"]["limit"],
                         "overload.memory.soft_percent")
        await_sample(self.gateway, counted + '"memory"}', 2)
        found = samples(self.gateway)
        self.assertEqual(found[counted + '"too_many_wait"}'], 0)
        self.assertEqual(found[counted + '"waited_too_long"}'], 0)


class WaitingTest(MemoryCase):
    """Calls that wait for a place as memory runs out."""

    concurrency = "concurrency: {{calls_limit: 1, wait_timeout: 60s}},"

    def test_who_waits_is_refused_as_who_comes(self):
        self.upstream.set_script("gpt-held", {"first_byte_delay_ms": 60000})
        running = self.enter(RawConnection(self.gateway.http))
        running.send(request_bytes(chat("gpt-held")))
        self.upstream.wait_for("started", "gpt-held")
        waits = self.enter(RawConnection(self.gateway.http))
        waits.send(request_bytes(chat("gpt-waits")))
        await_sample(self.gateway,
                     'llmgw_overload_waiting_calls{priority="normal"}', 1)
        self.use(960, 2)
        status, headers = waits.read_head()
        self.assertEqual(status, 503)
        self.assertEqual(headers["retry-after"], "5")
        self.assertEqual(headers["x-memory-pressure"], "critical")
        await_sample(self.gateway, "llmgw_overload_shed_calls_total"
                     '{priority="normal",reason="memory"}', 1)
        self.assertEqual(self.upstream.stat("gpt-waits", "requests"), 0)


class SessionsMemoryTest(MemoryCase):
    """Sessions are kept in memory here."""

    more = "sessions: {{}}\n"
    counted = ('llmgw_overload_shed_calls_total'
               '{priority="normal",reason="memory"}')

    def sessions(self, method, session="", body=None):
        return ask(self.gateway.http, body, method=method,
                   path="/v1/sessions" + session)

    def test_at_the_limit_none_is_opened_and_those_that_are_go_on(self):
        made = self.sessions("POST", body={})
        self.assertEqual(made.status, 201, made.body)
        before = samples(self.gateway)[self.counted]
        self.use(960, 2)
        refused = self.sessions("POST", body={"context": {"a": "b" * 900000}})
        self.assertEqual(refused.status, 503)
        self.assertIn("memory", refused.error()["message"])
        self.assertEqual(refused.headers["retry-after"], "5")
        self.assertEqual(refused.headers["x-memory-pressure"], "critical")
        self.assertGreater(float(refused.headers["x-memory-rss-mb"]), 1)
        self.assertEqual(refused.headers["x-active-requests"], "0")
        await_sample(self.gateway, self.counted, before + 1)
        path = "/" + made.json()["id"]
        self.assertEqual(self.sessions("GET", path).status, 200)
        self.assertEqual(self.sessions("DELETE", path).status, 204)
        self.use(100, 0)
        self.assertEqual(self.sessions("POST", body={}).status, 201)

    def test_no_body_of_what_is_no_call_is_taken_in_either(self):
        self.use(960, 2)
        for path in ("/v1/sessions", "/api/chat/select-model"):
            with self.subTest(path=path):
                caller = self.enter(RawConnection(self.gateway.http))
                caller.send(b"POST %s HTTP/1.1\r\nhost: localhost\r\n"
                            b"content-type: application/json\r\n"
                            b"content-length: 900000\r\n\r\n" %
                            path.encode())
                # Before any of it has been sent.
                status, headers = caller.read_head()
                self.assertEqual(status, 503)
                self.assertEqual(headers["retry-after"], "5")
                self.assertEqual(headers["x-memory-pressure"], "critical")

    def test_by_grpc_none_is_opened_either(self):
        service = "/llmgateway.v1.GatewayService/"

        def create():
            return self.caller.call(self.gateway.grpc,
                                    service + "CreateSession", {})
        made = create()
        self.assertEqual(made.end["code"], "OK", made.end)
        self.use(960, 2)
        refused = create()
        self.assertEqual(refused.end["code"], "UNAVAILABLE", refused.end)
        self.assertEqual(refused.end["reason"], "OVERLOADED")
        self.assertEqual(refused.end["metadata"]["limit"],
                         "overload.memory.size_bytes_limit")
        self.assertEqual(refused.end["retry_s"], 5)
        self.assertEqual(refused.trailer("x-memory-pressure"), "critical")
        for method in ("GetSession", "DeleteSession"):
            call = self.caller.call(self.gateway.grpc, service + method,
                                    {"id": made.response["id"]})
            self.assertEqual(call.end["code"], "OK", call.end)


if __name__ == "__main__":
    unittest.main()
