"""What budgets and the ledger have of each other: whose a session is after a
restart, what is written of warnings and refusals, what an answer in the
background is charged, and what a ledger that was taken over says. docs/budgets.md
tells it."""

import datetime
import json
import os
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.ledger_case import entry_hash
from tests.integration.ledger_case import of_type
from tests.integration.ledger_case import read_ledger
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_KEYS = {"ANN_KEY": "key-of-ann-0123456789", "BOB_KEY": "key-of-bob-0123456789"}
_CALLERS = """\
auth: {callers: {api_keys: [{id: ann, key: "env:ANN_KEY"},
                            {id: bob, key: "env:BOB_KEY"}]}}
"""
# A call takes 10 tokens in and 20 out, and each costs a thousandth of a dollar.
_CONFIG = """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
prices: {models: [{model: '*', kind: mock, input: '1000', output: '1000'}]}
"""
_CALL_TOKENS = 30


class _BudgetEntriesCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.folder = self.enterContext(
            tempfile.TemporaryDirectory(prefix="budgets"))
        self.ledger = os.path.join(self.folder, "ledger.db")

    def start(self, budgets, config=_CONFIG, env=None):
        gateway = GatewayProcess(
            '%sbudgets: %s\nledger: {path: "%s"}\n'
            % (config, budgets, self.ledger), env=env)
        self.addCleanup(gateway.kill)
        return gateway

    def generate(self, gateway, scope, key=None):
        metadata = [["x-api-key", _KEYS[key]]] if key else []
        return self.caller.generate(
            gateway.grpc,
            {**grpc_caller.prompt("m", max_output_tokens=20), "scope": scope},
            metadata=metadata).end

    def spent(self, gateway, rule, **subject):
        return int(self.caller.call(
            gateway.admin, _ADMIN + "GetBudget",
            {"rule": rule, "subject": subject}).response["usage"].get(
                "spent", 0))

    def entries(self, event_type):
        return of_type(read_ledger(self.ledger), event_type)


class BoundSessionTest(_BudgetEntriesCase):

    def test_a_session_is_its_first_callers_also_after_a_kill(self):
        budgets = "{sessions: {session_tokens: 1000, bind_caller: true}}"
        gateway = self.start(budgets, _CONFIG + _CALLERS, _KEYS)
        scope = {"session_id": "SES-1"}
        self.assertEqual(self.generate(gateway, scope, "ANN_KEY")["code"], "OK")
        for _ in range(2):
            refused = self.generate(gateway, scope, "BOB_KEY")
            self.assertEqual(refused["code"], "PERMISSION_DENIED")
            self.assertEqual(refused["reason"], "FORBIDDEN")
            self.assertEqual(refused["metadata"]["rule"],
                             "budgets.sessions.bind_caller")
            self.assertEqual(refused["metadata"]["session"], "SES-1")
            self.assertNotIn("ann", refused["message"])
            self.assertEqual(
                self.generate(gateway, {"session_id": "SES-2"},
                              "BOB_KEY")["code"], "OK")
            gateway.kill()
            gateway = self.start(budgets, _CONFIG + _CALLERS, _KEYS)
        self.assertEqual(self.generate(gateway, scope, "ANN_KEY")["code"], "OK")
        self.assertEqual(
            self.generate(gateway, {"session_id": "SES-2"}, "ANN_KEY")["code"],
            "PERMISSION_DENIED")
        self.assertEqual(self.spent(gateway, "session", session="SES-1"),
                         2 * _CALL_TOKENS)
        gateway.stop()
        (rejected, *_) = self.entries("PROMPT_REJECTED")
        self.assertEqual(rejected["metadata"]["error_code"], "AUTH_ERROR")

    def test_otherwise_it_is_whoevers_who_names_it(self):
        gateway = self.start("{sessions: {session_tokens: 1000}}",
                             _CONFIG + _CALLERS, _KEYS)
        for key in _KEYS:
            self.assertEqual(
                self.generate(gateway, {"session_id": "S"}, key)["code"], "OK")
        gateway.stop()


