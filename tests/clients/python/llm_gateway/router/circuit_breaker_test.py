"""CircuitBreaker opens, rests and tries again as it is told to."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.circuit_breaker import (
    CircuitBreaker, CircuitBreakerConfig, CircuitState)


class CircuitBreakerTest(unittest.TestCase):
    """Opens at the second failure in a row, rests 50 ms, tries twice."""

    def setUp(self):
        super().setUp()
        self.now = 0.0
        self.breaker = CircuitBreaker(
            CircuitBreakerConfig(failure_threshold=2, recovery_timeout_ms=50,
                                 half_open_max=2), clock=lambda: self.now)

    def open(self):
        self.breaker.record_failure()
        self.breaker.record_failure()
        self.assertEqual(self.breaker.state, CircuitState.OPEN)

    def half_open(self):
        self.open()
        self.now += 0.05
        self.assertEqual(self.breaker.state, CircuitState.HALF_OPEN)

    def allowed(self, times):
        return [self.breaker.allow_request() for _ in range(times)]

    def test_opens_at_so_many_failures_in_a_row(self):
        self.breaker.record_failure()
        self.breaker.record_success()
        self.breaker.record_failure()
        self.assertEqual(self.breaker.state, CircuitState.CLOSED)
        self.breaker.record_failure()
        self.assertEqual(self.breaker.state, CircuitState.OPEN)
        self.assertEqual(self.allowed(1), [False])

    def test_rests_for_exactly_its_time(self):
        self.open()
        self.now += 0.0499
        self.assertEqual(self.breaker.state, CircuitState.OPEN)
        self.now += 0.0001
        self.assertEqual(self.breaker.state, CircuitState.HALF_OPEN)

    def test_half_open_admits_so_many(self):
        self.half_open()
        self.assertEqual(self.allowed(3), [True, True, False])

    def test_a_success_closes_it(self):
        self.half_open()
        self.assertEqual(self.allowed(1), [True])
        self.breaker.record_success()
        self.assertEqual(self.breaker.state, CircuitState.CLOSED)
        self.assertEqual(self.allowed(5), [True] * 5)
        # And the failures before it are forgotten.
        self.breaker.record_failure()
        self.assertEqual(self.breaker.state, CircuitState.CLOSED)

    def test_a_failure_opens_it_again_for_the_whole_time(self):
        self.half_open()
        self.assertEqual(self.allowed(1), [True])
        self.breaker.record_failure()
        self.assertEqual(self.breaker.state, CircuitState.OPEN)
        self.now += 0.05
        self.assertEqual(self.allowed(3), [True, True, False])

    def test_what_was_not_sent_gives_its_place_back(self):
        self.half_open()
        self.assertEqual(self.allowed(3), [True, True, False])
        self.breaker.release()
        self.assertEqual(self.allowed(2), [True, False])

    def test_has_three_states(self):
        self.assertEqual([state.value for state in CircuitState],
                         ["CLOSED", "OPEN", "HALF_OPEN"])

    def test_has_the_published_defaults(self):
        self.assertEqual(vars(CircuitBreakerConfig()), {
            "failure_threshold": 3, "recovery_timeout_ms": 30000,
            "half_open_max": 1})


if __name__ == "__main__":
    unittest.main()
