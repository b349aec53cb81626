"""What callers see when a provider says no."""

import email.utils
import time
import unittest

from tests.integration import fault_case
from tests.integration import gateway_case
from tests.integration import ways
from tests.testing.mock_upstream import MockUpstream


class RefusalTest(fault_case.FaultCase):
    """F-08, F-10, F-11: what a provider's status means."""

    config = gateway_case.KEYLESS_CONFIG.replace(
        "backoff_limit: 5ms", "backoff_limit: 5ms, retry_after_limit: 100ms")

    def test_failures_of_the_server_are_tried_again_then_unavailable(self):
        for status in (500, 502, 503, 529):
            for result in self.each({"status": status}):
                self.assert_failed(result, "UNAVAILABLE",
                                   "PROVIDER_UNAVAILABLE")
                self.assertEqual(result.attempts, 3)
                self.assertEqual(self.requests(result), 3)
                self.assertEqual(result.ends, [])

    def test_a_server_that_heals_in_time_is_no_failure(self):
        script = [{"status": 503, "times": 2}, {"text": fault_case.WORDS}]
        for result in self.each(script):
            self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 3)

    def test_a_rate_limit_is_told_with_the_time_to_wait(self):
        soon = email.utils.formatdate(time.time() + 40, usegmt=True)
        past = email.utils.formatdate(time.time() - 40, usegmt=True)
        # What the provider says, whether it is waited for, and what the
        # caller is told.
        table = [
            ("7", False, (7, 7)),
            ("1.5", False, (1.5, 2)),
            (soon, False, (30, 40)),
            ("1000000000", False, (300, 300)),
            ("0", True, (0, 0)),
            (past, True, (0, 0)),
            ("-1", True, None),
            ("junk", True, None),
            # Not decimal.
            ("1e9", True, None),
            (None, True, None),
        ]
        for said, waited_for, told in table:
            script = {"status": 429}
            if said is not None:
                script["retry_after"] = said
            with self.subTest(said=said):
                for result in self.each(script, every=ways.APIS):
                    self.assert_failed(result, "RESOURCE_EXHAUSTED",
                                       "PROVIDER_RATE_LIMITED")
                    self.assertEqual(self.requests(result),
                                     3 if waited_for else 1)
                    self.check_told(result, told)

    def check_told(self, result, told):
        if told is None:
            self.assertIsNone(result.retry_s)
        else:
            self.assertIsNotNone(result.retry_s)
            self.assertGreaterEqual(result.retry_s, told[0])
            self.assertLessEqual(result.retry_s, told[1])

    def test_a_rate_limit_that_passes_soon_is_waited_for(self):
        script = [{"status": 429, "retry_after_ms": "20"}, {"text": fault_case.WORDS}]
        for result in self.each(script):
            self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 2)

    def test_a_spent_quota_is_not_tried_again(self):
        for script in ({"status": 429,
                        "error": {"code": "insufficient_quota"}},
                       {"status": 402}):
            for result in self.each(script, every=ways.APIS):
                self.assert_failed(result, "RESOURCE_EXHAUSTED",
                                   "PROVIDER_QUOTA_EXHAUSTED")
                self.assertEqual(self.requests(result), 1)

    def test_a_refused_credential_is_not_the_callers_fault(self):
        for status in (401, 403):
            for result in self.each({"status": status}):
                self.assert_failed(result, "FAILED_PRECONDITION",
                                   "PROVIDER_AUTH_FAILED")
                self.assertEqual(self.requests(result), 1)

    def test_a_request_that_is_refused_is_not_tried_again(self):
        for status, code, reason in (
                (400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
                (404, "NOT_FOUND", "MODEL_NOT_FOUND"),
                (413, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE")):
            for result in self.each({"status": status}):
                self.assert_failed(result, code, reason)
                self.assertEqual(self.requests(result), 1)

    def test_official_clients_are_told_not_to_try_again(self):
        way = ways.Way("http", "openai")
        result = ways.Asker(self).ask(
            way, False, {"status": 503, "headers": {"x-should-retry": "no"}})
        self.assertEqual(result.headers["x-should-retry"], "false")


class RedirectTest(fault_case.FaultCase):

    def test_a_redirect_is_never_followed_with_a_key(self):
        other = self.enter(MockUpstream())
        for status in (301, 302, 303, 307, 308):
            script = {"status": status,
                      "location": "http://%s/v1/x" % other.address}
            for result in self.each(script):
                self.assert_failed(result, "INTERNAL",
                                   "PROVIDER_BAD_RESPONSE")
                self.assertEqual(self.requests(result), 1)
        self.assertEqual(other.stat("", "total.requests"), 0)


if __name__ == "__main__":
    unittest.main()
