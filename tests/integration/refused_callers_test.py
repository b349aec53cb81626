"""Who has a key and is refused all the time fills nothing and hides nothing:
not the ledger, not the audit log, not the access log, not the traces, not the
sums of what others spend."""

import json
import os
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.ledger_case import of_type
from tests.integration.ledger_case import read_ledger
from tests.integration.samples import sample
from tests.testing.gateway_process import GatewayProcess

_ENV = {"MALLORY": "key-of-mallory-0123456789",
        "ALICE": "key-of-alice-0123456789",
        "OPERATOR": "key-of-an-operator-0123456789"}
# Ten at once, and then one a second.
_PER_SECOND = 1
_AT_ONCE = 10
_CALLS = 600
_TRACES_AT_ONCE = 100
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
prices: {models: [{model: "*", input: "1", output: "10"}]}
auth:
  callers:
    api_keys:
      - {id: mallory, key: "env:MALLORY"}
      - {id: alice, key: "env:ALICE"}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
budgets:
  rules:
    - {name: none, unit: cost, limit_usd: "0.000000001",
       match: {callers: [mallory]}}
ledger: {refusals_per_second: %(each)d}
audit: {refusals_per_second: %(each)d}
logging: {access_log_refusals_per_second: %(each)d}
tracing: {exporter: none, sampling_ratio: 0}
runtime: {event_loops: 1, state_dir: "%(state)s"}
"""


class RefusedCallersTest(unittest.TestCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="refused")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)
        self.gateway = GatewayProcess(
            _CONFIG % {"each": _PER_SECOND, "state": self.state}, env=_ENV)
        self.addCleanup(self.gateway.kill)

    def ask(self, who, name):
        return ask(self.gateway.http, chat("x", user=name),
                   headers={"authorization": "Bearer " + _ENV[who],
                            "x-llmgateway-project": name,
                            "x-llmgateway-agent-type": name})

    def flood(self):
        """How many refusals name their entry in the ledger."""
        named = 0
        for i in range(_CALLS):
            refused = self.ask("MALLORY", "made-up-%d" % i)
            self.assertEqual(refused.status, 429, refused.body)
            self.assertIn(b"budget", refused.body)
            named += "x-llmgateway-ledger-entry-id" in refused.headers
        return named

    def refusals(self):
        return of_type(read_ledger(os.path.join(self.state, "ledger.db")),
                       "PROMPT_REJECTED")

    def operate(self, method, service="AdminService", **request):
        call = self.caller.call(
            self.gateway.admin, "/llmgateway.v1.%s/%s" % (service, method),
            request,
            metadata=[["authorization", "Bearer " + _ENV["OPERATOR"]]])
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def assert_few(self, count, at_once, what):
        self.assertGreaterEqual(count, at_once, what)
        self.assertLess(count, _CALLS // 2, what)

    def test_refusals_of_one_caller_fill_nothing_and_are_all_counted(self):
        named = self.flood()
        self.assertEqual(self.ask("ALICE", "payroll").status, 200)

        refusals = self.refusals()
        self.assertEqual(len(refusals), named)
        self.assert_few(len(refusals), _AT_ONCE, "the ledger")
        self.assertEqual(
            len(refusals) +
            sample(self.gateway, "llmgw_ledger_refusals_left_out_total"),
            _CALLS)

        deadline = time.monotonic() + 20
        while True:
            written = sample(self.gateway, "llmgw_audit_entries_total")
            left_out = sample(self.gateway,
                              "llmgw_audit_refusals_left_out_total")
            if written + left_out == _CALLS + 1 or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        self.assertEqual(written + left_out, _CALLS + 1)
        self.assert_few(written - 1, _AT_ONCE, "the audit log")

        self.gateway.wait_for_access(caller="alice")
        self.assert_few(len(self.gateway.access_lines(caller="mallory")),
                        _AT_ONCE, "the access log")

        traces = self.operate("ListTraces", page_size=1000).get("traces", [])
        self.assert_few(len(traces), _TRACES_AT_ONCE, "the traces")

    def test_the_next_entry_says_for_how_many_it_stands(self):
        self.flood()
        calls = _CALLS
        while True:
            refusals = self.refusals()
            stood_for = sum(one["metadata"]["gateway"].get("stands_for", 0)
                            for one in refusals)
            is_told = "stands_for" in refusals[-1]["metadata"]["gateway"]
            # One amid a flood that took its time stands for those before it.
            if is_told and len(refusals) + stood_for >= calls:
                break
            self.assertEqual(self.ask("MALLORY", "more").status, 429)
            calls += 1
        self.assertIn("before it that cost their caller nothing",
                      refusals[-1]["reason"])
        self.assertEqual(len(refusals) + stood_for, calls)

    def test_names_of_refused_calls_hide_nobodys_spending(self):
        self.flood()
        self.assertEqual(self.ask("ALICE", "payroll").status, 200)
        summed = self.operate("GetCostSummary", "MetricsService",
                              group_by=["CALL_DIMENSION_PROJECT"])
        self.assertIn("payroll", json.dumps(summed))
        self.assertNotIn("made-up", json.dumps(summed))


if __name__ == "__main__":
    unittest.main()
