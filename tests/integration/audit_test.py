"""The audit log: an entry for each call however it ends, and bodies only where
a rule asks for them."""

import base64
import json
import os
import re
import threading
import unittest

from tests.integration import audit_case
from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import request_bytes
from tests.testing.gateway_process import GatewayError


class EntriesTest(audit_case.AuditCase):

    def test_each_call_has_an_entry_that_says_what_it_was(self):
        gateway = self.start()
        self.assertEqual(
            self.ask(gateway, chat("gpt-x", user="u-7")).status, 200)
        self.upstream.set_script("gpt-bad", {"status": 400})
        self.assertEqual(self.ask(gateway, chat("gpt-bad")).status, 400)
        answer = ask(gateway.http, chat("gpt-x"),
                     headers={"authorization": "Bearer not-a-key"})
        self.assertEqual(answer.status, 401)
        refused, failed, served = self.await_entries(gateway, 3)
        self.assertEqual(served["outcome"], "AUDIT_OUTCOME_SUCCEEDED")
        self.assertEqual(served["caller"], "team")
        self.assertEqual(served["owner"], "search")
        self.assertEqual(served["model"], "gpt-x")
        self.assertEqual(served["route"]["provider"], "openai")
        self.assertEqual(served["scope"]["user_id"], "u-7")
        self.assertEqual(served["http_status"], 200)
        self.assertEqual(served["operation"], "POST /v1/chat/completions")
        self.assertGreater(int(served["usage"]["input_tokens"]), 0)
        self.assertEqual(failed["outcome"], "AUDIT_OUTCOME_FAILED")
        self.assertEqual(failed["attempts"], 1)
        self.assertTrue(failed["message"])
        self.assertEqual(refused["outcome"], "AUDIT_OUTCOME_FAILED")
        self.assertEqual(refused["failure"], "ERROR_REASON_API_KEY_INVALID")
        self.assertNotIn("route", refused)
        # Nobody asked for bodies.
        for entry in (refused, failed, served):
            self.assertNotIn("request", entry)
            self.assertNotIn("response", entry)

    def test_entries_are_found_by_what_they_say(self):
        gateway = self.start()
        for model in ("gpt-a", "gpt-b", "gpt-a"):
            self.ask(gateway, chat(model))
        self.upstream.set_script("gpt-bad", {"status": 400})
        self.ask(gateway, chat("gpt-bad"))
        entries = self.await_entries(gateway, 4)
        newest = entries[0]
        self.assertEqual(
            len(self.search(gateway, filter={"model": "gpt-a"})), 2)
        self.assertEqual(
            [e["model"] for e in self.search(
                gateway, filter={"outcome": "AUDIT_OUTCOME_FAILED"})],
            ["gpt-bad"])
        self.assertEqual(
            len(self.search(gateway, filter={"caller": "team"})), 4)
        self.assertEqual(
            self.search(gateway, filter={"caller": "nobody"}), [])
        self.assertEqual(
            self.search(gateway,
                        filter={"request_id": newest["request_id"]}),
            [newest])
        self.assertEqual(
            len(self.search(gateway, filter={"end_time": newest["time"]})), 3)
        self.assertEqual(
            self.admin(gateway, "GetAudit", id=newest["id"]), newest)
        pages, token = [], ""
        for _ in range(4):
            page = self.admin(gateway, "SearchAudit", page_size=1,
                              page_token=token)
            pages += page["entries"]
            token = page.get("next_page_token", "")
        self.assertEqual(token, "")
        self.assertEqual(pages, entries)
        for request, code in (
                ({"page_token": "x"}, "INVALID_ARGUMENT"),
                ({"page_size": -1}, "INVALID_ARGUMENT"),
                ({"filter": {"start_time": "2026-01-02T00:00:00Z",
                             "end_time": "2026-01-01T00:00:00Z"}},
                 "INVALID_ARGUMENT")):
            self.admin(gateway, "SearchAudit", code=code, **request)
        self.admin(gateway, "GetAudit", code="NOT_FOUND", id=999)

    def test_an_export_is_lines_of_json(self):
        gateway = self.start()
        for _ in range(7):
            self.ask(gateway)
        self.await_entries(gateway, 7)
        call = self.caller.start(
            gateway.admin, audit_case.ADMIN + "ExportAudit", {}, stream=True,
            metadata=[["authorization", "Bearer " + audit_case.OPERATOR]])
        self.assertEqual(call.wait()["code"], "OK", call.end)
        lines = b"".join(base64.b64decode(piece["json_lines"])
                         for piece in call.events).decode().splitlines()
        self.assertEqual(
            sum(piece["entries"] for piece in call.events), 7)
        entries = [json.loads(line) for line in lines]
        self.assertEqual(len(entries), 7)
        self.assertEqual(entries[0]["caller"], "team")

    def test_entries_outlast_the_process(self):
        gateway = self.start()
        self.ask(gateway)
        gateway.stop()  # At once: what waits is written.
        again = self.start()
        self.ask(again)
        self.assertEqual(
            [e["id"] for e in self.await_entries(again, 2)],
            sorted([e["id"] for e in self.search(again)], key=int,
                   reverse=True))

    def test_without_the_section_there_is_none(self):
        gateway = self.start(audit="")
        self.ask(gateway)
        end = self.admin(gateway, "SearchAudit", code="FAILED_PRECONDITION")
        self.assertEqual(end["reason"], "NOT_CONFIGURED")
        self.assertFalse(os.path.exists(
            os.path.join(self.state, "audit.db")))


