"""Only what the gateway has turned away is asked again, and when it says so."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.rpc import retrying
from llm_gateway.rpc.errors import CallError
from llm_gateway.rpc.retrying import RetryBudget, RetryPolicy
from llmgateway.v1 import errors_pb2

_POLICY = RetryPolicy(attempts_max=3, wait_s_max=30)


def _wait(reason, pushback_ms=None, attempt=1, repeatable=False,
          code="UNAVAILABLE"):
    return _POLICY.wait_s(CallError("because", code, reason,
                                    pushback_ms=pushback_ms),
                          attempt, repeatable)


class RetryPolicyTest(unittest.TestCase):

    def test_waits_as_long_as_it_is_told(self):
        self.assertEqual(_wait("OVERLOADED", 1500), 1.5)
        self.assertEqual(_wait("RATE_LIMITED", 0), 0)

    def test_a_pushback_below_0_forbids(self):
        self.assertIsNone(_wait("OVERLOADED", -1))
        self.assertIsNone(_wait("", -1, repeatable=True))

    def test_who_is_told_nothing_waits_longer_each_time(self):
        for attempt, most in ((1, 0.2), (2, 0.4)):
            for _ in range(20):
                wait = _wait("DRAINING", attempt=attempt)
                self.assertTrue(most / 2 <= wait <= most, wait)

    def test_limits_and_breakers_must_say_when(self):
        for reason in ("RATE_LIMITED", "CIRCUIT_OPEN", "STORE_UNAVAILABLE"):
            self.assertIsNone(_wait(reason), reason)
            self.assertEqual(_wait(reason, 2000), 2.0, reason)

    def test_what_the_gateway_has_tried_is_not_tried_on_top(self):
        for reason in errors_pb2.ErrorReason.keys():
            reason = reason.removeprefix("ERROR_REASON_")
            if reason.startswith("PROVIDER_") or reason in (
                    "STREAM_INTERRUPTED", "BUDGET_EXCEEDED",
                    "DEADLINE_EXCEEDED", "MODEL_DISABLED", "INTERNAL",
                    "INVALID_REQUEST", "CONFLICT", "SESSION_LIMITED"):
                self.assertIsNone(_wait(reason, 1000, repeatable=True),
                                  reason)

    def test_all_that_is_repeated_is_in_the_contract(self):
        for reason in (retrying._LATER | retrying._WHEN_TOLD |
                       retrying._PERHAPS_DONE):
            self.assertIn("ERROR_REASON_" + reason,
                          errors_pb2.ErrorReason.keys())

    def test_a_broken_connection_is_repeated_where_nothing_is_done_twice(self):
        self.assertIsNone(_wait(""))
        self.assertGreater(_wait("", repeatable=True), 0)
        self.assertIsNone(_wait("", repeatable=True, code="INTERNAL"))

    def test_so_is_what_the_ledger_could_not_be_told(self):
        self.assertIsNone(_wait("LEDGER_UNAVAILABLE", 100))
        self.assertEqual(_wait("LEDGER_UNAVAILABLE", 100, repeatable=True),
                         0.1)

    def test_a_long_wait_is_the_callers(self):
        self.assertEqual(_wait("OVERLOADED", 30000), 30.0)
        self.assertIsNone(_wait("OVERLOADED", 30001))

    def test_the_last_attempt_is_the_last(self):
        self.assertIsNotNone(_wait("DRAINING", attempt=2))
        self.assertIsNone(_wait("DRAINING", attempt=3))

    def test_what_makes_no_sense_is_refused(self):
        with self.assertRaisesRegex(ValueError, "attempts_max is 0"):
            RetryPolicy(attempts_max=0)
        with self.assertRaisesRegex(ValueError, "wait_s_max is -1"):
            RetryPolicy(wait_s_max=-1)


class RetryBudgetTest(unittest.TestCase):

    def test_is_used_up_and_filled_by_successes(self):
        budget = RetryBudget()
        self.assertEqual([budget.failed() for _ in range(6)],
                         [True] * 4 + [False] * 2)
        for _ in range(21):
            budget.succeeded()
        self.assertTrue(budget.failed())
        self.assertFalse(budget.failed())

    def test_does_not_overflow(self):
        budget = RetryBudget()
        for _ in range(1000):
            budget.succeeded()
        self.assertEqual([budget.failed() for _ in range(5)],
                         [True] * 4 + [False])


if __name__ == "__main__":
    unittest.main()
