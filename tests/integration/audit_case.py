"""What the tests of the audit log share: a gateway that has one, and the
secrets that callers put into prompts."""

import os
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

ADMIN = "/llmgateway.v1.AdminService/"
OPERATOR = "key-of-an-operator-0123456789"
CALLER = "key-of-a-caller-0123456789"
UPSTREAM_KEY = "sk-canaryupstream0123456789"
ENV = {"OPERATOR": OPERATOR, "CALLER": CALLER, "OPENAI_KEY": UPSTREAM_KEY,
       "AUDIT_KEY": "ab" * 32, "OTHER_KEY": "cd" * 32}
PROVIDERS = """\
providers:
  - name: openai
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
routing: {{default_target: openai/gpt-x}}
resilience:
  retry: {{backoff_base: 1ms, backoff_limit: 5ms}}
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
"""
AUTH = """\
auth:
  callers: {api_keys: [{id: team, key: "env:CALLER", owner: search}]}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
"""
ALL_BODIES = """\
audit:
  bodies: [{request: true, response: true}]
  redaction:
    own_patterns: [{name: ticket, regex: "TICKET-[0-9]+"}]
    json_paths: [metadata.secret_field]
  encryption: {keys: [{id: k1, key: "env:AUDIT_KEY"}]}
"""
TIMEOUT_S = 30.0


def canaries():
    """Secrets as callers put them into prompts, by name."""
    return {"email": "canary.person@mail.example",
            "card": "4111111111111111",
            "key": "sk-canaryprompt0123456789abcdef",
            "token": "eyJjYW5hcnkiOiJ4In0.eyJjYW5hcnkiOiJ5In0.Y2FuYXJ5",
            "ticket": "TICKET-987654321"}


class AuditCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)
        cls.upstream = MockUpstream()
        cls.addClassCleanup(cls.upstream.close)

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="audit")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "kept")
        self.upstream.reset()

    def start(self, audit="audit: {}\n", auth=AUTH, more=""):
        gateway = GatewayProcess(
            PROVIDERS.format(upstream=self.upstream.address) + auth + audit +
            more + "runtime: {state_dir: '%s'}\n" % self.state, env=ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def admin(self, gateway, method, code="OK", key=OPERATOR, **request):
        call = self.caller.call(
            gateway.admin, ADMIN + method, request,
            metadata=[["authorization", "Bearer " + key]] if key else [])
        self.assertEqual(call.end["code"], code, call.end)
        return call.response if code == "OK" else call.end

    def search(self, gateway, **request):
        return self.admin(gateway, "SearchAudit", **request).get("entries", [])

    def all_entries(self, gateway, **request):
        """Of all pages."""
        entries, token = [], ""
        while True:
            page = self.admin(gateway, "SearchAudit", page_size=1000,
                              page_token=token, **request)
            entries += page.get("entries", [])
            token = page.get("next_page_token", "")
            if not token:
                return entries

    def await_entries(self, gateway, count, **request):
        """The entries, once there are as many."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            entries = self.all_entries(gateway, **request)
            if len(entries) >= count or time.monotonic() > end:
                self.assertEqual(len(entries), count)
                return entries
            time.sleep(0.02)

    def ask(self, gateway, body=None, headers=None, **options):
        return ask(gateway.http, body or chat("gpt-x"),
                   headers={"authorization": "Bearer " + CALLER,
                            **(headers or {})}, **options)
