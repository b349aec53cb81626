"""Every call is written down, whole, streamed, refused or broken off, at every
API, before its caller hears the end: docs/ledger.md."""

import hashlib
import json
import resource
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.grpc_caller import GrpcCaller, prompt
from tests.integration.http_calls import RawConnection, ask, chat
from tests.integration.ledger_case import of_type

_GENERATE = "/llmgateway.v1.GatewayService/Generate"
_STREAM = "/llmgateway.v1.GatewayService/StreamGenerate"
_EMBED = "/llmgateway.v1.GatewayService/Embed"
_COUNT = "/llmgateway.v1.GatewayService/CountTokens"
# What a stream's caller must not have before the ledger knows of the call.
_ENDS = {
    http_calls.CHAT: b"[DONE]",
    "/v1/messages": b"message_stop",
    "/v1/responses": b"response.completed",
}
# As a disk that is full; for this process's child alone.
_NO_ROOM = (0, resource.RLIM_INFINITY)
_ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
# What would be another line, entry or field, or a format, if it were no text.
_INJECTED = (
    'x"}\n{"id": "LED-0", "event_type": "EXCHANGE", "level": "fatal"}',
    "%n%s%x{}{0}$(id)`id`", "\\u0022, \"entry_hash\": \"\", \"x\": \"",
    "\u2028\u0085\x7f\x01", "--help -o /x ${HOME}")
_LEDGER_IDS = ("x-llmgateway-dispatch-entry-id",
               "x-llmgateway-exchange-entry-id")


def _bodies(stream):
    yield http_calls.CHAT, chat("gpt-x", stream=stream)
    yield "/v1/messages", chat("claude-x", stream=stream, max_tokens=9)
    yield "/v1/responses", {"model": "gpt-x", "input": "Hello",
                            "stream": stream}
    # Read and written anew, since the provider has another format.
    yield http_calls.CHAT, chat("claude-x", stream=stream)


def _headers(path):
    return {"anthropic-version": "2023-06-01"} if "messages" in path else {}


