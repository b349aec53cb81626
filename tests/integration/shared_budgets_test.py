"""Two gateways that share budgets through a Redis, while it works, and while it
is emptied and killed, and one of them killed and restarted. docs/budgets.md
tells it."""

import time
import unittest

from tests.integration import grpc_caller
from tests.integration.samples import await_sample
from tests.integration.samples import sample
from tests.integration.shared_budgets_case import CALL_TOKENS
from tests.integration.shared_budgets_case import CONFIG
from tests.integration.shared_budgets_case import RULE
from tests.integration.shared_budgets_case import SharedBudgetsCase
from tests.integration.shared_budgets_case import THREADS
from tests.integration.shared_budgets_case import TIMEOUT_S
from tests.testing.gateway_process import GatewayProcess


class SharedBudgetsTest(SharedBudgetsCase):

    def test_a_budget_is_one_for_both_under_load(self):
        gateways = self.two(RULE % 3000)
        served = self.let_in_at_once(gateways, 240)
        self.assertGreaterEqual(served * CALL_TOKENS, 3000 - CALL_TOKENS)
        # One call more, and what those under way take beyond their estimates.
        self.assertLessEqual(served * CALL_TOKENS,
                             3000 + CALL_TOKENS + THREADS * 10)
        self.await_usage(gateways, spent=served * CALL_TOKENS, reserved=0)
        for gateway in gateways:
            self.assertFalse(self.call(gateway))
            self.assertEqual(
                sample(gateway, "llmgw_budget_sharing_failures_total"), 0)
            self.assertEqual(sample(gateway, "llmgw_budget_sharing_away"), 0)

    def test_calls_at_once_of_one_are_let_in_as_far_as_there_is_something(self):
        # More than its half, and less than all by what is reserved at once.
        gateways = self.two(RULE % 4800)
        served = self.let_in_at_once(gateways[:1], 96)
        self.assertEqual(served, 96)

    def test_turns_count_at_both(self):
        gateways = self.two("{name: b, unit: total_tokens, turn_limit: 40}")
        served = self.let_in_at_once(gateways, 96)
        self.assertLessEqual(served, 41)
        self.assertGreaterEqual(served, 39)

    def test_what_a_killed_gateway_has_spent_counts_once(self):
        ledgers = [self.folder(), self.folder()]
        one, other = self.two(RULE % 600, ledgers)
        self.spend(one, 10)
        self.await_usage([other], spent=300)
        one.kill()
        self.spend(other, 5)
        self.await_usage([other], spent=450)
        one = self.start(RULE % 600, ledgers[0])
        await_sample(one, "llmgw_budget_sharing_replicas", 2)
        self.await_usage([one, other], spent=450)
        spent = 450 + CALL_TOKENS * self.let_in_at_once([one, other], 40)
        self.assertLessEqual(spent, 600 + CALL_TOKENS + THREADS * 10)
        self.await_usage([one, other], spent=spent)

    def test_without_ledgers_redis_knows_what_a_killed_gateway_has_spent(self):
        one, other = self.two(RULE % 900)
        self.spend(one, 10)
        self.await_usage([other], spent=300)
        self.operate(other, "AllocateBudget", rule="b", limit=300)
        self.await_usage([one], spent=300, limit=300)
        one.kill()
        other.kill()
        again = self.start(RULE % 900)
        self.assertFalse(self.call(again))

    def test_a_redis_that_was_emptied_is_told_again(self):
        one, other = self.two(RULE % 900)
        self.spend(one, 10)
        self.spend(other, 10)
        self.await_usage([one, other], spent=600)
        self.redis.ask("FLUSHALL")
        third = self.start(RULE % 900)
        self.await_usage([one, other, third], spent=600)

    def test_without_redis_each_has_its_part_of_what_was_left(self):
        gateways = self.two(RULE % 1800)
        self.spend(gateways[0], 20)
        self.await_usage(gateways, spent=600)
        self.redis.kill()
        calls = 20
        for gateway in gateways:
            await_sample(gateway, "llmgw_budget_sharing_away", 1)
            served = 0
            while self.call(gateway):
                served += 1
            # Half of what was left, or a call that was promised more.
            self.assertGreaterEqual(served, 18)
            self.assertLessEqual(served, 21)
            calls += served
        self.redis.start()
        for gateway in gateways:
            gateway.wait_for_log(
                msg="budgets are shared by all replicas again")
            while self.call(gateway):
                calls += 1
            self.assertEqual(
                len(gateway.log_lines(
                    msg="budgets that replicas share are counted by this "
                        "one's share until redis answers")), 1)
        self.assertLessEqual(calls * CALL_TOKENS, 1800 + 4 * CALL_TOKENS)
        self.await_usage(gateways, spent=calls * CALL_TOKENS)

    def test_what_operators_say_at_one_holds_at_the_other(self):
        ledgers = [self.folder(), self.folder()]
        one, other = self.two(RULE % 900, ledgers)
        self.spend(one, 5)
        self.spend(other, 5)
        self.await_usage([one, other], spent=300)
        self.operate(other, "AllocateBudget", rule="b", limit=300)
        self.await_usage([one, other], limit=300)
        self.assertFalse(self.call(one))
        self.operate(one, "AllocateBudget", rule="b", remove=True)
        self.await_usage([one, other], limit=900)
        self.operate(other, "ResetBudget", rule="b")
        self.await_usage([one, other], spent=0)
        self.spend(one, 4)
        self.await_usage([one, other], spent=120)
        # Given back once: the other's ledger knows, too.
        one.kill()
        one = self.start(RULE % 900, ledgers[0])
        await_sample(one, "llmgw_budget_sharing_replicas", 2)
        self.await_usage([one, other], spent=120)
        self.operate(one, "AllocateBudget", rule="b", limit=150)
        self.await_usage([one, other], spent=120, limit=150)
        self.operate(other, "AllocateBudget", rule="b", remove=True)
        self.await_usage([one, other], spent=120, limit=900)

    def test_a_session_is_summed_over_both(self):
        one, other = self.two(RULE % 3000)
        call = grpc_caller.prompt("m", max_output_tokens=20)
        call["scope"] = {"session_id": "SES-1"}
        for gateway in (one, other):
            self.assertEqual(
                self.caller.generate(gateway.grpc, call).end["code"], "OK")
        self.await_usage([one, other], spent=2 * CALL_TOKENS)
        for gateway in (one, other):
            summary = self.operate(gateway, "GetSessionSummary",
                                   session_id="SES-1")
            self.assertEqual(summary["total_tokens"], str(2 * CALL_TOKENS))
            self.assertEqual(summary["turns"], "2")

    def test_a_session_is_its_callers_at_both(self):
        keys = {"ANN_KEY": "key-of-ann-0123456789",
                "BOB_KEY": "key-of-bob-0123456789"}
        config = (CONFIG % ("", self.redis.address, RULE % 100000, """\
auth: {callers: {api_keys: [{id: ann, key: "env:ANN_KEY"},
                            {id: bob, key: "env:BOB_KEY"}]}}
""")).replace("{session_tokens: 1000000}",
              "{session_tokens: 1000000, bind_caller: true}")
        gateways = []
        for _ in range(2):
            gateways.append(GatewayProcess(config, env=keys))
            self.addCleanup(gateways[-1].kill)
        for gateway in gateways:
            await_sample(gateway, "llmgw_budget_sharing_replicas", 2)

        def generate(gateway, key):
            return self.caller.generate(
                gateway.grpc, {**grpc_caller.prompt("m", max_output_tokens=20),
                               "scope": {"session_id": "SES-1"}},
                metadata=[["x-api-key", keys[key]]]).end["code"]
        self.assertEqual(generate(gateways[0], "ANN_KEY"), "OK")
        # The other one has heard of it.
        self.await_usage(gateways[1:], spent=CALL_TOKENS)
        deadline = time.monotonic() + TIMEOUT_S
        while self.operate(gateways[1], "GetSessionSummary",
                           session_id="SES-1").get("total_tokens") != "30":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.assertEqual(generate(gateways[1], "BOB_KEY"), "PERMISSION_DENIED")
        self.assertEqual(generate(gateways[1], "ANN_KEY"), "OK")


if __name__ == "__main__":
    unittest.main()
