"""gatewayctl as people run it, beside a gateway as people run that."""

import json
import os
import signal
import subprocess
import sys
import unittest

from tests.clients.cli.gatewayctl_case import CONFIG
from tests.clients.cli.gatewayctl_case import GATEWAYCTL
from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.clients.cli.gatewayctl_case import Terminal
from tests.clients.cli.gatewayctl_case import TIMEOUT_S
from tests.integration import certificates
from tests.integration import http_calls
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import LISTENERS

_NAMES = ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
_SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


class GatewayctlTest(GatewayctlCase):

    def names_to_complete(self):
        """Has models and contexts; what a shell needs to find gatewayctl."""
        self.start_gateway(config=CONFIG.replace(
            "mock: {}", "mock: {}, models: [gpt-new, 'other:8b', 'a;c']"))
        self.run_ctl("contexts", "set", "prod", "--admin", "prod:1")
        return self.environment({
            "PATH": os.path.dirname(GATEWAYCTL) + ":/usr/bin:/bin",
            "TERM": "dumb"})

    def test_zsh_completes_its_words(self):
        env = self.names_to_complete()
        zsh = Terminal(["zsh", "-f", "-i"], env)
        self.addCleanup(zsh.close)
        # As it is typed it is not what is printed.
        zsh.type("PROMPT=$'\\x45ND> '; source <(gatewayctl completion zsh)\n")
        zsh.read_until("END> ")
        for begun, whole in (("lim", "limits "),
                             ("keys list --output=j", "--output=json "),
                             ("contexts use p", "use prod "),
                             ("chat --model other:", "other:8b "),
                             ("chat --model=a", "--model=a\\;c ")):
            zsh.type("gatewayctl " + begun + "\t")
            zsh.read_until(whole)
            zsh.type("\x15")  # Away with the line.

    def test_fish_completes_its_words(self):
        env = self.names_to_complete()
        for begun, found in (("lim", ["limits"]),
                             ("keys ", ["create", "get", "list", "revoke",
                                        "rotate", "update"]),
                             ("keys list --output=j", ["--output=json"]),
                             ("contexts use p", ["prod"]),
                             ("chat --model other:", ["other:8b"])):
            asked = subprocess.run(
                ["fish", "--no-config", "-c", "gatewayctl completion fish | "
                 "source; complete -C 'gatewayctl %s'" % begun], text=True,
                check=True, stdout=subprocess.PIPE, env=env,
                timeout=TIMEOUT_S)
            self.assertEqual(sorted(asked.stdout.splitlines()), found)

    def test_shells_take_the_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.run_ctl("completion", shell)
            self.assertEqual(script.returncode, 0)
            done = subprocess.run([shell, "-n"], input=script.stdout,
                                  text=True, check=False,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT_S)
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def test_bash_completes_its_words(self):
        script = self.run_ctl("completion", "bash").stdout
        env = self.names_to_complete()
        for words, found in ((["lim"], ["limits"]),
                             (["keys", "ro"], ["rotate"]),
                             (["keys", "list", "--output", "j"], ["json"]),
                             (["contexts", "use", "p"], ["prod"]),
                             (["chat", "--model", "gpt-n"], ["gpt-new"]),
                             # It cuts words at these, and completes the rest.
                             (["keys", "list", "--output", "=", "j"],
                              ["json"]),
                             (["keys", "list", "--output", "="],
                              ["json", "table"]),
                             (["chat", "--model", "other", ":", "8"], ["8b"]),
                             (["chat", "--model", "=", "a"],
                              ["a\\;c"])):
            asked = subprocess.run(
                ["bash", "-c", script + """
COMP_WORDS=(gatewayctl "$@") COMP_CWORD=$#
_gatewayctl gatewayctl
printf '%s\\n' "${COMPREPLY[@]}"
complete -p gatewayctl cco
""", "bash", *words], text=True, check=True, stdout=subprocess.PIPE,
                env=env)
            self.assertEqual(asked.stdout.splitlines(), [
                *found, "complete -o default -F _gatewayctl gatewayctl",
                "complete -o default -F _gatewayctl cco"])

    def test_output_that_is_lost_is_no_success(self):
        # Less than a buffer, and more than one.
        for word in ("--version", "man"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [GATEWAYCTL, word], env=self.environment(), text=True,
                    check=False, stdout=full, stderr=subprocess.PIPE,
                    timeout=TIMEOUT_S)
            self.assertEqual((done.returncode, done.stderr), (
                1, "gatewayctl: standard output cannot be written: No space "
                "left on device\n"))

    def test_the_rollout_is_taken_back_and_given_again(self):
        gateway = self.start_gateway()
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

        def answer():
            return http_calls.ask(gateway.http, body).status

        done = self.run_ctl("rollout")
        self.assertEqual((done.returncode, done.stdout), (
            0, "rollout     on, 100 % of the callers, as configured\n"))
        self.assertEqual(answer(), 200)
        # In force for the next call.
        # Not that of a gateway which is installed here.
        done = self.run_ctl("rollout", "off", "--pid_file", self.pid_file)
        self.assertIn("off; if on, 100 %", done.stdout)
        self.assertEqual(answer(), 403)
        done = self.run_ctl("rollout", "12.5%")
        self.assertIn("on, 12.5 % of the callers, as an operator", done.stdout)
        self.run_ctl("rollout", "reset", "--admin", gateway.admin)
        self.assertEqual(answer(), 200)
        for wrong in ("101", "soon"):
            done = self.run_ctl("rollout", wrong)
            self.assertEqual(done.returncode, 1)
            self.assertIn("percentage", done.stderr)

    def test_metrics_are_shown_watched_and_summed(self):
        gateway = self.start_gateway()
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        answer = http_calls.ask(gateway.http, body)
        self.assertEqual(answer.status, 200)
        # Counted in the step that writes its line.
        gateway.wait_for_access(request_id=answer.headers["x-request-id"])
        done = self.run_ctl("metrics", "show", "llm_request_total",
                            "llm_request_duration_seconds", "--window", "5m")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("added from "), done.stdout)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual([line[-1] for line in lines
                          if line[:1] == ["llm_request_total"]], ["1"])
        self.assertEqual([line[-5] for line in lines
                          if line[:1] == ["llm_request_duration_seconds"]],
                         ["1"])
        done = self.run_ctl("metrics", "show", "llm_request_total",
                            "--output", "json")
        family, = json.loads(done.stdout)["families"]
        self.assertEqual(family["metrics"][0]["number"], 1)
        for verb in ("show", "watch"):
            done = self.run_ctl("metrics", verb, "llm_requests_total")
            self.assert_refused(done, "no metric 'llm_requests_total'",
                                "  llm_request_total\n")
        done = self.run_ctl("prices", "list", "--kind", "opnai")
        self.assert_refused(done, "kind: ", "anthropic", "openai")
        done = self.run_ctl("metrics", "watch", "llm_request_total",
                            "--interval", "1s", "--count", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("llm_request_total"), 2)
        done = self.run_ctl("metrics", "cost", "--by", "provider,model")
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(lines[0][:3], ["PROVIDER", "MODEL", "CALLS"])
        self.assertEqual(lines[1][:4], ["mock", "m", "1", "0"])
        done = self.run_ctl("metrics", "show", "--window", "2h")
        self.assert_refused(done, "window: must be 1m to 1h")

    def test_a_ledger_is_verified_as_it_comes(self):
        state = os.path.join(self.home, "state")
        with GatewayProcess(CONFIG + "runtime: {state_dir: '%s'}\n"
                            "ledger: {}\n" % state) as gateway:
            body = {"model": "m",
                    "messages": [{"role": "user", "content": "Hi"}]}
            self.assertEqual(http_calls.ask(gateway.http, body).status, 200)
        exported = self.run_ctl("ledger", "export", "--file",
                                os.path.join(state, "ledger.db")).stdout
        for name in ("-", "/dev/stdin"):
            done = self.run_ctl("ledger", "verify", name, stdin=exported)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith("valid: 2 entries"),
                            done.stdout)
            done = self.run_ctl("ledger", "verify", name,
                                stdin=exported.splitlines()[1])
            self.assertEqual(done.returncode, 1, done.stdout)

    def test_a_rollout_without_a_gateway(self):
        done = self.run_ctl("rollout", "off")
        self.assert_refused(done, "gatewayctl: ")

    def assert_points_at(self, variables, gateway):
        url = "http://" + gateway.http
        self.assertEqual([variables.get(name) for name in _NAMES],
                         [url, url + "/v1", url])

    def test_a_shell_takes_what_env_prints(self):
        gateway = self.start_gateway()
        done = subprocess.run(
            ["sh", "-c", 'eval "$("$0" env)" && exec "$1" -c "$2"',
             GATEWAYCTL, sys.executable, _SHOW],
            env=self.environment(), stdout=subprocess.PIPE, text=True,
            check=True, timeout=TIMEOUT_S)
        self.assert_points_at(json.loads(done.stdout), gateway)
        gateway.stop()

    def test_exec_becomes_the_program(self):
        gateway = self.start_gateway()
        process = self.begin(
            "exec", "--", sys.executable, "-c",
            "import os, sys; print(os.getpid()); " + _SHOW +
            "; print(sys.argv[1:]); print(sys.stdin.read()); sys.exit(7)",
            "--url", "a b", env={"OWN": "kept", "OPENAI_BASE_URL": "other"})
        out, err = process.communicate("from outside", timeout=TIMEOUT_S)
        lines = out.splitlines()
        self.assertEqual(process.returncode, 7)
        self.assertEqual(lines[0], str(process.pid))
        self.assert_points_at(json.loads(lines[1]), gateway)
        self.assertEqual(json.loads(lines[1])["OWN"], "kept")
        self.assertEqual(lines[2:], ["['--url', 'a b']", "from outside"])
        self.assertEqual(err, "Gateway: http://%s (LLM routing enabled)\n"
                         % gateway.http)
        gateway.stop()

    def test_what_exec_starts_asks_the_gateway_and_no_proxy(self):
        gateway = self.start_gateway()
        proxy = "http://127.0.0.1:1"
        done = self.run_ctl(
            "exec", "--", sys.executable, "-c",
            "import os, urllib.request; print(urllib.request.urlopen("
            "os.environ['ANTHROPIC_BASE_URL'] + '/health/ready').status)",
            env={"HTTP_PROXY": proxy, "http_proxy": proxy,
                 "NO_PROXY": "corp.example"})
        self.assertEqual((done.returncode, done.stdout), (0, "200\n"),
                         done.stderr)
        gateway.stop()

    def test_rolling_back_reaches_a_shell_that_was_told_of_the_gateway(self):
        os.makedirs(os.path.dirname(self.pid_file))
        with open(self.pid_file, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "proxy_port": 3128}, file)
        url = "http://127.0.0.1:8080"
        done = self.run_ctl(
            "exec", "--no-gateway", "--proxy", "--", sys.executable, "-c",
            _SHOW, env={"ANTHROPIC_BASE_URL": url, "OPENAI_BASE_URL":
                        url + "/v1", "GOOGLE_GEMINI_BASE_URL": url,
                        "http_proxy": "http://other:1"})
        self.assertEqual(done.returncode, 0, done.stderr)
        variables = json.loads(done.stdout)
        for name in _NAMES:
            self.assertNotIn(name, variables)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy"):
            self.assertEqual(variables[name], "http://127.0.0.1:3128")

    def test_signals_reach_the_program(self):
        gateway = self.start_gateway()
        process = self.begin("exec", "--", "sh", "-c",
                             "trap 'exit 9' TERM; echo up; read line")
        self.assertEqual(process.stdout.readline(), "up\n")
        process.send_signal(signal.SIGTERM)
        process.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 9)
        gateway.stop()

    def test_without_a_gateway_no_program_runs(self):
        done = self.run_ctl("exec", "--", "echo", "ran")
        self.assert_refused(done, "LLM Gateway not available",
                            "there is no PID file at " + self.pid_file,
                            "--pid_file PID_FILE")

    def test_a_gateway_that_was_killed_is_not_found(self):
        gateway = self.start_gateway()
        gateway.kill()
        self.assert_refused(self.run_ctl("env"), "is stale",
                            "process %d has ended" % gateway.pid)

    def test_a_gateway_that_ended_is_not_found(self):
        self.start_gateway().stop()
        self.assert_refused(self.run_ctl("env"), "there is no PID file")

    def test_a_gateway_that_is_about_to_come_is_waited_for(self):
        waiting = self.begin("env", "--wait", "60s")
        gateway = self.start_gateway()
        out, err = waiting.communicate(timeout=TIMEOUT_S)
        self.assertEqual((waiting.returncode, err), (0, ""))
        self.assertIn("ANTHROPIC_BASE_URL=http://%s\n" % gateway.http, out)
        gateway.stop()

    def test_the_wait_ends(self):
        self.assert_refused(self.run_ctl("env", "--wait", "100ms"),
                            "there is no PID file")

    def test_flag_and_variable_name_another_file(self):
        path = os.path.join(self.home, "elsewhere.pid")
        gateway = self.start_gateway("--pid_file", path)
        self.assert_refused(self.run_ctl("env"), "there is no PID file")
        for done in (self.run_ctl("env", "--pid_file", path),
                     self.run_ctl("env", env={"GATEWAY_PID_FILE": path})):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(gateway.http, done.stdout)
        gateway.stop()

    def test_the_switch_for_rolling_back_takes_effect_at_once(self):
        gateway = self.start_gateway()
        self.assertEqual(self.run_ctl("env").returncode, 0)
        none = "No LLM routing mechanism enabled"
        self.assert_refused(self.run_ctl("env", "--no-gateway"), none)
        for name in ("GATEWAY_V2_ENABLED", "ENABLE_GATEWAY_V2"):
            self.assert_refused(self.run_ctl("env", env={name: "false"}), none)
        folder = os.path.join(self.home, ".cco", "config")
        os.makedirs(folder)
        with open(os.path.join(folder, "daemon-config.json"), "w",
                  encoding="utf-8") as file:
            json.dump({"gatewayEnabled": False, "proxyEnabled": False}, file)
        self.assert_refused(self.run_ctl("exec", "--", "echo", "ran"), none)
        done = self.run_ctl("env", env={"GATEWAY_V2_ENABLED": "true"})
        self.assertEqual(done.returncode, 0, done.stderr)
        gateway.stop()

    def test_without_the_gateway_a_daemons_proxy_is_set(self):
        folder = os.path.join(self.home, ".cco")
        os.makedirs(folder)
        with open(os.path.join(folder, "daemon.pid"), "w",
                  encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "port": 3000, "proxy_port": 3128,
                       "started_at": "2025-12-02T00:00:00Z", "version": "1"},
                      file)
        done = self.run_ctl("env", "--no-gateway", "--proxy")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout,
                         "export HTTPS_PROXY=http://127.0.0.1:3128\n"
                         "export HTTP_PROXY=http://127.0.0.1:3128\n")
        self.assert_refused(self.run_ctl("env"), "has no gateway_port")

    def test_status_tells_of_a_gateway_that_serves(self):
        gateway = self.start_gateway()
        done = self.run_ctl("status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = dict(line.split(None, 1) for line in done.stdout.splitlines()
                    if not line.startswith("pid file"))
        self.assertEqual(rows["url"], "http://" + gateway.http)
        self.assertEqual(rows["process"], str(gateway.pid))
        self.assertEqual(rows["health"], "ready")
        for name in ("grpc", "admin"):
            self.assertEqual(rows[name], getattr(gateway, name))
        for name in ("http", "operations"):
            port = getattr(gateway, name).rpartition(":")[2]
            self.assertEqual(rows[name], "port " + port)
        gateway.stop()

    def test_status_asks_the_gateway_that_it_is_told(self):
        gateway = self.start_gateway()
        url = "http://" + gateway.http
        for words, env in ((("status", "--url", url), {}),
                           (("--url", url, "status"), {}),
                           (("status",), {"GATEWAY_URL": url})):
            done = self.run_ctl(*words, env=env)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"(?m)^health +ready$")
        gateway.stop()
        done = self.run_ctl("status", "--url", url)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^health +no answer: ")

    def test_status_over_tls_needs_a_certificate_that_is_trusted(self):
        authority = certificates.Authority(self.home, "ours")
        leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        tls = 'tls: {cert_chain: "file:%s", private_key: "file:%s"}' % (
            leaf.cert, leaf.key)
        gateway = GatewayProcess(LISTENERS.replace(
            'operations: {address: "127.0.0.1:0"',
            'operations: {address: "127.0.0.1:0", ' + tls) + CONFIG,
            flags=("--pid_file", self.pid_file))
        self.addCleanup(gateway.kill)
        done = self.run_ctl("status")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^health +no answer: .*certificate")
        done = self.run_ctl("--ca_file", authority.cert, "status")
        self.assertEqual(done.returncode, 0, done.stdout)
        gateway.stop()

    def test_a_context_without_a_url_is_not_passed_over(self):
        self.start_gateway()
        self.run_ctl("contexts", "set", "prod", "--ca_file", "ca.pem")
        self.run_ctl("contexts", "use", "prod")
        for words in (("env",), ("status",), ("exec", "--", "true"),
                      ("health",)):
            self.assert_refused(self.run_ctl(*words),
                                "the context prod does not say",
                                "gatewayctl contexts set prod --")

    def test_who_asks_without_a_gateway_is_told_what_to_do(self):
        self.assert_refused(self.run_ctl("health"), "no PID file",
                            "--admin HOST:PORT", "gatewayctl daemon start")
        self.assert_refused(self.run_ctl("models", "list"),
                            "--grpc HOST:PORT")

    def test_status_without_a_gateway_fails(self):
        self.assert_refused(self.run_ctl("status"), "not available")

    def test_help_is_printed_on_request_and_hinted_at_otherwise(self):
        done = self.run_ctl("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('eval "$(gatewayctl env)"', done.stdout)
        for words in ((), ("start",), ("env", "--colour"), ("exec",)):
            self.assert_refused(self.run_ctl(*words), "gatewayctl --help")


if __name__ == "__main__":
    unittest.main()
