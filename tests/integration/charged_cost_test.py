"""What a call is charged whose service tier has no price is the same wherever
it is told: the standard tier's cost, marked as not known (docs/cost.md)."""

import json
import os
import re
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import ask, chat

_MODEL = "claude-x"
_TOKENS = {"input_tokens": 1000, "output_tokens": 100}
_NANOS = 1000 * 1000 + 100 * 5000
_ADMIN = "/llmgateway.v1.AdminService/"


def _message(tier):
    return json.dumps({
        "id": "msg_1", "type": "message", "role": "assistant",
        "model": _MODEL, "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {**_TOKENS, "service_tier": tier}})


class ChargedCostTest(gateway_case.GatewayCase):

    calls_grpc = True

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="charged")
        cls.addClassCleanup(folder.cleanup)
        cls.config = gateway_case.PROVIDERS + """\
routing:
  model_rules: [{prefix: "claude-", targets: [anthropic]}]
  default_target: openai
prices: {models: [{model: "claude-*", input: "1", output: "5"}]}
ledger: {path: "%s"}
audit: {}
tracing: {exporter: none}
metrics: {compatible_names: true}
runtime: {state_dir: "%s"}
""".replace("{", "{{").replace("}", "}}") % (
            os.path.join(folder.name, "ledger.db"),
            os.path.join(folder.name, "state"))
        super().setUpClass()
        # One of Anthropic's tiers, one of OpenAI's, and one that is none.
        cls.tiers = ("batch", "scale", "weird")
        for tier in cls.tiers:
            cls.upstream.set_script(_MODEL, {
                "body": _message(tier), "content_type": "application/json"})
            answer = ask(cls.gateway.http, chat(_MODEL, max_tokens=100),
                         path="/v1/messages")
            assert answer.status == 200, answer.body
            assert "x-llmgateway-cost-usd" not in answer.headers
            cls.line = cls.gateway.wait_for_access(
                request_id=answer.headers["x-request-id"])
        cls.all_nanos = _NANOS * len(cls.tiers)

    def operate(self, service, method, **request):
        made = self.caller.call(self.gateway.admin, service + method, request)
        self.assertEqual(made.end["code"], "OK", made.end)
        return made.response

    def await_count(self, read):
        """What is read, as soon as there is one for each call: those who keep
        records do so behind the call."""
        for _ in range(100_000):
            found = read()
            if len(found) >= len(self.tiers):
                return found
        raise AssertionError(found)

    def metric(self, name):
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        return sum(float(value) for value in re.findall(
            rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def test_the_access_log(self):
        self.assertEqual(
            (self.line["cost_usd_nanos"], self.line["cost_known"]),
            (_NANOS, False))

    def test_the_ledger(self):
        for found in self.await_count(lambda: re.findall(
                r'cost_known\W+(\w+)\W+cost_usd_nanos\W+(\d+)',
                json.dumps(self.operate(_ADMIN, "QueryLedger")))):
            self.assertEqual(found, ("false", str(_NANOS)))

    def test_the_audit_log(self):
        page = self.await_count(lambda: ask(
            self.gateway.http, path="/gateway/audit").json()["entries"])
        self.assertEqual([each["cost_usd"] for each in page],
                         [_NANOS / 1e9] * len(self.tiers))
        for entry in self.operate(_ADMIN, "SearchAudit")["entries"]:
            self.assertEqual(entry["usage"]["cost_usd_nanos"], str(_NANOS))
            self.assertNotIn("cost_known", entry["usage"])

    def test_metrics(self):
        for name in ("llm_cost_usd_total", "llmgw_caller_cost_usd_total",
                     "llm_gateway_request_cost_dollars_sum"):
            self.assertAlmostEqual(self.metric(name), self.all_nanos / 1e9,
                                   msg=name)
        self.assertEqual(self.metric("llm_gateway_request_cost_dollars_count"),
                         len(self.tiers))
        self.assertEqual(self.metric("llmgw_unpriced_requests_total"),
                         len(self.tiers))

    def test_sums(self):
        summary = ask(self.gateway.http,
                      path="/gateway/metrics").json()["summary"]
        self.assertAlmostEqual(summary["total_cost_usd"], self.all_nanos / 1e9)
        traced = self.operate(_ADMIN, "GetTraceMetrics")
        self.assertEqual(traced["cost_usd_nanos"], str(self.all_nanos))


if __name__ == "__main__":
    unittest.main()
