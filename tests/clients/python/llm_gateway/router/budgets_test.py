"""Scopes know what they are within, and budgets have published defaults."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.budgets import (
    BudgetConfig, BudgetDenialReason, BudgetScope, RateLimitConfig,
    TokenUsage)


class BudgetsTest(unittest.TestCase):

    def test_a_scope_is_within_the_next_larger_one_that_is_named(self):
        for scope, key, parent in (
                (BudgetScope("S"), "S", None),
                (BudgetScope("S", "W"), "S/W", "S"),
                (BudgetScope("S", "W", "A"), "S/W/A", "S/W"),
                (BudgetScope("S", None, "A"), "S/A", "S")):
            self.assertEqual((scope.scope_key, scope.parent_key),
                             (key, parent))

    def test_the_reasons_are_the_published_ones(self):
        self.assertEqual(
            {reason.value for reason in BudgetDenialReason},
            {"BUDGET_EXHAUSTED", "HIERARCHY_EXCEEDED", "RATE_LIMITED",
             "TURN_LIMIT", "NOT_ALLOCATED"})

    def test_usage_adds_up(self):
        self.assertEqual(TokenUsage(3, 4, "m").total, 7)

    def test_the_defaults_are_the_published_ones(self):
        self.assertEqual(vars(BudgetConfig()), {
            "session_token_limit": 100000, "wo_token_limit": 50000,
            "agent_token_limit": 10000, "wo_turn_limit": 20,
            "wo_timeout_seconds": 3600, "pricing": {},
            "enforcement_hard_limit": True,
            "enforcement_warn_threshold": 0.8})
        self.assertEqual(vars(RateLimitConfig()), {
            "requests_per_minute": 60, "tokens_per_minute": 1000000,
            "burst_allowance": 1.0, "cooldown_ms": 0, "window_seconds": 60})

    def test_a_file_replaces_what_it_names(self):
        config = BudgetConfig.from_dict({
            "defaults": {"wo_token_limit": 7},
            "enforcement": {"warn_threshold": 0.1, "hard_limit": False}})
        self.assertEqual(
            (config.session_token_limit, config.wo_token_limit,
             config.enforcement_warn_threshold,
             config.enforcement_hard_limit), (100000, 7, 0.1, False))


if __name__ == "__main__":
    unittest.main()
