"""Secrets are in nothing that the gateway leaves behind."""

import glob
import os
import unittest

from tests.integration import audit_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat


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
        for secret in (secrets["key"], secrets["token"], audit_case.CALLER):
            self.plant_in_names(gateway, secret)
        self.await_entries(gateway, 9)

    def plant_in_names(self, gateway, secret):
        """Puts it where callers say who they are, by each way."""
        body = chat("gpt-x", user=secret, metadata={"team": secret})
        said = {"x-llmgateway-" + name: secret for name in
                ("session", "work-order", "agent-id", "agent-type", "project")}
        # What the configuration knows as a secret has no form of its own.
        if secret != audit_case.CALLER:
            said["x-request-id"] = secret
        self.ask(gateway, body, headers=said)

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