class LedgerTest(ledger_case.LedgerCase):

    def test_every_call_has_a_dispatch_and_an_exchange(self):
        gateway = self.start()
        told = []
        for stream in (False, True):
            for path, body in _bodies(stream):
                answer = ask(gateway.http, body, path=path,
                             headers=_headers(path))
                self.assertEqual(answer.status, 200, answer.body)
                told.append([answer.headers[name] for name in _LEDGER_IDS])
        with GrpcCaller() as caller:
            call = caller.call(gateway.grpc, _GENERATE, prompt("gpt-x"))
            answer = call.response
            hash_told = answer["context_hash"]
            call = caller.call(gateway.grpc, _STREAM, prompt("gpt-x"),
                               stream=True)
            for said in (answer, call.events[-1]["end"]):
                told.append([said["dispatch_entry_id"],
                             said["exchange_entry_id"]])
        gateway.stop()
        entries = {entry["id"]: entry for entry in self.entries()}
        self.assertEqual(sorted(entries), sorted(sum(told, [])))
        for dispatch, exchange in told:
            self.assertEqual(entries[dispatch]["decision"], "DISPATCHED")
            self.assertEqual(
                sorted(entries[dispatch]["metadata"]),
                ["agent_id", "contract_id", "gateway", "session_id"])
            metadata = entries[exchange]["metadata"]
            self.assertEqual(entries[exchange]["decision"], "SUCCESS")
            self.assertEqual(metadata["dispatch_entry_id"], dispatch)
            self.assertEqual(metadata["prompt"], "")
            self.assertEqual(metadata["response"], "")
            self.assertGreater(metadata["output_tokens"], 0)
            self.assertEqual(metadata["context_hash"], hash_told)
        self.assertEqual(hash_told, hashlib.sha256(b"Hello").hexdigest())

    def test_counts_and_vectors_name_their_entries_as_answers_do(self):
        gateway = self.start()
        told = []
        for path, body in (
                ("/v1/embeddings", {"model": "gpt-x", "input": "Hello"}),
                ("/v1/messages/count_tokens", chat("claude-x")),
                ("/v1/responses/input_tokens", {"model": "gpt-x",
                                                "input": "Hello"})):
            answer = ask(gateway.http, body, path=path, headers=_headers(path))
            self.assertEqual(answer.status, 200, answer.body)
            told.append([answer.headers[name] for name in _LEDGER_IDS +
                         ("x-llmgateway-context-hash",)])
        with GrpcCaller() as caller:
            for method, request in (
                    (_EMBED, {"model": "gpt-x", "inputs": [{"text": "Hello"}]}),
                    (_COUNT, {"request": prompt("claude-x")})):
                said = caller.call(gateway.grpc, method, request).response
                told.append([said["dispatch_entry_id"],
                             said["exchange_entry_id"], said["context_hash"]])
        gateway.stop()
        entries = {entry["id"]: entry for entry in self.entries()}
        self.assertEqual(
            sorted(entries), sorted(sum((ids[:2] for ids in told), [])))
        for dispatch, exchange, hash_told in told:
            self.assertEqual(entries[dispatch]["event_type"], "DISPATCH")
            metadata = entries[exchange]["metadata"]
            self.assertEqual(metadata["dispatch_entry_id"], dispatch)
            self.assertEqual(metadata["context_hash"], hash_told)
            self.assertEqual(hash_told, hashlib.sha256(b"Hello").hexdigest())

    def test_an_estimated_count_names_whom_it_was_asked_of_in_vain(self):
        gateway = self.start()
        # As of a service that has no such path.
        self.upstream.set_script("gpt-x", {
            "status": 404, "content_type": "text/plain",
            "body": "404 page not found"})
        with GrpcCaller() as caller:
            said = caller.call(gateway.grpc, _COUNT,
                               {"request": prompt("gpt-x")}).response
        self.assertEqual(said["source"], "SOURCE_ESTIMATE")
        answer = ask(gateway.http, chat("gpt-x"), headers=_headers("messages"),
                     path="/v1/messages/count_tokens")
        self.assertEqual(answer.status, 200, answer.body)
        gateway.stop()
        exchanges = of_type(self.entries(), "EXCHANGE")
        self.assertEqual([entry["decision"] for entry in exchanges],
                         ["ERROR", "ERROR"])
        self.assertEqual(
            [(said["dispatch_entry_id"], said["exchange_entry_id"]),
             tuple(answer.headers[name] for name in _LEDGER_IDS)],
            [(entry["metadata"]["dispatch_entry_id"], entry["id"])
             for entry in exchanges])
        for told in (said["context_hash"],
                     answer.headers["x-llmgateway-context-hash"]):
            self.assertEqual(told, hashlib.sha256(b"Hello").hexdigest())

    def test_each_attempt_has_both(self):
        gateway = self.start()
        self.upstream.set_script("gpt-x", [{"status": 503}, {}])
        answer = ask(gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 200)
        gateway.stop()
        entries = self.entries()
        dispatches = of_type(entries, "DISPATCH")
        exchanges = of_type(entries, "EXCHANGE")
        self.assertEqual(
            [entry["metadata"]["dispatch_entry_id"] for entry in exchanges],
            [entry["id"] for entry in dispatches])
        self.assertEqual([entry["decision"] for entry in exchanges],
                         ["ERROR", "SUCCESS"])
        self.assertEqual(exchanges[0]["metadata"]["error_code"],
                         "SERVER_ERROR")
        self.assertEqual(exchanges[1]["metadata"]["gateway"]["attempt"],
                         "retry")

    def test_a_stream_that_its_caller_leaves_is_written_down(self):
        gateway = self.start()
        self.upstream.set_script(
            "gpt-x", {"chunks": 10000, "chunk_delay_ms": 5})
        with RawConnection(gateway.http) as caller:
            caller.send(http_calls.request_bytes(chat("gpt-x", stream=True)))
            caller.read_head()
            caller.read_chunk()
            caller.reset()
        self.upstream.wait_for("cancelled", "gpt-x")
        gateway.stop()
        exchange, = of_type(self.entries(), "EXCHANGE")
        self.assertEqual(exchange["metadata"]["error_code"], "CANCELLED")
        own = exchange["metadata"]["gateway"]
        self.assertTrue(own["estimated"])
        self.assertGreater(own["usage"]["output_tokens"], 0)

    def test_what_came_of_a_broken_answer_is_billed(self):
        gateway = self.start()
        text = "word " * 2000
        self.upstream.set_script("gpt-x", {"text": text,
                                           "garbage": "short_body"})
        usage = {"prompt_tokens": 1000, "completion_tokens": "many",
                 "prompt_tokens_details": {"cached_tokens": 64}}
        self.upstream.set_script("gpt-usage", {
            "content_type": "application/json", "body": json.dumps({
                "choices": [{"message": {"content": text},
                             "finish_reason": "stop"}], "usage": usage})})
        for body in (chat("gpt-x"), chat("gpt-usage")):
            self.assertGreaterEqual(ask(gateway.http, body).status, 500)
        gateway.stop()
        exchanges = of_type(self.entries(), "EXCHANGE")
        self.assertGreaterEqual(len(exchanges), 2)
        for exchange in exchanges:
            own = exchange["metadata"]["gateway"]
            self.assertEqual(exchange["decision"], "ERROR")
            # Of the other all came that it tells, if not all of its bytes.
            self.assertEqual(own["estimated"],
                             own["model_asked"] == "gpt-usage")
            self.assertGreater(own["usage"]["input_tokens"], 0)
            # About as many as the text has, which a stream would be billed.
            self.assertAlmostEqual(own["usage"]["output_tokens"],
                                   len(text) / 4, delta=len(text) / 20)
        told = exchanges[-1]["metadata"]["gateway"]["usage"]
        self.assertEqual(told["input_tokens"], 1000)
        self.assertEqual(told["cached_input_tokens"], 64)

    def test_a_refusal_names_its_entry(self):
        gateway = self.start()
        answer = ask(gateway.http, {"model": "gpt-x"})
        self.assertEqual(answer.status, 400)
        with GrpcCaller() as caller:
            end = caller.call(gateway.grpc, _GENERATE, {"model": "m"}).end
        gateway.stop()
        entries = self.entries()
        self.assertEqual(
            [entry["id"] for entry in entries],
            [answer.headers["x-llmgateway-ledger-entry-id"],
             end["metadata"]["ledger_entry_id"]])
        for entry in entries:
            self.assertEqual(entry["event_type"], "PROMPT_REJECTED")
            self.assertEqual(entry["metadata"]["error_code"], "INVALID_INPUT")
            self.assertEqual(
                sorted(entry["metadata"]),
                ["agent_id", "contract_id", "error_code", "error_message",
                 "gateway", "session_id"])
            self.assertTrue(entry["metadata"]["gateway"]["request_id"])

    def test_a_refusal_says_for_whom_it_was_asked(self):
        gateway = self.start()
        scope = {"session_id": "S9", "contract_id": "C9", "agent_id": "A9"}
        with GrpcCaller() as caller:
            for fields in ({"sampling": {"temperature": 3}},
                           {"max_output_tokens": -1}, {"session": "none"}):
                end = caller.call(gateway.grpc, _GENERATE, prompt(
                    "gpt-x", scope=scope, **fields)).end
                self.assertTrue(end["metadata"]["ledger_entry_id"], end)
        answer = ask(gateway.http, {"model": "gpt-x", "messages": []},
                     headers={"x-llmgateway-session": "S9",
                              "x-llmgateway-agent-id": "A9"})
        self.assertEqual(answer.status, 400, answer.body)
        gateway.stop()
        entries = self.entries()
        self.assertEqual(len(entries), 4)
        for entry in entries:
            self.assertEqual(entry["event_type"], "PROMPT_REJECTED")
            self.assertEqual(entry["metadata"]["session_id"], "S9", entry)
            self.assertEqual(entry["metadata"]["agent_id"], "A9", entry)
        # By HTTP no contract is said.
        self.assertEqual([entry["submission_id"] for entry in entries],
                         ["C9", "C9", "C9", ""])

    def test_texts_that_look_like_entries_are_texts(self):
        gateway = self.start(
            "ledger: {record_texts: true}\nlogging: {log_prompts: true}\n")
        for number, text in enumerate(_INJECTED):
            self.assertEqual(ask(gateway.http, chat(
                "gpt-" + text, text, user=text)).status, 200)
            refused = ask(gateway.http, {"model": text})
            self.assertEqual(refused.status, 400, refused.body)
            self.assertEqual(len(self.entries()), 3 * (number + 1))
        gateway.stop()
        self.assertEqual(
            [entry["metadata"]["prompt"] for entry in
             of_type(self.entries(), "EXCHANGE")], list(_INJECTED))
        lines = (gateway.output + gateway.access_text).rstrip("\n").split("\n")
        for line in lines:
            self.assertNotEqual(json.loads(line).get("level"), "fatal")

    def test_a_stream_has_no_end_that_the_ledger_has_not(self):
        for path, body in _bodies(stream=True):
            with self.subTest(path=path, model=body["model"]):
                self.setUp()
                gateway = self.start()
                self.upstream.set_script(
                    body["model"], {"chunks": 40, "chunk_delay_ms": 20})
                with RawConnection(gateway.http) as caller:
                    caller.send(http_calls.request_bytes(
                        body, path=path, headers=[
                            "%s: %s" % pair for pair in
                            _headers(path).items()]))
                    status, _ = caller.read_head()
                    self.assertEqual(status, 200)
                    holder = self.lock()
                    rest = caller.read_chunks()
                    self.assertNotIn(_ENDS[path], rest)
                    self.assertIn(b"error", rest)
                    holder.rollback()
                # What could not be written is, once it can be.
                ask(gateway.http, chat("gpt-y"))
                gateway.stop()
                decisions = [entry["decision"] for entry in
                             of_type(self.entries(), "EXCHANGE")]
                self.assertEqual(decisions, ["SUCCESS", "SUCCESS"])

    def test_without_room_on_the_disk_nobody_is_asked(self):
        gateway = self.start()
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        refused = ask(gateway.http, chat("gpt-x"))
        self.assertEqual(refused.status, 503, refused.body)
        self.assertIn("the ledger cannot be written", refused.error()["message"])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 1)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.stop()
        entries = self.entries()
        self.assertEqual(len(of_type(entries, "EXCHANGE")), 2)
        self.assertEqual(len(of_type(entries, "DISPATCH")), 2)

    def test_where_it_degrades_calls_go_on_and_nothing_is_lost(self):
        gateway = self.start("ledger: {on_failure: degrade}\n")
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        for stream in (False, True):
            answer = ask(gateway.http, chat("gpt-x", stream=stream))
            self.assertEqual(answer.status, 200, answer.body)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.stop()
        entries = self.entries()
        self.assertEqual(len(of_type(entries, "EXCHANGE")), 4)
        self.assertEqual(len(of_type(entries, "DISPATCH")), 4)

    def test_one_that_was_altered_is_not_gone_on_from(self):
        gateway = self.start()
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.kill()
        holder = self.lock()
        holder.execute(
            "UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
            "'\"SUCCESS\"', '\"SUCCES5\"') AS BLOB)")
        holder.commit()
        holder.close()
        with self.assertRaisesRegex(Exception, "ledger.path: .*was altered"):
            self.start()


