"""What others than its caller are told of a failure quotes neither the request
nor an answer, wherever they are told it: docs/runbook.md."""

import glob
import json
import os
import time
import unittest

from tests.integration import ledger_case
from tests.integration.grpc_caller import GrpcCaller, prompt
from tests.integration.http_calls import ask, chat

_ADMIN = "/llmgateway.v1.AdminService/"
_METRICS = "/llmgateway.v1.MetricsService/"
_PROMPT = ("what nobody else may see, of bob@canary.example, with "
           "4111 1111 1111 1111 and https://u:pw-canary@host/")
_ANSWER = "an answer that is nobody else's either"
_WORDS = "Invalid value: '%s'" % _PROMPT
_CANARIES = ("what nobody else", "bob@canary", "4111 1111", "pw-canary",
             "an answer that", "nobody else's", "hunter2", "HUNTER2",
             "H U N T E R 2", "pass_hunter2")
_WORD = "Your prompt contains the word HUNTER2, or H U N T E R 2, and so on!"
_CALLS = 9
_TIMEOUT_S = 30.0


class QuotedFailuresTest(ledger_case.LedgerCase):

    ledger = """\
ledger: {}
audit: {}
tracing: {exporter: none}
logging: {level: debug}
"""

    def setUp(self):
        super().setUp()
        self.caller = GrpcCaller()
        self.addCleanup(self.caller.close)

    def operate(self, gateway, method, service=_ADMIN, **request):
        call = self.caller.call(gateway.admin, service + method, request)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def play(self, gateway):
        """Calls whose provider quotes what it was asked, or answers with what
        is no stream. The callers get its whole reason."""
        self.upstream.set_script("gpt-quote", {
            "status": 400, "error": {"message": _WORDS}})
        refused = ask(gateway.http, chat("gpt-quote", text=_PROMPT))
        self.assertIn(_WORDS, refused.json()["error"]["message"])
        call = self.caller.generate(gateway.grpc,
                                    prompt("gpt-quote", text=_PROMPT))
        self.assertIn(_WORDS, call.end["message"])
        self.upstream.set_script("gpt-later", {
            "text": _ANSWER, "chunk_bytes": 5, "error_after_chunks": 1,
            "error": {"message": _WORDS, "code": "went_wrong"}})
        later = ask(gateway.http, chat("gpt-later", text=_PROMPT, stream=True))
        self.assertIn(_PROMPT.encode(), later.body)
        self.upstream.set_script("gpt-word", {
            "status": 400, "error": {"message": _WORD}})
        refused = ask(gateway.http, chat("gpt-word", text="is it hunter2?"))
        self.assertIn(_WORD, refused.json()["error"]["message"])
        self.upstream.set_script("gpt-code", {
            "text": _ANSWER, "chunk_bytes": 5, "error_after_chunks": 1,
            "error": {"message": _WORD, "code": "pass_hunter2"}})
        coded = ask(gateway.http, chat("gpt-code", stream=True))
        self.assertIn(b"pass_hunter2", coded.body)
        self.upstream.set_script("gpt-whole", {
            "content_type": "application/json",
            "body": json.dumps({"choices": [{"message": {
                "role": "assistant", "content": _ANSWER}}]})})
        for _ in range(_CALLS - 5):  # So often that the log tells why.
            whole = ask(gateway.http, chat("gpt-whole", text=_PROMPT,
                                           stream=True))
            self.assertRegex(whole.json()["error"]["message"],
                             "not an event stream but application/json")

    def await_audit(self, gateway):
        end = time.monotonic() + _TIMEOUT_S
        while True:
            found = self.operate(gateway, "SearchAudit")
            if len(found.get("entries", [])) == _CALLS:
                return found
            self.assertLess(time.monotonic(), end, found)
            time.sleep(0.02)

    def test_no_sink_has_a_text_of_a_call(self):
        gateway = self.start()
        watcher = self.caller.start(gateway.admin, _METRICS + "WatchRequests",
                                    {}, stream=True)
        self.addCleanup(watcher.cancel)
        self.play(gateway)
        told = {"audit": self.await_audit(gateway),
                "recent": self.operate(gateway, "ListRecentRequests",
                                       service=_METRICS)}
        told["traces"] = [
            self.operate(gateway, "GetTrace", trace_id=trace["trace_id"])
            for trace in self.operate(gateway, "ListTraces")["traces"]]
        gateway.stop()
        watcher.wait()
        told["watcher"] = watcher.events
        told["ledger"] = self.entries()
        sinks = {name: json.dumps(content).encode()
                 for name, content in told.items()}
        sinks["log"] = gateway.output.encode()
        sinks["access log"] = gateway.access_text.encode()
        for path in glob.glob(os.path.join(self.state, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    sinks[os.path.basename(path)] = file.read()
        for name, content in sinks.items():
            for canary in _CANARIES:
                self.assertNotIn(canary.encode(), content, name)
        # What is left says what was wrong.
        for name in ("access log", "audit", "ledger", "traces", "watcher"):
            for words in (b"400: Invalid value: '[quoted]'",
                          b"Your prompt contains the word [quoted], and so on!",
                          b"[withheld; code went_wrong]",
                          b"not an event stream but application/json"):
                self.assertIn(words, sinks[name], name)


if __name__ == "__main__":
    unittest.main()