class BodiesTest(audit_case.AuditCase):

    def test_bodies_are_kept_redacted_and_their_readers_recorded(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        text = "mail canary.person@mail.example of TICKET-987654321"
        self.ask(gateway, chat("gpt-x", text=text,
                               metadata={"secret_field": "canary-value",
                                         "other": "stays"}))
        entry, = self.await_entries(gateway, 1)
        self.assertNotIn("text", entry["request"])
        self.assertEqual(entry["request"]["key_id"], "k1")
        self.assertEqual(entry["request"]["redactions"], 3)
        entry, = self.search(gateway, include_bodies=True)
        request = json.loads(entry["request"]["text"])
        self.assertEqual(request["messages"][0]["content"],
                         "mail [redacted:email] of [redacted:ticket]")
        self.assertEqual(request["metadata"],
                         {"secret_field": "[redacted:json_path]",
                          "other": "stays"})
        answer = json.loads(entry["response"]["text"])
        self.assertTrue(answer["choices"][0]["message"]["content"])
        told, = self.search(gateway, filter={"kind": "KIND_DISCLOSURE"})
        self.assertEqual(told["caller"], "on-call")
        self.assertEqual(told["entries"], "1")
        self.assertEqual(told["operation"],
                         "llmgateway.v1.AdminService/SearchAudit")

    def test_streams_are_kept_as_they_were_handed_on(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        self.upstream.set_script("gpt-s", {"chunks": 20})
        streamed = self.ask(gateway, chat("gpt-s", stream=True))
        self.assertEqual(streamed.status, 200)
        call = self.caller.stream(
            gateway.grpc, prompt("gpt-s"),
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        self.assertEqual(call.wait()["code"], "OK", call.end)
        self.await_entries(gateway, 2)
        by_grpc, by_http = self.search(gateway, include_bodies=True)
        self.assertTrue(by_http["stream"])
        self.assertEqual(by_http["response"]["text"],
                         streamed.body.decode())
        events = [json.loads(line)
                  for line in by_grpc["response"]["text"].splitlines()]
        said = "".join(event.get("delta", {}).get("text", "")
                       for event in events)
        self.assertEqual(said, call.text())
        self.assertIn("ROLE_USER", by_grpc["request"]["text"])

    def test_paths_find_what_callers_wrote_at_every_api(self):
        gateway = self.start(audit="""\
audit:
  bodies: [{request: true, response: true}]
  redaction:
    json_paths: [input, message, "messages.*.content", "**.password",
                 "choices.*.message.content", "choices.*.delta.content",
                 "content.*.text", "delta.text"]
  encryption: {keys: [{id: k1, key: "env:AUDIT_KEY"}]}
""", more="ledger: {record_texts: true}\n")
        said = "zebra crossing"
        self.upstream.set_script("gpt-x", {"text": said, "dimensions": 3})
        calls = [
            ("/v1/embeddings", {"model": "gpt-x", "input": said}),
            ("/api/chat/complete",
             {"messages": [{"role": "user", "content": said}],
              "message": said, "context": {"password": said}}),
            (http_calls.CHAT, chat("gpt-x", text=said)),
            (http_calls.CHAT, chat("gpt-x", text=said, stream=True)),
            # Read and written anew.
            ("/v1/messages", chat("gpt-x", text=said, max_tokens=9)),
            ("/v1/messages",
             chat("gpt-x", text=said, max_tokens=9, stream=True))]
        for path, body in calls:
            answer = self.ask(gateway, body, path=path)
            self.assertEqual(answer.status, 200, answer.body)
        self.await_entries(gateway, len(calls))
        entries = self.search(gateway, include_bodies=True)[::-1]
        for (path, body), entry in zip(calls, entries):
            with self.subTest(path=path, stream=body.get("stream")):
                request = json.loads(entry["request"]["text"])
                self.assertEqual(list(request), list(body))
                self.assertNotIn("zebra", entry["request"]["text"])
                if path == "/api/chat/complete":
                    continue  # Its answer has other names.
                self.assertNotIn("zebra", entry["response"]["text"])
                self.assertNotIn("crossing", entry["response"]["text"])

    def test_answers_are_kept_as_they_were_handed_on(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        self.upstream.set_script("gpt-x", {"dimensions": 3})
        calls = [
            ("/v1/embeddings", {"model": "gpt-x", "input": "Hello"}),
            ("/v1/messages", chat("gpt-x", max_tokens=9)),
            ("/v1/messages", chat("gpt-x", max_tokens=9, stream=True)),
            ("/v1/messages/count_tokens", chat("gpt-x"))]
        answers = []
        for path, body in calls:
            answers.append(self.ask(gateway, body, path=path))
            self.assertEqual(answers[-1].status, 200, answers[-1].body)
        self.await_entries(gateway, len(calls))
        entries = self.search(gateway, include_bodies=True)[::-1]
        self.assertEqual([entry["response"]["text"] for entry in entries],
                         [answer.body.decode() for answer in answers])

    def test_who_goes_on_with_a_stream_has_an_entry(self):
        gateway = self.start(more="resumable_streams: {}\n")
        answer = self.ask(gateway, chat("gpt-x", stream=True))
        last = re.findall(rb"^id: (\S+)\r?$", answer.body, re.M)[0].decode()
        for key, status in ((audit_case.CALLER, 200), ("not-a-key", 401)):
            again = ask(gateway.http, chat("gpt-x", stream=True),
                        headers={"authorization": "Bearer " + key,
                                 "last-event-id": last})
            self.assertEqual(again.status, status, again.body)
        refused, resumed, first = self.await_entries(gateway, 3)
        self.assertEqual(resumed["answer_of"], first["request_id"])
        self.assertEqual(resumed["outcome"], "AUDIT_OUTCOME_SUCCEEDED")
        self.assertEqual(resumed["caller"], "team")
        self.assertNotIn("attempts", resumed)
        self.assertEqual(refused["failure"], "ERROR_REASON_API_KEY_INVALID")

    def test_who_goes_on_with_a_stream_has_its_bodies(self):
        gateway = self.start(audit="""\
audit:
  bodies:
    - {routes: ["model_rule:*"], request: true, response: true}
  redaction: {own_patterns: [{name: ticket, regex: "TICKET-[0-9]+"}]}
""", more="resumable_streams: {}\n")
        self.upstream.set_script(
            "gpt-x", {"text": "it is TICKET-987654321 of yours",
                      "chunk_bytes": 8})
        answer = self.ask(gateway, chat("gpt-x", stream=True))
        events = re.findall(rb"(?s).+?\r?\n\r?\n", answer.body)
        first = re.findall(rb"^id: (\S+)\r?$", events[0], re.M)[0].decode()
        again = ask(gateway.http, chat("gpt-x", text="once more", stream=True),
                    headers={"authorization": "Bearer " + audit_case.CALLER,
                             "last-event-id": first})
        self.assertEqual(again.body, b"".join(events[1:]))
        call = self.caller.stream(
            gateway.grpc, prompt("gpt-x"),
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        self.assertEqual(call.wait()["code"], "OK", call.end)
        resumed = self.caller.start(
            gateway.grpc, "/llmgateway.v1.GatewayService/ResumeStream",
            {"request_id": call.events[0]["started"]["request_id"],
             "after_seq": 1}, stream=True,
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        self.assertEqual(resumed.wait()["code"], "OK", resumed.end)
        self.await_entries(gateway, 4)
        by_grpc, _, by_http, _ = self.search(gateway, include_bodies=True)
        self.assertIn("once more", by_http["request"]["text"])
        said = "".join(
            json.loads(data)["choices"][0]["delta"].get("content") or ""
            for data in re.findall(r"^data: (\{.*)$",
                                   by_http["response"]["text"], re.M)
            if json.loads(data)["choices"])
        self.assertEqual(said, "it is [redacted:ticket] of yours")
        self.assertEqual(
            json.loads(by_grpc["request"]["text"])["requestId"],
            call.events[0]["started"]["request_id"])
        lines = [json.loads(line)
                 for line in by_grpc["response"]["text"].splitlines()]
        self.assertEqual([int(line["seq"]) for line in lines],
                         [int(event["seq"]) for event in call.events[1:]])
        self.assertEqual(
            "".join(line.get("delta", {}).get("text", "") for line in lines),
            said)

    def test_rules_say_whose_bodies_are_kept(self):
        gateway = self.start(audit="""\
audit:
  bodies:
    - {apis: [grpc]}
    - {callers: ["te*"], request: true, body_bytes_limit: 40}
""")
        self.ask(gateway)
        self.caller.generate(
            gateway.grpc, prompt("gpt-x"),
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        self.await_entries(gateway, 2)
        by_grpc, by_http = self.search(gateway, include_bodies=True)
        self.assertNotIn("request", by_grpc)
        self.assertNotIn("response", by_http)
        self.assertEqual(len(by_http["request"]["text"]), 40)
        self.assertTrue(by_http["request"]["truncated"])

    def test_a_key_rotates_and_what_it_encrypted_stays_readable(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        self.ask(gateway, chat("gpt-x", text="the first"))
        self.await_entries(gateway, 1)
        gateway.stop()
        both = audit_case.ALL_BODIES.replace(
            "[{id: k1", '[{id: k2, key: "env:OTHER_KEY"}, {id: k1')
        gateway = self.start(audit=both)
        self.ask(gateway, chat("gpt-x", text="the second"))
        self.await_entries(gateway, 2)
        second, first = self.search(gateway, include_bodies=True)
        self.assertIn("the second", second["request"]["text"])
        self.assertEqual(second["request"]["key_id"], "k2")
        self.assertIn("the first", first["request"]["text"])
        gateway.stop()
        gateway = self.start(
            audit=audit_case.ALL_BODIES.replace("k1", "k2").replace(
                "AUDIT_KEY", "OTHER_KEY"))
        second, first = self.search(gateway, include_bodies=True)
        self.assertIn("the second", second["request"]["text"])
        self.assertIn("k1", first["request"]["unavailable"])
        self.assertNotIn("text", first["request"])

    def test_a_key_that_is_none_keeps_the_gateway_from_starting(self):
        with self.assertRaises(GatewayError) as told:
            self.start(audit=audit_case.ALL_BODIES.replace(
                "AUDIT_KEY", "OPENAI_KEY"))
        self.assertIn("audit.encryption", str(told.exception))
        self.assertNotIn(audit_case.UPSTREAM_KEY, str(told.exception))


class CountTest(audit_case.AuditCase):

    def test_entries_are_as_many_as_calls_under_load(self):
        gateway = self.start(
            audit="audit: {unknown_callers_per_second: 100000}\n")
        self.upstream.set_script("gpt-s", {"chunks": 30, "chunk_delay_ms": 5})
        self.upstream.set_script("gpt-bad", {"status": 500})
        each, threads = 15, []

        def whole():
            for _ in range(each):
                self.ask(gateway)

        def failing():
            for _ in range(each):
                self.ask(gateway, chat("gpt-bad"))

        def streamed():
            for _ in range(each):
                self.ask(gateway, chat("gpt-s", stream=True))

        def left():
            for _ in range(each):
                with RawConnection(gateway.http) as connection:
                    connection.send(request_bytes(
                        chat("gpt-s", stream=True),
                        headers=["authorization: Bearer " + audit_case.CALLER]))
                    connection.read_head()
                    connection.reset()

        def refused():
            for _ in range(each):
                ask(gateway.http, chat("gpt-x"))

        work = (whole, failing, streamed, left, refused)
        for one in work:
            threads += [threading.Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        total = 2 * each * len(work)
        entries = self.await_entries(gateway, total)
        self.assertEqual(len({e["request_id"] for e in entries}), total)
        succeeded, failed = self.counted(gateway)
        outcomes = [e["outcome"] for e in entries]
        self.assertEqual(outcomes.count("AUDIT_OUTCOME_SUCCEEDED"), succeeded)
        self.assertEqual(outcomes.count("AUDIT_OUTCOME_FAILED"), failed)
        self.assertEqual(succeeded + failed, total)
        text = self.metrics(gateway)
        self.assertIn("llmgw_audit_entries_total %d\n" % total, text)
        self.assertIn("llmgw_audit_dropped_total 0\n", text)

    def counted(self, gateway):
        """How many calls succeeded and failed, by /gateway/metrics."""
        answer = ask(gateway.http, path="/gateway/metrics",
                     headers={"authorization": "Bearer " + audit_case.OPERATOR})
        summary = answer.json()["summary"]
        return summary["successful_requests"], summary["failed_requests"]

    def metrics(self, gateway):
        return ask(gateway.operations, path="/metrics").body.decode()


class SeedRouteTest(audit_case.AuditCase):

    def read(self, gateway, query="", key=audit_case.OPERATOR, headers=None):
        headers = dict(headers or {})
        if key:
            headers["authorization"] = "Bearer " + key
        return ask(gateway.http, path="/gateway/audit" + query,
                   headers=headers)

    def test_it_answers_in_the_form_of_the_earlier_gateway(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        self.upstream.set_script("gpt-bad", {"status": 400})
        for model in ("gpt-a", "gpt-b", "gpt-bad"):
            self.ask(gateway, chat(model))
        self.await_entries(gateway, 3)
        answer = self.read(gateway)
        self.assertEqual(answer.status, 200, answer.body)
        body = answer.json()
        self.assertEqual(body["total"], 3)
        failed, second, first = body["entries"]
        self.assertEqual(
            set(first),
            {"id", "timestamp", "provider", "model", "agent_type",
             "project_id", "input_tokens", "output_tokens",
             "cache_write_tokens", "cache_read_tokens", "cost_usd",
             "latency_ms", "status", "request_body", "response_body",
             "error_message"})
        self.assertEqual(first["provider"], "openai")
        self.assertEqual(first["status"], "success")
        self.assertIsNone(first["request_body"])
        self.assertEqual(failed["status"], "error")
        self.assertTrue(failed["error_message"])
        self.assertEqual(failed["input_tokens"], 0)
        self.assertEqual(
            self.read(gateway, "?limit=1&offset=1").json()["entries"],
            [second])
        self.assertEqual(
            self.read(gateway, "?success=true").json()["total"], 2)
        self.assertEqual(
            self.read(gateway, "?success=false").json()["entries"], [failed])
        self.assertEqual(
            self.read(gateway, "?provider=other").json(),
            {"entries": [], "total": 0})
        shown = self.read(gateway, "?include_bodies=true&limit=3").json()
        self.assertIn("gpt-a", shown["entries"][2]["request_body"])
        self.assertIn("choices", shown["entries"][2]["response_body"])
        self.assertEqual(
            len(self.search(gateway, filter={"kind": "KIND_DISCLOSURE"})), 1)
        for query in ("?limit=x", "?start_time=yesterday", "?success=maybe",
                      "?color=red"):
            answer = self.read(gateway, query)
            self.assertEqual(answer.status, 400, query)
            self.assertEqual(answer.error()["type"], "validation_error")

    def test_it_is_for_operators(self):
        gateway = self.start()
        for key in ("", audit_case.CALLER):
            self.assertEqual(self.read(gateway, key=key).status, 401)
        self.assertEqual(self.read(gateway).status, 200)

    def test_without_operators_keys_it_is_for_this_machine(self):
        gateway = self.start(
            auth="", more="listeners:\n" + "".join(
                '  %s: {address: "127.0.0.1:0"%s}\n' % (
                    name, ", trusted_proxies: [127.0.0.1]"
                    if name == "http" else "")
                for name in ("grpc", "http", "admin", "operations")))
        self.assertEqual(self.read(gateway, key="").status, 200)
        answer = self.read(gateway, key="",
                           headers={"x-forwarded-for": "203.0.113.9"})
        self.assertEqual(answer.status, 403, answer.body)
        answer = self.read(gateway, key="",
                           headers={"origin": "https://evil.example"})
        self.assertEqual(answer.status, 403, answer.body)

    def test_health_says_whether_calls_are_audited(self):
        for audit, expected in (
                ("", (False, False, False)), ("audit: {}\n",
                                              (True, False, False)),
                (audit_case.ALL_BODIES, (True, True, True))):
            gateway = self.start(audit=audit)
            told = ask(gateway.http, path="/gateway/health", headers={
                "authorization": "Bearer " + audit_case.OPERATOR}
                       ).json()["audit"]
            self.assertEqual(
                (told["enabled"], told["log_request_bodies"],
                 told["log_response_bodies"]), expected)
            gateway.stop()


if __name__ == "__main__":
    unittest.main()