class CachedTest(ledger_case.LedgerCase):

    config = gateway_case.CONFIG + "cache: {{streams: true}}\n"

    def test_an_answer_that_was_kept_names_the_exchange_it_is_of(self):
        gateway = self.start()
        first = ask(gateway.http, chat("gpt-x"))
        again = ask(gateway.http, chat("gpt-x"))
        self.assertEqual(again.body, first.body)
        gateway.stop()
        entries = self.entries()
        self.assertEqual([entry["event_type"] for entry in entries],
                         ["DISPATCH", "EXCHANGE", "ANSWER_REUSED"])
        self.assertEqual(entries[2]["metadata"]["exchange_entry_id"],
                         entries[1]["id"])
        self.assertEqual(first.headers["x-llmgateway-context-hash"],
                         entries[1]["metadata"]["context_hash"])
        self.assertEqual(again.headers["x-llmgateway-exchange-entry-id"],
                         entries[1]["id"])
        self.assertEqual(again.headers["x-llmgateway-ledger-entry-id"],
                         entries[2]["id"])
        self.assertEqual(json.loads(first.body)["choices"],
                         json.loads(again.body)["choices"])

    def test_by_grpc_it_names_its_own_entry_too(self):
        gateway = self.start()
        told = []
        with GrpcCaller() as caller:
            for method in (_GENERATE, _GENERATE, _STREAM, _STREAM):
                call = caller.start(gateway.grpc, method, prompt("gpt-y"),
                                    stream=method == _STREAM)
                self.assertEqual(call.wait()["code"], "OK", call.end)
                told.append(call.trailer("x-llmgateway-ledger-entry-id"))
        gateway.stop()
        reused = of_type(self.entries(), "ANSWER_REUSED")
        self.assertEqual(len(reused), 2)
        self.assertEqual(told,
                         [None, reused[0]["id"], None, reused[1]["id"]])


