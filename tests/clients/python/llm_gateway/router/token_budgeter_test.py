"""TokenBudgeter counts what was taken, and refuses what is too much."""

import json
import unittest

from tests.clients.python.llm_gateway import router_case

from llm_gateway.router.budgets import (
    BudgetAllocation, BudgetConfig, BudgetDenialReason, BudgetScope,
    RateLimitConfig, TokenUsage)
from llm_gateway.router.token_budgeter import TokenBudgeter

_SESSION = BudgetScope("S")
_ORDER = BudgetScope("S", "W")
_AGENT = BudgetScope("S", "W", "A")
_PRICES = {"m": {"input_per_1k": 0.003, "output_per_1k": 0.015}}


def _asking(scope, tokens, model=None):
    return BudgetScope(scope.session_id, scope.work_order_id, scope.agent_id,
                       tokens, model)


class BudgeterCase(router_case.RouterCase):

    rates = None

    def setUp(self):
        super().setUp()
        self.now = 1800000000.0
        self.budgeter = TokenBudgeter(
            self.ledger, BudgetConfig(pricing=_PRICES), self.rates,
            clock=lambda: self.now)

    def allocate(self, scope, tokens, turns=None):
        return self.budgeter.allocate(scope, BudgetAllocation(tokens, turns))

    def debit(self, scope, tokens_in, tokens_out=0, model="m"):
        return self.budgeter.debit(
            scope, TokenUsage(tokens_in, tokens_out, model))

    def reason(self, scope, tokens=0):
        checked = self.budgeter.check(_asking(scope, tokens))
        self.assertEqual(checked.allowed, checked.reason is None)
        return checked.reason

    def remaining(self, scope):
        return self.budgeter.get_status(scope).remaining


class CheckTest(BudgeterCase):

    def test_nothing_is_allowed_that_was_not_allocated(self):
        self.assertEqual(self.reason(_SESSION),
                         BudgetDenialReason.NOT_ALLOCATED)

    def test_exactly_what_is_left_is_allowed(self):
        self.allocate(_SESSION, 100)
        self.debit(_SESSION, 30, 10)
        self.assertIsNone(self.reason(_SESSION, 60))
        self.assertEqual(self.reason(_SESSION, 61),
                         BudgetDenialReason.BUDGET_EXHAUSTED)

    def test_what_is_within_is_charged_to_the_nearest_that_is_allocated(self):
        self.allocate(_SESSION, 100)
        self.assertIsNone(self.reason(_AGENT, 100))
        self.debit(_AGENT, 60)
        self.assertEqual(self.remaining(_SESSION), 40)
        self.assertEqual(self.reason(_AGENT, 41),
                         BudgetDenialReason.BUDGET_EXHAUSTED)

    def test_all_that_it_is_within_must_have_enough(self):
        self.allocate(_SESSION, 50)
        self.allocate(_ORDER, 1000)
        self.assertIsNone(self.reason(_ORDER, 50))
        checked = self.budgeter.check(_asking(_ORDER, 51))
        self.assertEqual((checked.reason, checked.remaining),
                         (BudgetDenialReason.HIERARCHY_EXCEEDED, 50))

    def test_turns_are_counted(self):
        self.allocate(_ORDER, 1000, turns=2)
        self.debit(_ORDER, 1)
        self.assertIsNone(self.reason(_ORDER))
        self.debit(_ORDER, 1)
        self.assertEqual(self.reason(_ORDER), BudgetDenialReason.TURN_LIMIT)

    def test_it_estimates_and_warns(self):
        self.allocate(_SESSION, 1000)
        checked = self.budgeter.check(_asking(_SESSION, 200, "m"))
        self.assertAlmostEqual(checked.cost_estimate, 0.0006)
        self.assertIsNone(checked.warning)
        self.debit(_SESSION, 799)
        self.assertIsNone(self.budgeter.check(_SESSION).warning)
        self.debit(_SESSION, 1)
        self.assertEqual(self.budgeter.check(_SESSION).warning,
                         "Budget usage at 80%")

    def test_takes_nothing(self):
        self.allocate(_SESSION, 10)
        for _ in range(3):
            self.assertIsNone(self.reason(_SESSION, 10))
        self.assertEqual(self.kinds(), ["BUDGET_ALLOCATE"])


