"""What an operator says at one of two gateways holds at both."""

import time
import unittest

from tests.integration import operators_case
from tests.integration.samples import await_sample
from tests.testing.redis_process import RedisProcess

# Two calls of each user, for both.
_LIMIT = """\
runtime: {replicas: 2, event_loops: 1}
rate_limits: [{name: few, unit: requests, limit: 2, window: 1h, per: [user],
               sharing: exact}]
"""


class SharedOperatorsTest(operators_case.Sharing, operators_case.OperatorsCase):

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)

    def sharing(self):
        return ('redis: {addresses: ["%s"], timeout: 1s}\n'
                % self.redis.address)

    def test_what_was_taken_of_a_limit(self):
        # There nobody has been served.
        here, there = self.start(_LIMIT), self.start(_LIMIT)
        for gateway in (here, there):
            await_sample(gateway, 'llmgw_redis_connections{server="%s"}'
                         % self.redis.address, 1)
        user = {"scope": {"user_id": "ann"}}
        served = [self.provider(here, **user) for _ in range(3)]
        self.assertEqual(served, ["one", "one", "RATE_LIMITED"])
        # Whose it is must be said, since only Redis knows of it there.
        self.assertNotIn("reset_count",
                         self.operate(there, "ResetLimit", rule="few"))
        self.assertEqual(self.provider(here, **user), "RATE_LIMITED")
        reset = self.operate(there, "ResetLimit", rule="few",
                             subject={"user": "ann"})
        self.assertEqual(reset["reset_count"], "1")
        self.await_provider(here, "one", **user)
        served = [self.provider(here, **user) for _ in range(2)]
        self.assertEqual(served, ["one", "RATE_LIMITED"])

    def test_what_is_said_without_redis_is_told_later(self):
        here, there = self.start(), self.start()
        self.redis.pause()
        here.wait_for_log(
            module="state",
            msg="what operators say holds at this replica alone until the "
                "store can be asked")
        self.operate(here, "UpdateRollout", percentage=0)
        self.assertEqual(self.provider(here), "other")
        self.assertEqual(self.provider(there), "one")
        self.redis.go_on()
        here.wait_for_log(
            module="state",
            msg="what operators say is shared by all replicas again")
        self.await_provider(there, "other")

    def test_who_begins_takes_over_what_was_said(self):
        here = self.start()
        self.operate(here, "UpdateRollout", percentage=0)
        # It is in Redis by the time that a second has it.
        self.await_provider(self.start(), "other")
        here.stop()
        self.await_provider(self.start(), "other")

    def test_what_another_takes_back_stays_so(self):
        one, other = self.start_keeping("one"), self.start_keeping("other")
        self.operate(one, "SetModelEnabled", provider="one", model="m",
                     enabled=False)
        self.operate(one, "ForceCircuit", provider="other", model="m",
                     state="STATE_FORCED_OPEN")
        self.await_provider(other, "MODEL_DISABLED", provider_id="one")
        self.await_provider(other, "CIRCUIT_OPEN", provider_id="other")
        self.operate(one, "UpdateRollout", percentage=0)
        self.await_overridden(other)
        self.operate(other, "SetModelEnabled", provider="one", model="m",
                     enabled=True)
        self.operate(other, "ForceCircuit", provider="other", model="m",
                     state="STATE_CONFIGURED")
        self.operate(other, "UpdateRollout", reset=True)
        self.await_provider(one, "one", provider_id="one")
        self.await_provider(one, "other", provider_id="other")
        self.await_provider(one, "one")
        # Without Redis, by what is on disk.
        one.stop()
        self.redis.pause()
        one = self.start_keeping("one")
        self.assert_all_serve(one)
        self.redis.go_on()
        # With a Redis that has lost all.
        one.stop()
        other.stop()
        self.redis.ask("FLUSHALL")
        one, other = self.start_keeping("one"), self.start_keeping("other")
        self.await_shared(one, other)
        self.assert_all_serve(one)
        self.assert_all_serve(other)

    def test_the_latest_counts_though_redis_has_lost_it(self):
        one, other = self.start_keeping("one"), self.start_keeping("other")
        self.operate(one, "SetModelEnabled", provider="one", model="m",
                     enabled=False)
        self.await_provider(other, "MODEL_DISABLED", provider_id="one")
        # It does not learn that it was taken back, and begins first.
        one.stop()
        self.operate(other, "SetModelEnabled", provider="one", model="m",
                     enabled=True)
        other.stop()
        self.redis.ask("FLUSHALL")
        one = self.start_keeping("one")
        self.assertEqual(self.provider(one, provider_id="one"),
                         "MODEL_DISABLED")
        self.start_keeping("other")
        self.await_provider(one, "one", provider_id="one")

    def test_what_another_says_outlasts_redis(self):
        one, other = self.start_keeping("one"), self.start_keeping("other")
        self.operate(one, "SetModelEnabled", provider="one", model="m",
                     enabled=False)
        self.await_provider(other, "MODEL_DISABLED", provider_id="one")
        other.stop()
        self.redis.pause()
        other = self.start_keeping("other")
        self.assertEqual(self.provider(other, provider_id="one"),
                         "MODEL_DISABLED")
        self.redis.go_on()

    def await_overridden(self, gateway):
        deadline = time.monotonic() + operators_case.BOUND_S
        while not self.operate(gateway, "UpdateRollout").get("overridden"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def assert_all_serve(self, gateway):
        for name in ("one", "other"):
            self.assertEqual(self.provider(gateway, provider_id=name), name)
        self.assertEqual(self.provider(gateway), "one")


if __name__ == "__main__":
    unittest.main()
