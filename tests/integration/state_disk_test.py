"""Where the disk under runtime.state_dir fails, what an operator is told to be
refused is refused, for the next process too."""

import errno
import os
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.testing.gateway_process import LISTENERS, GatewayProcess
from tests.testing.machine_faults import MachineFaults

_ADMIN = "/llmgateway.v1.AdminService/"
_CONFIG = LISTENERS + """\
providers: [{name: mock, mock: {reply: first}}]
routing: {default_target: mock}
alerts:
  rules: [{name: errors, condition: "error_rate > 5%%", action: log}]
  actions: [{name: log, log: {}}]
runtime: {state_dir: '%s', watch_files: false}
"""
_SAYS = (
    ("SetPricing", {"price": {"model": "house", "kind": "openai", "steps": [
        {"input": "99", "output": "99"}]}}),
    ("SetModelEnabled", {"provider": "mock", "model": "m"}),
    ("SilenceAlert", {"name": "errors", "duration": "32400s"}),
    ("UpdateRollout", {"enabled": False}),
)


class StateDiskTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="state")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "kept")
        self.config = _CONFIG % self.state
        self.machine = MachineFaults(self.state)
        self.addCleanup(self.machine.close)

    def start(self):
        gateway = GatewayProcess(self.config, env=self.machine.env)
        self.addCleanup(gateway.kill)
        return gateway

    def call(self, gateway, method, **request):
        return self.caller.call(gateway.admin, _ADMIN + method, request)

    def refused(self, gateway, method, request):
        """What the refusal says."""
        end = self.call(gateway, method, **request).end
        self.assertEqual(end.get("reason"), "STATE_NOT_KEPT", (method, end))
        self.assertIn("runtime.state_dir: " + self.state, end["message"])
        return end["message"]

    def in_force(self, gateway):
        """What operators have said."""
        prices = self.call(gateway, "ListPricing", model="house",
                           kind="openai").response.get("prices", [])
        config = self.call(gateway, "GetConfig").response
        rollout = self.call(gateway, "UpdateRollout").response
        alerts = self.call(gateway, "ListAlerts").response["alerts"]
        circuits = self.call(gateway, "ListCircuits").response
        return {
            "prices": [price for price in prices
                       if "OPERATOR" in price.get("source", "")],
            "applied": "applied" in config["source"],
            "rollout": "overridden" in rollout,
            "silenced": ["silenced" for alert in alerts
                         if "silence_end_time" in alert],
            "disabled": [circuit for circuit in circuits.get("circuits", [])
                         if circuit.get("disabled")]}

    def check(self, says, what, error, times=-1):
        """Everything that operators say is refused and says so, and neither
        this process nor the next has it in force."""
        gateway = self.start()
        nothing = self.in_force(gateway)
        self.assertFalse(any(nothing.values()), nothing)
        applied = self.config.replace("first", "other")
        for method, request in _SAYS + (("ApplyConfig", {"text": applied}),):
            with self.subTest(method=method, what=what, times=times):
                self.machine.fail(what, error, times)
                self.assertIn(says, self.refused(gateway, method, request))
                self.machine.heal()
        self.assertEqual(self.in_force(gateway), nothing)
        gateway.kill()
        again = self.start()
        self.assertEqual(self.in_force(again), nothing)
        again.stop()

    def test_what_cannot_be_written_is_not_in_force_after_a_restart(self):
        self.check("nothing has changed", "open", errno.EROFS)
        self.check("nothing has changed", "write", errno.ENOSPC)
        self.check("nothing has changed", "sync", errno.EIO)

    def test_what_a_folder_does_not_take_is_not_in_force_after_a_restart(self):
        self.check("nothing has changed", "folder_sync", errno.EIO, times=1)

    def test_what_power_may_bring_is_told(self):
        self.check("not known whether", "folder_sync", errno.EIO)

    def test_what_was_in_force_before_stays(self):
        gateway = self.start()
        for method, request in _SAYS:
            self.call(gateway, method, **request)
        before = self.in_force(gateway)
        self.assertEqual(
            [name for name, said in before.items() if not said], ["applied"])
        self.machine.fail("folder_sync", errno.EIO)
        self.refused(gateway, "SetPricing", {"price": {
            "model": "house", "kind": "openai",
            "steps": [{"input": "1", "output": "1"}]}})
        self.refused(gateway, "SetModelEnabled", {
            "provider": "mock", "model": "m", "enabled": True})
        self.refused(gateway, "SilenceAlert", {"name": "errors",
                                               "duration": "0s"})
        self.machine.heal()
        self.assertEqual(self.in_force(gateway), before)
        gateway.kill()
        again = self.start()
        self.assertEqual(self.in_force(again), before)
        again.stop()


if __name__ == "__main__":
    unittest.main()