class TextsTest(ledger_case.LedgerCase):

    ledger = "ledger: {record_texts: true}\n"

    def test_calls_of_tools_are_written_down(self):
        gateway = self.start()
        self.upstream.set_script("gpt-t", {"tool_calls": [
            {"name": "look_up", "arguments": '{"place":"B\u00e4r"}'}]})
        tools = [{"type": "function", "function": {"name": "look_up"}}]
        for stream in (False, True):
            answer = ask(gateway.http,
                         chat("gpt-t", tools=tools, stream=stream))
            self.assertEqual(answer.status, 200)
        gateway.stop()
        exchanges = of_type(self.entries(), "EXCHANGE")
        self.assertEqual(len(exchanges), 2)
        for exchange in exchanges:
            told, = json.loads(exchange["metadata"]["response"])
            self.assertEqual(told["toolCall"]["name"], "look_up")
            self.assertEqual(json.loads(told["toolCall"]["arguments"]),
                             {"place": "B\u00e4r"})


    def test_each_of_several_answers_is_written_down(self):
        gateway = self.start()
        self.upstream.set_script("gpt-n", {"choices": 2})
        said = self.upstream_text("gpt-n")
        for stream in (False, True):
            answer = ask(gateway.http, chat("gpt-n", n=2, stream=stream))
            self.assertEqual(answer.status, 200, answer.body)
        gateway.stop()
        exchanges = of_type(self.entries(), "EXCHANGE")
        self.assertEqual(len(exchanges), 2)
        for exchange in exchanges:
            self.assertEqual(json.loads(exchange["metadata"]["response"]),
                             [said, said])

    def test_forwarded_answers_are_forwarded_and_have_their_text(self):
        gateway = self.start()
        said = []
        for stream in (False, True):
            for path, body in _bodies(stream):
                answer = ask(gateway.http, body, path=path,
                             headers=_headers(path))
                self.assertEqual(answer.status, 200, answer.body)
                said.append(self.upstream_text(body["model"]))
        gateway.stop()
        exchanges = of_type(self.entries(), "EXCHANGE")
        self.assertEqual(
            [each["metadata"]["response"] for each in exchanges], said)
        self.assertTrue(all(said))
        for each in exchanges:
            self.assertEqual(each["metadata"]["prompt"], "Hello")

    def upstream_text(self, model):
        """What the mock answers to each request for the model."""
        answer = ask(self.upstream.address, chat(model))
        return answer.text()

    def test_what_only_the_provider_knows_still_goes_there(self):
        body = {"model": "gpt-x", "input": "Hello", "future_field": [1],
                "tools": [{"type": "web_search"}],
                "prompt": {"id": "pmpt_1", "version": "2"}}
        asked = {}
        for ledger in ("ledger: {}\n", self.ledger):
            gateway = self.start(ledger)
            answer = ask(gateway.http, body, path="/v1/responses")
            self.assertEqual(answer.status, 200, answer.body)
            asked[ledger] = self.upstream.last_body("gpt-x")
            gateway.stop()
        self.assertEqual(asked["ledger: {}\n"], asked[self.ledger])


