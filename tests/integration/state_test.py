"""What operators say and what has been learned outlasts the process where
runtime.state_dir is, and is not in force where it cannot be kept."""

import base64
import json
import os
import re
import resource
import shutil
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask, chat
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_TIMEOUT_S = 30.0
# As a disk that is full; for this process's child alone.
_NO_ROOM = (0, resource.RLIM_INFINITY)
_ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

_MODELS = """\
providers: [{name: mock, mock: {reply: one, fault: server_error,
                                fault_after_calls: 2}}]
routing:
  default_target: mock
  selection:
    policies: [{id: writer-model, target: mock/m, capabilities: [streaming]}]
    nodes: [{name: writer, required_capabilities: [streaming]}]
resilience:
  disable_model_after_failures: 2
  retry: {attempts_limit: 1}
  circuit_breaker: {mode: "off"}
"""


class StateTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="state")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "kept")

    def start(self, config=_MODELS):
        gateway = GatewayProcess(
            config + "runtime: {state_dir: '%s'}\n" % self.state)
        self.addCleanup(gateway.kill)
        return gateway

    def admin(self, gateway, method, code="OK", **request):
        """The answer of a call that ends so; its end if that is no OK."""
        call = self.caller.call(gateway.admin, _ADMIN + method, request)
        self.assertEqual(call.end["code"], code, call.end)
        return call.response if code == "OK" else call.end

    def select(self, gateway):
        request = chat("")
        del request["model"]
        return ask(gateway.http, request,
                   headers={"x-llmgateway-node": "writer"})

    def circuit(self, gateway):
        circuits = self.admin(gateway, "ListCircuits").get("circuits", [])
        return circuits[0] if circuits else {}

    def damaged_files(self, gateway):
        text = ask(gateway.operations, path="/metrics").body.decode()
        return int(re.search(r"^llmgw_state_damaged_files (\d+)$", text,
                             re.MULTILINE)[1])

    def performance(self, gateway):
        model = self.admin(gateway, "GetModelPerformance")["models"][0]
        return [int(model.get(field, 0))
                for field in ("successes", "failures", "recent_failures")]

    def wait_for_performance(self, gateway, expected):
        """What is shown is made anew once a second."""
        deadline = time.monotonic() + _TIMEOUT_S
        while (self.performance(gateway) != expected and
               time.monotonic() < deadline):
            time.sleep(0.1)
        self.assertEqual(self.performance(gateway), expected)

    def test_what_was_learned_of_a_model_outlasts_the_process(self):
        gateway = self.start()
        statuses = [self.select(gateway).status for _ in range(2)]
        self.assertEqual(statuses, [200, 200])
        # A call is counted by its own event loop, behind its answer: a success
        # that came behind a later failure would end the row of failures.
        self.wait_for_performance(gateway, [2, 0, 0])
        for _ in range(2):
            self.select(gateway)
        self.wait_for_performance(gateway, [2, 2, 2])
        why = self.circuit(gateway)["disabled_reason"]
        self.assertEqual(why, "by 2 failures of its own in a row")
        gateway.stop()

        again = self.start()
        self.assertEqual(self.performance(again), [2, 2, 2])
        self.assertEqual(self.circuit(again)["disabled_reason"], why)
        self.assertEqual(self.select(again).error()["code"], "model_disabled")
        # As while it ran, another configuration enables it.
        again.write_config(_MODELS.replace("one", "two") +
                           "runtime: {state_dir: '%s'}\n" % self.state)
        again.wait_for_log(msg="configuration in use")
        self.assertNotIn("disabled", self.circuit(again))
        again.stop()

        last = self.start(_MODELS.replace("one", "two"))
        self.assertNotIn("disabled", self.circuit(last))
        last.stop()

    def test_what_failures_disabled_is_kept_at_once(self):
        gateway = self.start()
        for _ in range(4):
            self.select(gateway)
        path = os.path.join(self.state, "circuits.json")
        # An operator's word is written after it, on the same thread.
        self.admin(gateway, "SetModelEnabled", provider="mock", model="other",
                   enabled=False)
        with open(path, encoding="utf-8") as file:
            self.assertIn("in a row", file.read())
        gateway.kill()
        again = self.start()
        self.assertEqual(self.select(again).error()["code"], "model_disabled")
        again.stop()

    def test_damaged_records_are_left_out_with_a_line(self):
        gateway = self.start()
        self.select(gateway)
        gateway.stop()
        path = os.path.join(self.state, "model_performance.json")
        with open(path, "r+", encoding="utf-8") as file:
            file.truncate(os.path.getsize(path) // 2)
        again = self.start()
        line = again.wait_for_log(level="error", module="state")
        self.assertEqual(line["file"], path)
        self.assertEqual(self.performance(again), [0, 0, 0])
        self.assertEqual(self.select(again).status, 200)
        again.stop()

    def test_damaged_versions_do_not_keep_the_gateway_from_starting(self):
        gateway = self.start()
        self.apply(gateway, "applied")
        gateway.stop()
        path = os.path.join(self.state, "config.json")
        with open(path, "r+", encoding="utf-8") as file:
            file.truncate(os.path.getsize(path) - 10)
            file.seek(0)
            damaged = file.read()

        again = self.start()
        self.assertEqual(self.select(again).text(), "one")
        line = again.wait_for_log(level="error", module="state")
        self.assertEqual(line["file"], path)
        kept = line["kept_as"]
        self.assertTrue(kept.startswith(path + ".damaged-"), kept)
        with open(kept, encoding="utf-8") as file:
            self.assertEqual(file.read(), damaged)
        self.assertEqual(self.damaged_files(again), 1)
        health = self.admin(again, "GetHealth")
        self.assertEqual(health["status"], "STATUS_DEGRADED")
        self.assertIn(kept, health["problems"][0])
        again.stop()

        # It is told until somebody has looked at it, and no longer.
        last = self.start()
        self.assertEqual(self.damaged_files(last), 1)
        os.remove(kept)
        self.admin(last, "ReloadConfig")
        self.assertEqual(self.damaged_files(last), 0)
        self.assertNotIn("problems", self.admin(last, "GetHealth"))
        last.stop()

    def test_each_damaged_document_is_set_aside(self):
        for damage in (b"{\xff", b'{"foo": 1}'):
            with self.subTest(damage=damage):
                self.expect_set_aside(damage)
                shutil.rmtree(self.state)

    def expect_set_aside(self, damage):
        names = ("circuits.json", "config.json", "model_performance.json",
                 "node_overrides.json", "rollout.json")
        os.mkdir(self.state, 0o700)
        for name in names:
            with open(os.path.join(self.state, name), "wb") as file:
                file.write(damage)
        gateway = self.start()
        self.assertEqual(self.damaged_files(gateway), len(names))
        self.assertEqual(self.select(gateway).status, 200)
        kept = [name for name in os.listdir(self.state) if "damaged" in name]
        self.assertEqual(sorted(name.split(".damaged-")[0] for name in kept),
                         sorted(names))
        gateway.stop()

    def apply(self, gateway, reply):
        listeners = ("listeners:\n" + "".join(
            "  %s: {address: '127.0.0.1:0'}\n" % name
            for name in ("grpc", "http", "admin", "operations")))
        self.admin(gateway, "ApplyConfig", text=listeners + _MODELS.replace(
            "one", reply) + "runtime: {state_dir: '%s'}\n" % self.state)

    def alter_applied(self, old, new, with_sum):
        """Puts another text in the place of the one that was applied."""
        path = os.path.join(self.state, "config.json")
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        version = document["versions"][-1]
        text = base64.b64decode(version["text_base64"])
        self.assertIn(old, text)
        version["text_base64"] = base64.b64encode(
            text.replace(old, new)).decode()
        if not with_sum:
            del document["sum"]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def test_an_applied_text_that_was_altered_is_not_in_use(self):
        gateway = self.start()
        self.apply(gateway, "applied")
        gateway.stop()
        self.alter_applied(b"applied", b"altered", with_sum=True)
        again = self.start()
        self.assertEqual(self.select(again).text(), "one")
        self.assertEqual(self.damaged_files(again), 1)
        self.assertEqual(self.admin(again, "GetHealth")["status"],
                         "STATUS_DEGRADED")
        again.stop()

    def test_an_applied_text_that_cannot_be_used_any_more_is_told(self):
        gateway = self.start()
        self.apply(gateway, "applied")
        gateway.stop()
        # As a gateway keeps it that knows another field, and makes no sum.
        self.alter_applied(b"routing:", b"unheard_of: 1\nrouting:",
                           with_sum=False)
        again = self.start()
        self.assertEqual(self.select(again).text(), "one")
        self.assertEqual(self.damaged_files(again), 0)
        config = self.admin(again, "GetConfig")
        self.assertEqual(config["refused_problems"][0]["path"], "unheard_of")
        health = self.admin(again, "GetHealth")
        self.assertEqual(health["status"], "STATUS_DEGRADED")
        self.assertIn("what an operator has applied could not be used",
                      health["problems"][0])
        self.assertIn("unheard_of", health["problems"][0])
        for line in ('llmgw_config_reloads_total{result="refused"} 1',
                     "llmgw_config_last_reload_successful 0"):
            self.assertTrue(self.has_metric(again, line), line)
        self.admin(again, "ReloadConfig")
        self.assertTrue(self.has_metric(
            again, "llmgw_config_last_reload_successful 1"))
        self.assertNotIn("refused_problems", self.admin(again, "GetConfig"))
        self.assertNotIn("problems", self.admin(again, "GetHealth"))
        again.stop()

    def has_metric(self, gateway, line):
        text = ask(gateway.operations, path="/metrics").body.decode()
        return line in text.splitlines()

    def test_what_a_full_disk_cannot_keep_is_not_in_force(self):
        gateway = self.start()
        says = (
            ("SetModelEnabled", {"provider": "mock", "model": "m"}),
            ("ForceCircuit", {"provider": "mock", "model": "m",
                              "state": "STATE_FORCED_OPEN"}),
            ("UpdateRollout", {"percentage": 50}),
            ("UpdateNodePolicy", {"node_name": "writer",
                                  "model_id": "writer-model"}),
        )
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        for method, request in says:
            with self.subTest(method=method):
                end = self.admin(gateway, method, "FAILED_PRECONDITION",
                                 **request)
                self.assertEqual(end["reason"], "STATE_NOT_KEPT")
                self.assertIn("runtime.state_dir: " + self.state,
                              end["message"])
                self.assertIn("File too large", end["message"])
        circuit = self.circuit(gateway)
        self.assertNotIn("disabled", circuit)
        self.assertEqual(circuit["state"], "STATE_OFF")
        self.assertNotIn("overridden", self.admin(gateway, "UpdateRollout"))
        assigned = self.admin(gateway, "ListAssignments")["assignments"][0]
        self.assertNotIn("override", assigned)
        self.assertEqual(self.select(gateway).status, 200)
        self.assertEqual([name for name in os.listdir(self.state)
                          if name.count(".") > 1], [])
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        for method, request in says:
            self.admin(gateway, method, **request)
        gateway.stop()

    def test_a_configuration_that_cannot_be_kept_is_not_in_use(self):
        text = ("listeners:\n"
                "  grpc: {address: '127.0.0.1:0'}\n"
                "  http: {address: '127.0.0.1:0'}\n"
                "  admin: {address: '127.0.0.1:0'}\n"
                "  operations: {address: '127.0.0.1:0'}\n" + _MODELS +
                "runtime: {state_dir: '%s'}\n" % self.state)
        gateway = self.start()
        self.admin(gateway, "ApplyConfig", text=text.replace("one", "applied"))
        shutil.rmtree(self.state)
        for method, request in (
                ("RollbackConfig", {}),
                ("ApplyConfig", {"text": text.replace("one", "other")})):
            with self.subTest(method=method):
                end = self.admin(gateway, method, "FAILED_PRECONDITION",
                                 **request)
                self.assertEqual(end["reason"], "STATE_NOT_KEPT")
                self.assertIn("runtime.state_dir: %s/config.json" % self.state,
                              end["message"])
                self.assertIn("No such file or directory", end["message"])
        # There is nothing new to be kept of what stays in use.
        self.assertIs(self.admin(gateway, "ReloadConfig")["applied_kept"],
                      True)
        config = self.admin(gateway, "GetConfig")
        self.assertEqual((config["version"], config["source"]),
                         ("2", "applied by an operator"))
        self.assertNotIn("refused_problems", config)
        self.assertEqual(self.select(gateway).text(), "applied")
        gateway.kill()

    def test_drafts_of_a_process_that_was_killed_are_removed(self):
        gateway = self.start()
        gateway.kill()
        draft = os.path.join(self.state, "config.json.aB3x9Z")
        with open(draft, "w", encoding="utf-8") as file:
            file.write("half of a tex")
        again = self.start()
        self.assertEqual(
            sorted(name for name in os.listdir(self.state)
                   if not name.startswith("summary.db")),
            [".lock", "config.json"])
        again.stop()

    def test_without_a_folder_nothing_is_written(self):
        with tempfile.TemporaryDirectory(prefix="nothing") as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                gateway = GatewayProcess(_MODELS)
            finally:
                os.chdir(before)
            self.addCleanup(gateway.kill)
            for _ in range(4):
                self.select(gateway)
            self.admin(gateway, "SetModelEnabled", provider="mock", model="m")
            gateway.stop()
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
