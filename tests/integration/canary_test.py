"""Secrets are in nothing that the gateway leaves behind."""

import glob
import json
import os
import unittest

from tests.integration import audit_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import RawConnection


class CanaryTest(audit_case.AuditCase):
    """Secrets are planted wherever a caller can put one, and looked for in all
    that the gateway leaves behind."""

    def plant(self, gateway):
        secrets = audit_case.canaries()
        text = "I am " + ", ".join(secrets.values())
        # In pieces that none of them fits into.
        self.upstream.set_script("gpt-x", {"text": text, "chunk_bytes": 5})
        self.upstream.set_script(
            "gpt-error", {"status": 400, "error": {
                "message": "Incorrect API key provided: " +
                           audit_case.UPSTREAM_KEY}})
        for model in ("gpt-x", "gpt-error"):
            for stream in (False, True):
                # `metadata` are labels, which the access log tells by design.
                self.ask(gateway, chat(
                    model, text=text, stream=stream, tools=[{
                        "type": "function", "function": {
                            "name": "f", "description": text}}]))
        self.caller.generate(
            gateway.grpc, prompt("gpt-x", text=text),
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        ask(gateway.http, chat("gpt-x"),
            headers={"authorization": "Bearer canary-caller-key-0123456789",
                     "x-canary": "canary-header"})
        self.await_entries(gateway, 6)

    def sinks(self, gateway):
        """All that the gateway has said or left, by name."""
        sinks = {"metrics": ask(gateway.operations,
                                path="/metrics").body}
        gateway.stop()
        sinks["output"] = gateway.output.encode()
        sinks["access log"] = gateway.access_text.encode()
        for path in glob.glob(os.path.join(self.state, "**"),
                              recursive=True) + glob.glob(
                                  os.path.join(self.state, ".*")):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    sinks[os.path.basename(path)] = file.read()
        self.assertIn("audit.db", sinks)
        self.assertGreater(len(sinks["access log"]), 0)
        return sinks

    def assert_in_none(self, secrets, sinks):
        for name, secret in secrets.items():
            for sink, content in sinks.items():
                self.assertNotIn(secret.encode(), content,
                                 "%s is in %s" % (name, sink))

    def everything(self):
        return {**audit_case.canaries(), "caller's key": audit_case.CALLER,
                "operator's key": audit_case.OPERATOR,
                "upstream's key": audit_case.UPSTREAM_KEY,
                "wrong key": "canary-caller-key-0123456789",
                "header": "canary-header", "audit key": "ab" * 32}

    def test_bodies_off(self):
        gateway = self.start()
        self.plant(gateway)
        self.assert_in_none({**self.everything(), "prompt": "I am "},
                            self.sinks(gateway))

    def quote(self, gateway, text, answer):
        """Has a provider quote what it was asked, and answer with what is no
        stream. The callers get its whole reason."""
        words = "Invalid value: '%s'" % text
        self.upstream.set_script("gpt-quote", {
            "status": 400, "error": {"message": words}})
        refused = self.ask(gateway, chat("gpt-quote", text=text))
        self.assertIn(words, refused.json()["error"]["message"])
        call = self.caller.generate(
            gateway.grpc, prompt("gpt-quote", text=text),
            metadata=[["authorization", "Bearer " + audit_case.CALLER]])
        self.assertIn(words, call.end["message"])
        self.upstream.set_script("gpt-later", {
            "text": answer, "chunk_bytes": 5, "error_after_chunks": 1,
            "error": {"message": words, "code": "went_wrong"}})
        later = self.ask(gateway, chat("gpt-later", text=text, stream=True))
        self.assertIn(text.encode(), later.body)
        self.upstream.set_script("gpt-whole", {
            "body": json.dumps({"choices": [{"message": {
                "role": "assistant", "content": answer}}]}),
            "content_type": "application/json"})
        for _ in range(4):  # So often that the log tells why.
            whole = self.ask(gateway, chat("gpt-whole", text=text,
                                           stream=True))
            self.assertEqual(whole.status, 502)
        self.assertIn("not an event stream but application/json",
                      whole.json()["error"]["message"])

    def test_what_a_provider_quotes(self):
        gateway = self.start(more="""\
ledger: {}
tracing: {exporter: none}
logging: {level: debug}
metrics: {exemplars: true}
""")
        watcher = self.caller.start(
            gateway.admin, "/llmgateway.v1.MetricsService/WatchRequests", {},
            stream=True, metadata=[
                ["authorization", "Bearer " + audit_case.OPERATOR]])
        self.addCleanup(watcher.cancel)
        subscriber = RawConnection(gateway.http)
        self.addCleanup(subscriber.close)
        subscriber.send((
            "GET /api/streams/subscribe HTTP/1.1\r\nhost: localhost\r\n"
            "authorization: Bearer %s\r\n\r\n" % audit_case.OPERATOR).encode())
        self.assertEqual(subscriber.read_head()[0], 200)
        text = ("what nobody else may see, of bob@canary.example, with "
                "4111 1111 1111 1111 and https://u:pw-canary@host/")
        answer = "an answer that is nobody else's either"
        self.quote(gateway, text, answer)
        self.await_entries(gateway, 7)
        told = {"audit": self.search(gateway),
                "recent": self.admin(gateway, "ListRecentRequests")}
        traces = self.admin(gateway, "ListTraces")["traces"]
        told["traces"] = [
            self.admin(gateway, "GetTrace", trace_id=trace["trace_id"])
            for trace in traces]
        sinks = self.sinks(gateway)
        watcher.wait()
        told["watcher"] = watcher.events
        self.assertGreater(len(watcher.events), 6)
        sinks["subscriber"] = subscriber.read_chunks()
        self.assertIn(b"event: error", sinks["subscriber"])
        self.assertIn("ledger.db", sinks)
        for sink, content in told.items():
            sinks[sink] = json.dumps(content).encode()
        self.assert_in_none(
            {"prompt": "what nobody else", "its end": "pw-canary",
             "address": "bob@canary", "card": "4111 1111",
             "answer": "an answer that", "its later end": "nobody else's"},
            sinks)
        # What is left says what was wrong.
        for sink in ("access log", "audit", "traces", "watcher"):
            self.assertIn(b"400: Invalid value: '[quoted]'", sinks[sink], sink)
            self.assertIn(b"[withheld; code went_wrong]", sinks[sink], sink)
            self.assertIn(b"not an event stream but application/json",
                          sinks[sink], sink)

    def test_bodies_on_after_redaction(self):
        gateway = self.start(audit="""\
audit:
  bodies: [{request: true, response: true}]
  redaction: {own_patterns: [{name: ticket, regex: "TICKET-[0-9]+"}]}
""")
        self.plant(gateway)
        entries = self.search(gateway, include_bodies=True)
        bodies = "".join(e.get(part, {}).get("text", "") for e in entries
                         for part in ("request", "response"))
        self.assertIn("I am [redacted:email]", bodies)
        sinks = self.sinks(gateway)
        self.assertIn(b"[redacted:email]",
                      sinks["audit.db"] + sinks.get("audit.db-wal", b""))
        self.assert_in_none(self.everything(), sinks)

    def test_bodies_on_and_encrypted(self):
        gateway = self.start(audit=audit_case.ALL_BODIES)
        self.plant(gateway)
        self.assert_in_none({**self.everything(), "prompt": "I am "},
                            self.sinks(gateway))


if __name__ == "__main__":
    unittest.main()