class DeparturesTest(ledger_case.LedgerCase):
    """What is to go nowhere is no dispatch; what does not arrive is one."""

    config = ledger_case.gateway_case.CONFIG.replace("routing:\n", """\
  - name: openrouter
    openrouter:
      base_url: "http://{upstream}/api/v1"
      api_key: "env:OPENAI_KEY"
  - name: gemini
    gemini:
      base_url: "http://{upstream}"
      api_key: "env:OPENAI_KEY"
routing:
""").replace("  model_rules:\n", """\
  model_rules:
    - {{prefix: "or-", targets: [openrouter]}}
    - {{prefix: "gemini-", targets: [gemini]}}
""")

    def test_a_count_by_the_gateway_itself_asks_nobody(self):
        gateway = self.start()
        answer = ask(gateway.http, chat("or-x", max_tokens=9),
                     path="/v1/messages/count_tokens",
                     headers=_headers("/v1/messages"))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertGreater(answer.json()["input_tokens"], 0)
        gateway.stop()
        self.assertEqual(self.entries(), [])

    def test_what_finds_no_connection_is_an_error_at_no_cost(self):
        self.config = self.config.replace("{upstream}", "127.0.0.1:1")
        gateway = self.start()
        answer = ask(gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 502, answer.body)
        gateway.stop()
        entries = self.entries()
        dispatches = of_type(entries, "DISPATCH")
        exchanges = of_type(entries, "EXCHANGE")
        self.assertEqual(len(dispatches), len(exchanges))
        self.assertGreater(len(exchanges), 0)
        for exchange in exchanges:
            self.assertEqual(exchange["decision"], "ERROR")
            self.assertEqual(
                exchange["metadata"]["gateway"]["cost_usd_nanos"], 0)

    def test_what_a_provider_cannot_be_asked_is_refused(self):
        gateway = self.start()
        told = []
        for body, status in (
                ({"model": "claude-x", "input": "Hello"}, 501),
                ({"model": "gemini-x", "input": [[1, 2]]}, 400)):
            answer = ask(gateway.http, body, path="/v1/embeddings")
            self.assertEqual(answer.status, status, answer.body)
            told.append(answer.headers["x-llmgateway-ledger-entry-id"])
        gateway.stop()
        entries = self.entries()
        self.assertEqual([entry["id"] for entry in entries], told)
        for entry in entries:
            self.assertEqual(entry["event_type"], "PROMPT_REJECTED")
        self.assertEqual(self.upstream.stats()["total"]["requests"], 0)

    def test_refused_vectors_name_their_entry_in_the_callers_words(self):
        gateway = self.start()
        bodies = [{"model": "gpt-x", **more}
                  for more in ({"input": []}, {}, {"input": ""})]
        told = []
        for body in bodies:
            answer = ask(gateway.http, body, path="/v1/embeddings")
            self.assertEqual(answer.status, 400, answer.body)
            told.append(answer.headers["x-llmgateway-ledger-entry-id"])
        gateway.stop()
        entries = self.entries()
        self.assertEqual([entry["id"] for entry in entries], told)
        for entry in entries:
            self.assertNotIn("inputs", entry["reason"])
            self.assertIn("input", entry["reason"])


if __name__ == "__main__":
    unittest.main()
