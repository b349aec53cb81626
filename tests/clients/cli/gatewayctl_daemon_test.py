"""gatewayctl daemon, and the same under the name of cco."""

import json
import os
import signal
import socket
import subprocess
import unittest

from tests.clients.cli.gatewayctl_case import GATEWAYCTL
from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.clients.cli.gatewayctl_case import TIMEOUT_S
from tests.testing import gateway_process
from tests.testing.gateway_process import LISTENERS

_CONFIG = LISTENERS + """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
"""
_SCRIPT = os.path.join("tests", "clients", "cli", "test-gateway.sh")


class GatewayctlDaemonTest(GatewayctlCase):

    def setUp(self):
        super().setUp()
        programs = os.path.join(self.home, "bin")
        os.makedirs(programs)
        os.symlink(GATEWAYCTL, os.path.join(programs, "cco"))
        os.symlink(os.path.abspath(gateway_process.BINARY),
                   os.path.join(programs, "gateway"))
        self.path = programs + ":/usr/bin:/bin"
        self.folder = os.path.join(self.home, ".cco")
        os.makedirs(os.path.join(self.folder, "config"))
        self.write("gateway.yaml", _CONFIG)
        self.addCleanup(self.daemon, "stop", "--grace", "0s")

    def write(self, name, text):
        with open(os.path.join(self.folder, "config", name), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def cco(self, *words, timeout_s=TIMEOUT_S, env=None):
        return subprocess.run(
            ["cco", *words], timeout=timeout_s, text=True, check=False,
            env=self.environment({"PATH": self.path, **(env or {})}),
            executable=os.path.join(self.home, "bin", "cco"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def daemon(self, *words, env=None):
        return self.cco("daemon", *words, env=env)

    def started(self, *words, env=None):
        done = self.daemon(*words, env=env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.record()

    def record(self):
        with open(os.path.join(self.folder, "daemon.pid"),
                  encoding="utf-8") as file:
            return json.load(file)

    def assert_gone(self, pid):
        """It has ended, whether or not anybody has waited for it."""
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        self.assertEqual(state, "Z")

    def test_the_script_that_validates_gateways_passes(self):
        done = subprocess.run(
            ["bash", _SCRIPT], timeout=TIMEOUT_S, text=True, check=False,
            env=self.environment({"PATH": self.path}),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("All gateway tests passed!", done.stdout)
        self.assertIn("Providers: mock,", done.stdout)
        port = self.record()["gateway_port"]
        with open(os.path.join(self.folder, "daemon.log"),
                  encoding="utf-8") as file:
            log = file.read()
        for line in ("LLM Gateway initialized successfully",
                     "LLM Gateway started on port %d" % port,
                     "PID file updated with gateway port: %d" % port):
            self.assertIn(line + "\n", log)

    def test_it_starts_once_tells_of_itself_and_stops(self):
        first = self.started("start")
        status = self.daemon("status")
        self.assertEqual((status.returncode, status.stderr), (0, ""))
        self.assertRegex(status.stdout, r"(?m)^health +ready$")
        self.assert_refused(self.daemon("start"),
                            "runs already, as process %d" % first["pid"])
        logs = self.daemon("logs", "--lines", "1")
        self.assertEqual(logs.stdout, "PID file updated with gateway port: "
                         "%d\n" % first["gateway_port"])
        done = self.daemon("stop")
        self.assertEqual(done.stdout,
                         "stopped: process %d\n" % first["pid"])
        self.assert_gone(first["pid"])
        self.assertEqual(self.daemon("stop").stdout, "not running\n")
        self.assertEqual(self.daemon("status").returncode, 1)

    def test_what_is_wrong_does_not_stop_what_runs(self):
        first = self.started("start")
        self.write("gateway.yaml", "providers: nothing\n")
        self.assert_refused(self.daemon("restart"), "nothing has changed",
                            "providers")
        self.assertEqual(self.record()["pid"], first["pid"])
        self.write("gateway.yaml", _CONFIG)
        second = self.started("restart")
        self.assertNotEqual(second["pid"], first["pid"])
        self.assert_gone(first["pid"])

    def test_of_two_starts_at_once_one_comes_up(self):
        other = os.path.join(self.home, "other.yaml")
        with open(other, "w", encoding="utf-8") as file:
            file.write(_CONFIG)
        env = self.environment({"PATH": self.path})
        both = [subprocess.Popen(
            ["cco", "daemon", "start", *flags], env=env, text=True,
            executable=os.path.join(self.home, "bin", "cco"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for flags in ((), ("--config", other))]
        told = [each.communicate(timeout=TIMEOUT_S) for each in both]
        self.assertEqual(sorted(each.returncode for each in both), [0, 1],
                         told)
        self.assertIn("runs already", told[0][1] + told[1][1])
        # What the other wanted is forgotten.
        before = self.command_line()
        self.started("restart")
        self.assertEqual(self.command_line(), before)

    def test_a_stranger_who_has_the_number_is_left_alone(self):
        with subprocess.Popen(["sleep", "1000"]) as stranger:
            self.addCleanup(stranger.kill)
            path = os.path.join(self.folder, "daemon.pid")
            record = {"pid": stranger.pid, "port": 1, "gateway_port": 2}
            for start, code in ((None, 1), ("another boot/1", 0)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump({**record, "process_start": start}, file)
                done = self.daemon("stop")
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIsNone(stranger.poll())
            self.assertEqual(done.stdout, "not running\n")
            self.started("start")
            self.assertIsNone(stranger.poll())
            stranger.kill()

    def test_one_that_is_not_ready_yet_is_stopped_too(self):
        slow = os.path.join(self.home, "slow")
        with open(slow, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec sleep 1000\n")
        os.chmod(slow, 0o755)
        start = ("start", "--program", slow, "--wait", "100ms")
        self.assert_refused(self.daemon(*start), "is not ready yet")
        self.assert_refused(self.daemon(*start), "is about to come up")
        done = self.daemon("stop")
        self.assertRegex(done.stdout, "^stopped: process [0-9]+\n$")
        self.assert_gone(int(done.stdout.split()[-1]))
        self.assertEqual(self.daemon("stop").stdout, "not running\n")

    def test_of_two_who_stop_it_one_asks(self):
        """Asked twice, a gateway would end with calls under way."""
        asked = os.path.join(self.home, "asked")
        os.mkfifo(asked)
        slow = os.path.join(self.home, "slow")
        with open(slow, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\ntrap 'echo asked > {asked}' TERM\n"
                       "while :; do sleep 5 & wait; done\n")
        os.chmod(slow, 0o755)
        start = ("start", "--program", slow, "--wait", "1s")
        self.assert_refused(self.daemon(*start), "is not ready yet")
        with subprocess.Popen(
                ["cco", "daemon", "stop", "--grace", "1h"], text=True,
                env=self.environment({"PATH": self.path}),
                executable=os.path.join(self.home, "bin", "cco"),
                stdout=subprocess.PIPE) as patient:
            self.addCleanup(patient.kill)
            with open(asked, encoding="utf-8") as file:
                self.assertEqual(file.readline(), "asked\n")
            again = os.open(asked, os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, again)
            done = self.daemon("stop", "--grace", "1s")
            self.assertRegex(done.stdout, "^killed: process [0-9]+\n$")
            self.assertEqual(os.read(again, 100), b"")
            self.assertIn("stopped", patient.communicate(timeout=TIMEOUT_S)[0])

    def test_a_port_that_another_has_does_not_stop_what_runs(self):
        first = self.started("start")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.write("gateway.yaml", _CONFIG.replace(
                'http: {address: "127.0.0.1:0"',
                'http: {address: "127.0.0.1:%d"' % taken.getsockname()[1]))
            self.assert_refused(self.daemon("restart"), "in use",
                                "nothing has changed")
            self.assertEqual(self.daemon("status").returncode, 0)
            self.assertEqual(self.record()["pid"], first["pid"])
            self.daemon("stop")
            # Why one does not come up is told.
            done = self.daemon("start")
        self.assert_refused(done, "ended as it started", "in use")

    def test_its_own_port_is_nobody_elses(self):
        first = self.started("start")
        self.write("gateway.yaml", _CONFIG.replace(
            'http: {address: "127.0.0.1:0"',
            'http: {address: "127.0.0.1:%d"' % first["gateway_port"]))
        second = self.started("restart")
        self.assertEqual(second["gateway_port"], first["gateway_port"])
        self.started("restart")

    def test_one_that_was_killed_is_started_again(self):
        first = self.started("start")
        os.kill(first["pid"], signal.SIGKILL)
        second = self.started("restart")
        self.assertNotEqual(second["pid"], first["pid"])

    def test_one_command_takes_it_back_within_thirty_seconds(self):
        first = self.started("start")
        done = self.cco("daemon", "rollback", timeout_s=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_gone(first["pid"])
        with open(os.path.join(self.folder, "config", "daemon-config.json"),
                  encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"gatewayEnabled": False,
                                               "proxyEnabled": True})
        self.assertIn("not started", self.daemon("restart").stdout)
        self.assert_refused(self.cco("env"), "HTTP proxy not available",
                            "cco daemon rollback --undo")
        self.assert_refused(self.cco("daemon", "status"),
                            "LLM Gateway not available",
                            "cco daemon rollback --undo")
        self.started("rollback", "--undo")
        self.assertEqual(self.cco("env").returncode, 0)

    def command_line(self):
        with open("/proc/%d/cmdline" % self.record()["pid"],
                  encoding="utf-8") as file:
            return file.read().split("\0")

    def test_it_goes_on_with_what_it_was_started_with(self):
        other = os.path.join(self.home, "other.yaml")
        with open(other, "w", encoding="utf-8") as file:
            file.write(_CONFIG)
        log = os.path.join(self.home, "other.log")
        self.started("start", "--config", os.path.relpath(other), "--log", log)
        self.assertIn(other, self.command_line())
        self.started("restart")
        self.assertIn(other, self.command_line())
        self.assertIn("PID file updated", self.daemon("logs").stdout)
        self.assertEqual(self.daemon("rollback").returncode, 0)
        self.started("rollback", "--undo")
        self.assertIn(other, self.command_line())
        # What is said now counts more, and is what the next one knows.
        usual = os.path.join(self.folder, "config", "gateway.yaml")
        self.started("restart", "--config", usual)
        self.started("restart")
        self.assertIn(usual, self.command_line())
        self.daemon("stop")
        self.started("start")
        self.assertNotIn(other, self.command_line())

    def test_it_goes_on_with_what_a_variable_said(self):
        other = os.path.join(self.home, "other.yaml")
        with open(other, "w", encoding="utf-8") as file:
            file.write(_CONFIG)
        self.started("start",
                     env={"GATEWAY_CONFIG": os.path.relpath(other)})
        self.started("restart")
        self.assertIn(other, self.command_line())

    def test_what_cannot_start_is_not_brought_again(self):
        self.started("start")
        self.assertEqual(self.daemon("rollback").returncode, 0)
        switches = os.path.join(self.folder, "config", "daemon-config.json")
        begun = os.path.join(self.folder, "daemon.pid.start")

        def assert_taken_back(*why, flags=()):
            self.assert_refused(self.daemon("rollback", "--undo", *flags), *why)
            with open(switches, encoding="utf-8") as file:
                self.assertEqual(json.load(file), {"gatewayEnabled": False,
                                                   "proxyEnabled": True})

        assert_taken_back("--grace", flags=("--grace", "soon"))
        self.write("gateway.yaml", "providers: nothing\n")
        assert_taken_back("nothing has changed", "providers")
        self.write("gateway.yaml", _CONFIG)
        with open(begun, "w", encoding="utf-8") as file:
            file.write("{")
        assert_taken_back("daemon.pid.start")
        os.remove(begun)
        self.started("rollback", "--undo")

    def test_it_is_found_by_the_name_that_packages_give_it(self):
        programs = os.path.join(self.home, "bin")
        os.rename(os.path.join(programs, "gateway"),
                  os.path.join(programs, "llm-gateway"))
        self.started("start")

    def test_switches_that_are_broken_hold_no_rollback_up(self):
        first = self.started("start")
        self.write("daemon-config.json", '{"gatewayEnabled": tr')
        done = self.daemon("rollback")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("daemon-config.json.broken", done.stderr)
        self.assert_gone(first["pid"])
        with open(os.path.join(self.folder, "config",
                               "daemon-config.json.broken"),
                  encoding="utf-8") as file:
            self.assertEqual(file.read(), '{"gatewayEnabled": tr')
        self.started("rollback", "--undo")

    def test_switches_that_cannot_be_written_hold_no_rollback_up(self):
        first = self.started("start")
        switches = os.path.join(self.folder, "config", "daemon-config.json")
        os.mkdir(switches)
        done = self.daemon("rollback")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(switches + ": ", done.stderr)
        self.assertIn("it does not run any more", done.stderr)
        self.assert_gone(first["pid"])

    def test_who_knows_it_as_cco_is_told_how_to_start_it(self):
        for words in ((), ("daemon", "status"), ("env",)):
            self.assert_refused(self.cco(*words), "cco daemon start",
                                "cco daemon restart")
        self.assert_refused(self.run_ctl("daemon", "status"),
                            "gatewayctl daemon start")

    def test_each_step_is_told_in_json_too(self):
        begun = self.daemon("start", "--output", "json")
        record = self.record()
        self.assertEqual(json.loads(begun.stdout), {
            "done": "started", "process": record["pid"],
            "url": record["gateway_url"]})
        again = self.daemon("restart", "--output", "json")
        self.assertEqual([json.loads(line)["done"]
                          for line in again.stdout.splitlines()],
                         ["stopped", "started"])

    def test_cco_alone_is_claude_code_on_the_way_through_it(self):
        record = self.started("start")
        claude = os.path.join(self.home, "bin", "claude")
        with open(claude, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho $ANTHROPIC_BASE_URL\n")
        os.chmod(claude, 0o755)
        done = self.cco()
        self.assertEqual(done.stdout, record["gateway_url"] + "\n")
        self.assertEqual(done.stderr, "Gateway: %s (LLM routing enabled)\n"
                         % record["gateway_url"])


if __name__ == "__main__":
    unittest.main()
