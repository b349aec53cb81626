"""Test cases of gateways at which operators say what holds at all of them.

    class SharedTest(operators_case.OperatorsCase):

        def sharing(self):
            return "redis: {addresses: ['%s']}\\n" % self.redis.address

        def test_something(self):
            here, there = self.start(), self.start()
            self.operate(here, "UpdateRollout", percentage=0)
            self.await_provider(there, "other")

Behind them are two providers, `one` and `other`, of which `one` is the default.
"""

import os
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_CONFIG = """\
providers:
  - {name: one, mock: {reply: "hello"}}
  - {name: other, mock: {reply: "hello"}}
routing:
  default_target: one
  rollout: {baseline: other}
"""
OF_NODES = """\
  selection:
    policies:
      - {id: best, target: one/m, capabilities: [streaming], cost_tier: low}
      - {id: told, target: other/m, capabilities: [streaming],
         cost_tier: high}
    nodes: [{name: writer, required_capabilities: [streaming]}]
"""
# A call of it, by a strategy that does not learn from calls.
NODE = {"selection": {"node_name": "writer",
                      "strategy": "STRATEGY_COST_OPTIMIZED"}}
# The five seconds that are promised, and time for a busy machine.
BOUND_S = 5.0 + 15.0


class OperatorsCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.folder = self.enterContext(
            tempfile.TemporaryDirectory(prefix="replicas"))

    def sharing(self):
        """What stands in the configuration of what they share."""
        raise NotImplementedError

    def start(self, more="", routing=""):
        gateway = GatewayProcess(
            _CONFIG.replace("routing:\n", "routing:\n" + routing)
            + self.sharing() + more)
        self.addCleanup(gateway.kill)
        return gateway

    def start_keeping(self, name, more="", routing=""):
        """One with a folder of its own, which another may be given later."""
        return self.start(
            "runtime: {replicas: 2, state_dir: '%s'}\n"
            % os.path.join(self.folder, name) + more, routing)

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
        deadline = time.monotonic() + BOUND_S
        while self.provider(gateway, **request) != expected:
            self.assertLess(time.monotonic(), deadline, expected)
            time.sleep(0.05)

    def await_disabled(self, gateway, model):
        deadline = time.monotonic() + BOUND_S
        while True:
            call = self.caller.generate(
                gateway.grpc, {**prompt(model), "provider_id": "one"})
            if call.end["code"] != "OK":
                return
            self.assertLess(time.monotonic(), deadline, model)
            time.sleep(0.05)

    def await_shared(self, one, other):
        """Until what each of them knew has been heard by the other."""
        for here, there, node in ((one, other, 1), (other, one, 2)):
            self.operate(here, "SetModelEnabled", provider="one",
                         model="sign%d" % node, enabled=False)
            self.await_disabled(there, "sign%d" % node)


class Sharing:
    """What holds whatever they share, of an OperatorsCase."""

    def start_two(self, routing=""):
        return self.start(routing=routing), self.start(routing=routing)

    def test_models_circuits_and_the_rollout(self):
        here, there = self.start_two()
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
        here, there = self.start_two(routing=OF_NODES)
        self.assertEqual(self.provider(there, **NODE), "one")
        self.operate(here, "UpdateNodePolicy", node_name="writer",
                     model_id="told")
        self.assertEqual(self.provider(here, **NODE), "other")
        self.await_provider(there, "other", **NODE)
        self.operate(there, "UpdateNodePolicy", node_name="writer")
        self.await_provider(here, "one", **NODE)
        # One for a time ends at both.
        self.operate(there, "UpdateNodePolicy", node_name="writer",
                     model_id="told", ttl="1s")
        self.assertEqual(self.provider(there, **NODE), "other")
        self.await_provider(there, "one", **NODE)
        self.await_provider(here, "one", **NODE)