class WarningsTest(_BudgetEntriesCase):

    def test_a_warning_names_its_budget_and_counts_tokens_as_such(self):
        gateway = self.start(
            "{rules: [{name: dollars, unit: cost, limit_usd: '0.04',"
            " period: day, mode: warn, per: [user]},"
            " {name: firm, unit: total_tokens, limit: 75}]}")
        scope = {"user_id": "ann"}
        for code in ("OK", "OK", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"):
            self.assertEqual(self.generate(gateway, scope)["code"], code)
        # Not of those that were refused.
        (warning,) = self.entries("BUDGET_WARNING")
        told = warning["metadata"]
        self.assertEqual(told["budget_mode"], "warn")
        self.assertLess(told["requested_tokens"], 100)
        self.assertIsNone(told["remaining"])
        own = told["gateway"]
        self.assertEqual((own["budget"], own["scope_key"], own["code"],
                          own["unit"], own["remaining"]),
                         ("dollars", "dollars/user=ann",
                          "DAILY_BUDGET_EXCEEDED", "usd_nanos", 10_000_000))
        self.assertEqual(own["requested"],
                         told["requested_tokens"] * 1_000_000)
        self.assertEqual(len(self.entries("BUDGET_DEBIT")), 2)
        gateway.stop()

    def test_a_refusal_says_why(self):
        gateway = self.start(
            "{sessions: {session_tokens: 70, work_order_tokens: 1000,"
            " work_order_turns: 1, require_allocation: true},"
            " rules: [{name: one, unit: total_tokens, limit: 9000, per: [user],"
            " overrides: [{subject: {user: ann}, limit: 9}]}]}")
        order = {"session_id": "SES-1", "work_order_id": "WO-1"}
        self.assertEqual(self.generate(gateway, order)["code"], "OK")
        self.generate(gateway, order)
        self.generate(gateway, {})
        other = {**order, "work_order_id": "WO-2"}
        self.assertEqual(self.generate(gateway, other)["code"], "OK")
        self.generate(gateway, {**order, "work_order_id": "WO-3"})
        self.generate(gateway, {"session_id": "SES-2", "user_id": "ann"})
        gateway.stop()
        rejected = self.entries("PROMPT_REJECTED")
        self.assertEqual(
            [entry["metadata"]["error_code"] for entry in rejected],
            ["TURN_LIMIT", "NOT_ALLOCATED", "HIERARCHY_EXCEEDED",
             "BUDGET_EXHAUSTED"])
        for entry in rejected:
            self.assertTrue(entry["reason"].startswith(
                entry["metadata"]["error_code"] + ": "), entry["reason"])


class BackgroundTest(_BudgetEntriesCase):

    def test_what_is_begun_in_the_background_is_charged_once_by_estimate(self):
        upstream = MockUpstream()
        self.addCleanup(upstream.close)
        gateway = self.start(
            "{expected_output_tokens: 500, rules: [{name: b,"
            " unit: output_tokens, limit: 1000}]}",
            gateway_case.CONFIG.format(upstream=upstream.address),
            gateway_case.ENV)

        def begin(**fields):
            return ask(gateway.http, {"model": "gpt-later", "input": "Hello",
                                      "background": True, **fields},
                       path="/v1/responses")
        answer = begin(max_output_tokens=300)
        self.assertEqual(answer.json()["status"], "queued")
        self.assertEqual(self.spent(gateway, "b"), 300)
        path = "/v1/responses/" + answer.json()["id"]
        for _ in range(3):
            self.assertEqual(
                ask(gateway.http, path=path, method="GET").status, 200)
        self.assertEqual(self.spent(gateway, "b"), 300)
        (debit,) = self.entries("BUDGET_DEBIT")
        self.assertEqual(debit["metadata"]["output_tokens"], 300)
        exchange = self.entries("EXCHANGE")[0]["metadata"]
        self.assertEqual(exchange["output_tokens"], 300)
        self.assertTrue(exchange["gateway"]["estimated"])
        self.assertEqual(begin().status, 200)
        self.assertEqual(self.spent(gateway, "b"), 800)
        refused = begin()
        self.assertEqual(refused.status, 429, refused.body)
        self.assertEqual(begin(max_output_tokens=100).status, 200)
        gateway.stop()


class TakenOverTest(_BudgetEntriesCase):

    def lines(self, entries):
        """As the prompt router has written them."""
        previous, lines = "", []
        # What is older than `retention` is forgotten.
        day = datetime.datetime.now(datetime.timezone.utc).date()
        day -= datetime.timedelta(days=1)
        for number, (event_type, metadata) in enumerate(entries, 1):
            entry = {"event_type": event_type, "submission_id": "SES-1/WO-1",
                     "decision": "x", "reason": "x", "prompts_used": [],
                     "metadata": metadata, "id": "LED-%08x" % number,
                     "timestamp": "%sT00:00:%02d+00:00" % (day, number),
                     "previous_hash": previous}
            previous = entry["entry_hash"] = entry_hash(entry)
            lines.append(json.dumps(entry) + "\n")
        return "".join(lines)

    def test_budgets_go_on_from_what_it_says(self):
        scope = {"scope_key": "SES-1/WO-1", "scope_session_id": "SES-1",
                 "scope_work_order_id": "WO-1", "scope_agent_id": None}
        old = os.path.join(self.folder, "old.jsonl")
        with open(old, "w", encoding="utf-8") as file:
            file.write(self.lines([
                ("BUDGET_ALLOCATE", {**scope, "token_limit": 200,
                                     "turn_limit": None,
                                     "timeout_seconds": 3600}),
                ("BUDGET_DEBIT", {**scope, "parent_scope_key": "SES-1",
                                  "input_tokens": 100, "output_tokens": 50,
                                  "total_tokens": 150, "model_id": "m",
                                  "cost_incurred": 0.25, "remaining": 50})]))
        subprocess.run(
            [_GATEWAYCTL, "ledger", "import", old, "--to", self.ledger],
            check=True, capture_output=True, timeout=60)
        order = {"session": "SES-1", "work_order": "WO-1"}
        call = {"session_id": "SES-1", "work_order_id": "WO-1"}
        gateway = self.start("{sessions: {session_tokens: 1000}}")
        self.assertEqual(self.spent(gateway, "work_order", **order), 150)
        self.assertEqual(self.spent(gateway, "session", session="SES-1"), 150)
        self.assertEqual(self.generate(gateway, call)["code"], "OK")
        self.assertEqual(self.spent(gateway, "work_order", **order), 180)
        gateway.kill()
        gateway = self.start("{sessions: {session_tokens: 1000}}")
        self.assertEqual(self.spent(gateway, "work_order", **order), 180)
        refused = self.generate(gateway, call)
        self.assertEqual(refused["metadata"]["limit"], "work_order")
        self.assertEqual(refused["metadata"]["remaining"], "20")
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
