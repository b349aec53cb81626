"""What an operator says at one of two gateways holds at both."""

import os
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.redis_process import RedisProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_CONFIG = """\
providers:
  - {name: one, mock: {reply: "hello"}}
  - {name: other, mock: {reply: "hello"}}
routing:
  default_target: one
  rollout: {baseline: other}
redis: {addresses: ["%s"], timeout: 1s}
"""
_OF_NODES = """\
  selection:
    policies:
      - {id: best, target: one/m, capabilities: [streaming], cost_tier: low}
      - {id: told, target: other/m, capabilities: [streaming],
         cost_tier: high}
    nodes: [{name: writer, required_capabilities: [streaming]}]
"""
# Two calls of each user, for both.
_LIMIT = """\
runtime: {replicas: 2, event_loops: 1}
rate_limits: [{name: few, unit: requests, limit: 2, window: 1h, per: [user],
               sharing: exact}]
"""
# What is promised.
_BOUND_S = 5.0


class SharedOperatorsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)
        self.folder = self.enterContext(
            tempfile.TemporaryDirectory(prefix="replicas"))

    def start(self, more="", routing=""):
        gateway = GatewayProcess(
            _CONFIG.replace("routing:\n", "routing:\n" + routing)
            % self.redis.address + more)
        self.addCleanup(gateway.kill)
        return gateway

    def start_keeping(self, name):
        """One with a folder of its own, which another may be given later."""
        return self.start(
            "runtime: {replicas: 2, state_dir: '%s'}\n"
            % os.path.join(self.folder, name))

    def operate(self, gateway, method, **request):
        call = self.caller.call(gateway.admin, _ADMIN + method, request)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def provider(self, gateway, **request):
        """Who answers; the reason of an error if nobody does."""
        call = self.caller.generate(gateway.grpc, {**prompt("m"), **request})
        if call.end["code"] != "OK":
            return call.end["reason"]
        return call.response["route"]["provider"]

    def await_provider(self, gateway, expected, **request):
        deadline = time.monotonic() + _BOUND_S
        while self.provider(gateway, **request) != expected:
            self.assertLess(time.monotonic(), deadline, expected)
            time.sleep(0.05)

    def test_models_circuits_and_the_rollout(self):
        here, there = self.start(), self.start()
        self.operate(here, "SetModelEnabled", provider="one", model="m",
                     enabled=False, reason="too dear")
        refused = self.provider(here, provider_id="one")
        self.assertNotEqual(refused, "one")
        self.await_provider(there, refused, provider_id="one")
        self.operate(there, "SetModelEnabled", provider="one", model="m",
                     enabled=True)
        self.await_provider(here, "one", provider_id="one")

        self.operate(here, "ForceCircuit", provider="other", model="m",
                     state="STATE_FORCED_OPEN")
        refused = self.provider(here, provider_id="other")
        self.assertNotEqual(refused, "other")
        self.await_provider(there, refused, provider_id="other")
        self.operate(here, "ForceCircuit", provider="other", model="m",
                     state="STATE_CONFIGURED")
        self.await_provider(there, "other", provider_id="other")

        self.operate(there, "UpdateRollout", percentage=0)
        self.await_provider(here, "other")
        self.operate(there, "UpdateRollout", reset=True)
        self.await_provider(here, "one")

    def test_overrides_of_nodes(self):
        here, there = (self.start(routing=_OF_NODES) for _ in range(2))
        # By a strategy that does not learn from calls.
        node = {"selection": {"node_name": "writer",
                              "strategy": "STRATEGY_COST_OPTIMIZED"}}
        self.assertEqual(self.provider(there, **node), "one")
        self.operate(here, "UpdateNodePolicy", node_name="writer",
                     model_id="told")
        self.assertEqual(self.provider(here, **node), "other")
        self.await_provider(there, "other", **node)
        self.operate(there, "UpdateNodePolicy", node_name="writer")
        self.await_provider(here, "one", **node)
        # One for a time ends at both.
        self.operate(there, "UpdateNodePolicy", node_name="writer",
                     model_id="told", ttl="1s")
        self.assertEqual(self.provider(there, **node), "other")
        self.await_provider(there, "one", **node)
        self.await_provider(here, "one", **node)

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
        deadline = time.monotonic() + _BOUND_S
        while not self.operate(gateway, "UpdateRollout").get("overridden"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def assert_all_serve(self, gateway):
        for name in ("one", "other"):
            self.assertEqual(self.provider(gateway, provider_id=name), name)
        self.assertEqual(self.provider(gateway), "one")

    def await_shared(self, one, other):
        """Until what each of them knew has been heard by the other."""
        for here, there, node in ((one, other, 1), (other, one, 2)):
            self.operate(here, "SetModelEnabled", provider="one",
                         model="sign%d" % node, enabled=False)
            self.await_disabled(there, "sign%d" % node)

    def await_disabled(self, gateway, model):
        deadline = time.monotonic() + _BOUND_S
        while True:
            call = self.caller.generate(
                gateway.grpc, {**prompt(model), "provider_id": "one"})
            if call.end["code"] != "OK":
                return
            self.assertLess(time.monotonic(), deadline, model)
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
