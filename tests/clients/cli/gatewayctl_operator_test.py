"""What gatewayctl shows operators of a gateway: its models, providers,
circuits, routes, health and configuration."""

import json
import os
import unittest
import urllib.request

from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.testing.gateway_process import LISTENERS

_CONFIG = LISTENERS + """\
providers:
  - {name: mock, mock: {reply: %s}, models: [m]}
  - {name: spare, mock: {}}
routing:
  model_rules: [{prefix: gpt-, targets: [spare]}]
  default_target: mock
"""


class GatewayctlOperatorTest(GatewayctlCase):

    def setUp(self):
        super().setUp()
        self.start_gateway(config=_CONFIG % "one")

    def lines(self, *words):
        """The words of each line of an answer."""
        done = self.run_ctl(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.split() for line in done.stdout.splitlines()]

    def json_of(self, *words):
        done = self.run_ctl(*words, "--output", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def write(self, text):
        path = os.path.join(self.home, "other.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def chat(self):
        done = self.run_ctl("chat", "Hi", "--model", "m")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_models_and_providers_are_shown(self):
        self.assertIn(["m", "mock"],
                      [line[:2] for line in self.lines("models", "list")])
        self.assertEqual(self.json_of("models", "get", "m")["provider"],
                         "mock")
        self.assertEqual(
            [line[:2] for line in self.lines("providers", "list")],
            [["NAME", "KIND"], ["mock", "mock"], ["spare", "mock"]])
        self.assertEqual(self.lines("providers", "get", "spare")[0],
                         ["name", "spare"])
        done = self.run_ctl("models", "list", "--provider", "nobody")
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr),
            (0, "", "gatewayctl: no model of a provider 'nobody'; there are "
             "models of mock, spare\n"))
        done = self.run_ctl("providers", "get", "nobody")
        self.assert_refused(done, "nobody")

    def test_a_route_is_explained(self):
        lines = self.lines("route", "explain", "--model", "gpt-5")
        self.assertEqual(lines[0], ["goes", "to", "spare/gpt-5"])
        self.assertEqual(
            self.json_of("route", "explain", "--model", "m")["route"]
            ["provider"], "mock")
        # One that goes nowhere is an answer, and no success.
        done = self.run_ctl("route", "explain", "--model", "m", "--provider",
                            "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.stdout)

    def test_health_is_told(self):
        lines = self.lines("health")
        self.assertEqual(lines[0], ["status", "serving"])
        self.assertEqual(self.json_of("health")["status"], "STATUS_SERVING")

    def test_a_configuration_in_use_is_valid_with_the_files_it_names(self):
        parts = {
            "policies.yaml": "policies: {p: {target: mock/m}}\n",
            "alerts.yaml": "alerts: [{name: a, condition: error_rate > 5%, "
                           "action: page}]\n"}
        text = _CONFIG % "one" + (
            "  selection: {files: [policies.yaml]}\n"
            "alerts: {files: [alerts.yaml], actions: "
            "[{name: page, log: {}}]}\n"
            "runtime: {state_dir: %s}\n" % os.path.join(self.home, "state"))
        for name, part in parts.items():
            with open(os.path.join(self.home, name), "w",
                      encoding="utf-8") as file:
                file.write(part)
        path = self.write(text)
        pid_file = os.path.join(self.home, "other.pid")
        self.start_gateway("--pid_file", pid_file, "--config", path,
                           config=text)
        where = ("--pid_file", pid_file)
        done = self.run_ctl("config", "check", path, *where)
        self.assertEqual((done.returncode, done.stdout),
                         (0, path + " is valid\n"), done.stderr)
        done = self.run_ctl("config", "diff", path, *where)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "nothing differs\n"), done.stderr)
        done = self.run_ctl("config", "apply", path, *where)
        self.assertEqual(done.returncode, 0, done.stderr)
        # Others are none of the operator's.
        other = self.write(text.replace("[policies.yaml]", "[other.yaml]"))
        done = self.run_ctl("config", "check", other, *where)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(": error: routing.selection.files[0]: ", done.stdout)
        self.assertNotIn("warning: routing.selection.files", done.stdout)
        self.assert_refused(self.run_ctl("config", "diff", other, *where),
                            ": error: routing.selection.files[0]: ")

    def test_a_terminal_obeys_nothing_that_a_caller_has_said(self):
        pid_file = os.path.join(self.home, "traced.pid")
        gateway = self.start_gateway(
            "--pid_file", pid_file, config=_CONFIG % "one" + "tracing: {}\n")
        where = ("--pid_file", pid_file)
        with urllib.request.urlopen(urllib.request.Request(
                "http://%s/v1/chat/completions" % gateway.http,
                headers={"content-type": "application/json"},
                data=json.dumps({
                    "model": "m\x1b]0;owned\x07\u202e", "messages": [
                        {"role": "user", "content": "Hi"}]}).encode()),
                timeout=30) as answer:
            answer.read()
        traces = self.json_of("traces", "list", *where)["traces"]
        terminal = self.on_terminal("traces", "get", traces[0]["trace_id"],
                                    *where)
        shown = terminal.read_until("m\\u001b]0;owned\\u0007\\u202e")
        terminal.process.wait()
        for control in "\x1b\x07\u202e":
            self.assertNotIn(control, shown)

    def test_calls_are_shown_as_they_end(self):
        shown = self.begin("top", "--count", "1", "--output", "json")
        # Nobody is told of calls that were before he watched.
        while shown.poll() is None:
            self.chat()
        events = [json.loads(line) for line in shown.stdout]
        self.assertEqual(events[-1]["ended"]["route"]["provider"], "mock")
        shown = self.begin("top", "--count", "1")
        while shown.poll() is None:
            self.chat()
        line, = shown.stdout
        self.assertRegex(line, r"mock/m +ok .* 10\+20 t")

    def test_a_circuit_is_forced_open_and_reset(self):
        self.chat()
        self.assertEqual(self.lines("circuits", "list")[1][0], "mock/m")
        self.lines("circuits", "force", "mock/m", "forced_open",
                   "--validate_only")
        self.chat()
        forced = self.lines("circuits", "force", "mock/m", "forced_open")
        self.assertEqual(forced[1][:2], ["mock/m", "forced_open"])
        self.assertEqual(
            self.run_ctl("chat", "Hi", "--model", "m", "--provider",
                         "mock").returncode, 1)
        self.lines("circuits", "reset", "mock/m")
        self.chat()

    def test_a_configuration_is_checked_compared_applied_and_taken_back(self):
        self.assertEqual(self.chat(), "one\n")
        path = self.write(_CONFIG % "two")
        self.assertIn(path + " is valid", self.run_ctl(
            "config", "check", path).stdout)
        changed = ["providers[0].mock.reply", "one", "two"]
        unquoted = [[word.strip('"') for word in line]
                    for line in self.lines("config", "diff", path)]
        self.assertIn(changed, unquoted)
        self.assertEqual(self.chat(), "one\n")
        applied = self.run_ctl("config", "apply", path)
        self.assertEqual((applied.returncode, applied.stderr), (0, ""))
        self.assertIn("version 2, applied by ", applied.stdout)
        self.assertEqual(self.chat(), "two\n")
        self.assertIn('reply: "two"', self.run_ctl("config", "show").stdout)
        refused = self.run_ctl("config", "apply", path, "--etag", "other")
        self.assert_refused(refused, "etag")
        back = self.run_ctl("config", "rollback")
        self.assertEqual((back.returncode, back.stderr), (0, ""))
        self.assertEqual(self.chat(), "one\n")
        self.lines("config", "reload")

    def test_a_configuration_may_come_through_a_pipe(self):
        text = _CONFIG % "two"
        for name in ("-", "/dev/stdin"):
            done = self.run_ctl("config", "check", name, stdin=text)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(" is valid", done.stdout)
        done = self.run_ctl("config", "diff", "-", stdin=text)
        self.assertIn("providers[0].mock.reply", done.stdout)
        self.assertEqual(self.chat(), "one\n")

    def test_a_check_tells_what_would_keep_a_configuration_out_of_use(self):
        path = self.write(_CONFIG % "one" + "runtime: {event_loops: 3}\n")
        done = self.run_ctl("config", "check", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(path + ": warning: runtime.event_loops: is changed, "
                      "which needs a restart", done.stdout)
        self.assertIn(path + " is valid", done.stdout)

    def test_what_the_gateway_refuses_is_not_valid(self):
        path = self.write(_CONFIG.replace(
            "{name: spare, mock: {}}",
            "{name: spare, openai: {api_key: 'file:/nonexistent/key'}}")
            % "one")
        place = path + ":8:"
        done = self.run_ctl("config", "check", path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, place + r"\d+: error: "
                         r"providers\[1\]\.openai\.api_key: .*/nonexistent/key")
        self.assertIn(path + " is not valid\n", done.stdout)
        for words in (("diff", path), ("apply", path)):
            done = self.run_ctl("config", *words)
            self.assert_refused(done, place, "/nonexistent/key")
            self.assertEqual(done.stderr.count("/nonexistent/key"), 1)
        done = self.run_ctl("config", "check", path, "--output", "json")
        self.assertEqual(done.returncode, 1)
        problem, = json.loads(done.stdout)["problems"]
        self.assertEqual((problem["line"], problem["severity"]),
                         (8, "SEVERITY_ERROR"))

    def test_what_is_there_is_told_in_json_too(self):
        status = self.json_of("status")
        self.assertTrue(status["ready"])
        self.assertIn("admin", status["ports"])
        rollout = self.json_of("rollout")
        self.assertEqual((rollout["enabled"], rollout["percentage"]),
                         (True, 100))

    def test_mistakes_of_a_configuration_are_told_with_their_places(self):
        path = self.write("providers: [{name: mock, mock: {repli: x}}]\n")
        done = self.run_ctl("config", "check", path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, path + r":1:\d+: error: .*repli")
        self.assertIn(path + " is not valid", done.stdout)
        self.assert_refused(self.run_ctl("config", "apply", path), "repli")


if __name__ == "__main__":
    unittest.main()