class DebitTest(BudgeterCase):

    def test_costs_what_the_model_costs(self):
        self.allocate(_SESSION, 10000)
        self.assertAlmostEqual(self.debit(_SESSION, 1000, 100).cost_incurred,
                               0.0045)
        self.assertEqual(
            self.debit(_SESSION, 1000, model="another").cost_incurred, 0.0)

    def test_counts_for_all_that_it_is_within_and_past_their_limits(self):
        self.allocate(_SESSION, 100)
        self.allocate(_ORDER, 50)
        self.allocate(_AGENT, 10)
        result = self.debit(_AGENT, 40, 20)
        self.assertEqual((result.success, result.remaining,
                          result.total_consumed), (True, 0, 60))
        self.assertEqual([self.budgeter.get_status(scope).consumed_total
                          for scope in (_AGENT, _ORDER, _SESSION)], [60] * 3)
        self.assertEqual(self.remaining(_SESSION), 40)

    def test_of_what_is_not_allocated_is_none(self):
        result = self.debit(_SESSION, 10)
        self.assertEqual((result.success, result.remaining,
                          result.ledger_entry_id), (False, 0, ""))
        self.assertEqual(self.kinds(), [])

    def test_is_in_the_ledger(self):
        self.allocate(_SESSION, 100)
        self.allocate(_ORDER, 50)
        result = self.debit(_AGENT, 4, 2)
        entry = self.entry("BUDGET_DEBIT")
        self.assertEqual(entry.id, result.ledger_entry_id)
        self.assertEqual((entry.submission_id, entry.decision),
                         ("S/W", "DEBITED"))
        self.assertEqual(entry.metadata, {
            "scope_key": "S/W", "parent_scope_key": "S",
            "scope_session_id": "S", "scope_work_order_id": "W",
            "scope_agent_id": "A", "input_tokens": 4, "output_tokens": 2,
            "total_tokens": 6, "model_id": "m",
            "cost_incurred": 4 / 1000 * 0.003 + 2 / 1000 * 0.015,
            "remaining": 44})

    def test_an_allocation_is_in_the_ledger(self):
        entry_id = self.allocate(_ORDER, 50, turns=3)
        entry = self.entry("BUDGET_ALLOCATE")
        self.assertEqual((entry.id, entry.submission_id, entry.decision),
                         (entry_id, "S/W", "ALLOCATED"))
        self.assertEqual(entry.metadata, {
            "scope_key": "S/W", "scope_session_id": "S",
            "scope_work_order_id": "W", "scope_agent_id": None,
            "token_limit": 50, "turn_limit": 3, "timeout_seconds": None})


class RatesTest(BudgeterCase):
    """Three calls in ten seconds, and a wait of two at least."""

    rates = RateLimitConfig(requests_per_minute=2, burst_allowance=1.5,
                            window_seconds=10, cooldown_ms=2000)

    def setUp(self):
        super().setUp()
        self.allocate(_SESSION, 1000)
        for _ in range(3):
            self.debit(_SESSION, 1)
            self.now += 1

    def test_a_window_has_so_many(self):
        checked = self.budgeter.check(_SESSION)
        self.assertEqual(checked.reason, BudgetDenialReason.RATE_LIMITED)
        self.assertEqual(checked.retry_after_ms, 7000)

    def test_the_wait_is_not_too_short(self):
        self.now += 6.5
        self.assertEqual(self.budgeter.check(_SESSION).retry_after_ms, 2000)

    def test_another_may_come_when_the_oldest_is_out_of_the_window(self):
        self.now += 7
        self.assertIsNone(self.reason(_SESSION))


    def test_calls_beyond_the_window_are_kept_by_no_account(self):
        for _ in range(50):
            self.debit(_SESSION, 1)
            self.now += 1
        kept = self.budgeter._accounts["S"].requested_at
        self.assertEqual(len(kept), 10)


class NoRatesTest(BudgeterCase):

    def test_no_times_of_calls_are_kept(self):
        self.allocate(_SESSION, 1000)
        self.debit(_SESSION, 1)
        self.assertFalse(self.budgeter._accounts["S"].requested_at)


class ReportTest(BudgeterCase):

    def test_a_status_is_of_the_very_scope(self):
        self.allocate(_SESSION, 100, turns=5)
        self.debit(_ORDER, 10, 5)
        status = self.budgeter.get_status(_SESSION)
        self.assertEqual(
            (status.scope_key, status.allocated, status.consumed_input,
             status.consumed_output, status.remaining, status.request_count,
             status.turn_limit, status.turns_used, status.cost_estimate),
            ("S", 100, 10, 5, 85, 1, 5, 1, 0.0))
        self.assertIsNotNone(status.last_request_at)
        self.assertEqual(self.budgeter.get_status(_ORDER).allocated, 0)

    def test_a_summary_counts_nothing_twice(self):
        self.allocate(_SESSION, 100)
        self.allocate(_ORDER, 50)
        self.allocate(_AGENT, 20)
        self.debit(_AGENT, 3, 2)
        self.debit(_ORDER, 10)
        summary = self.budgeter.get_session_summary("S")
        self.assertEqual((summary.total_input, summary.total_output,
                          summary.total_consumed, summary.total_cost),
                         (13, 2, 15, 0.0))
        self.assertEqual(summary.work_orders, [{
            "work_order_id": "W", "consumed_input": 13, "consumed_output": 2,
            "consumed_total": 15, "request_count": 2}])


class ReplayTest(BudgeterCase):

    def test_the_ledger_gives_the_same_budgets(self):
        self.allocate(_SESSION, 100)
        self.allocate(_ORDER, 50, turns=9)
        self.allocate(_AGENT, 20)
        self.debit(_AGENT, 3, 2)
        self.debit(_ORDER, 7)
        replayed = TokenBudgeter.from_ledger(self.ledger, BudgetConfig())
        for scope in (_SESSION, _ORDER, _AGENT):
            was = self.budgeter.get_status(scope)
            now = replayed.get_status(scope)
            self.assertEqual(
                (was.allocated, was.consumed_input, was.consumed_output,
                 was.turns_used, was.turn_limit),
                (now.allocated, now.consumed_input, now.consumed_output,
                 now.turns_used, now.turn_limit))

    def test_it_is_made_as_a_file_says(self):
        path = self.write("budget_config.json", json.dumps({
            "defaults": {name: 1 for name in (
                "session_token_limit", "wo_token_limit", "agent_token_limit",
                "wo_turn_limit", "wo_timeout_seconds")},
            "pricing": _PRICES}))
        budgeter = TokenBudgeter.from_config_file(path, self.ledger)
        self.assertAlmostEqual(budgeter.estimate_cost("m", 1000, 0), 0.003)


if __name__ == "__main__":
    unittest.main()
