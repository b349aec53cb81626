"""What the log says, in which form, and how much of it: lines of calls and of
the start, text for people, files that are set aside, levels that change while
the gateway runs, and the members of the access log."""

import glob
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_MOCK = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
"""


def request_id(address):
    answer = ask(address, chat("m"))
    assert answer.status == 200, answer.body
    return answer.headers["x-request-id"]


class StepsTest(gateway_case.GatewayCase):
    """What monitors of an earlier gateway look for, at info."""

    def test_a_start_says_so_with_the_port(self):
        port = int(self.gateway.http.rsplit(":", 1)[1])
        self.gateway.wait_for_log(
            level="info", msg="LLM Gateway initialized successfully")
        self.gateway.wait_for_log(
            level="info", msg="LLM Gateway started on port %d" % port)

    def test_a_call_says_where_it_goes_and_why(self):
        answer = ask(self.gateway.http, path="/v1/messages", body={
            "model": "claude-x", "max_tokens": 8, "agent_type": "code-reviewer",
            "messages": [{"role": "user", "content": "Hello"}]})
        self.assertEqual(answer.status, 200, answer.body)
        route = self.gateway.wait_for_log(
            level="info", msg="Routing request", agent_type="code-reviewer",
            provider="anthropic")
        self.assertEqual((route["model"], route["reason"]),
                         ("claude-x", "model_rule:claude-"))
        self.gateway.wait_for_log(
            level="info", msg="Forwarding to provider", provider="anthropic",
            request_id=route["request_id"])

    def test_each_attempt_is_a_line(self):
        self.upstream.set_script("failing", {"status": 503})
        wanted = ask(self.gateway.http, chat("failing"))
        self.assertGreaterEqual(wanted.status, 500)
        line = self.gateway.wait_for_access(model="failing")
        route = self.gateway.wait_for_log(msg="Routing request",
                                          model="failing")
        self.assertEqual(route["request_id"], line["request_id"])
        attempts = self.gateway.log_lines(msg="Forwarding to provider",
                                          request_id=line["request_id"])
        self.assertEqual(len(attempts), line["attempt_count"])
        self.assertGreater(len(attempts), 1)


class ConsoleTest(unittest.TestCase):

    def test_lines_are_text_for_people(self):
        folder = tempfile.TemporaryDirectory(prefix="console")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "gateway.log")
        os.mkfifo(path)
        # Both ends, so that neither side waits for the other to open it.
        pipe = os.fdopen(os.open(path, os.O_RDWR), "r")
        self.addCleanup(pipe.close)

        def await_line(wanted):
            for line in pipe:
                if wanted in line:
                    return line
            raise AssertionError("the pipe ended before %r" % wanted)

        def await_ready():
            return dict(re.findall(r"(\w+)=([^,\s]+)",
                                   await_line(" main ready: ")))

        gateway = GatewayProcess(
            _MOCK + "logging: {file: %s}\n" % path,
            env={"LLM_LOG_FORMAT": "console", "LLM_LOG_LEVEL": "INFO"},
            await_ready=await_ready)
        self.addCleanup(gateway.kill)
        called = request_id(gateway.http)
        self.assertRegex(
            await_line("Routing request"),
            r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  pipeline Routing "
            r"request: request_id=%s, agent_type=\"\", model=m, "
            r"provider=mock, reason=default\n$" % called)
        self.assertIn("request_id=%s, provider=mock" % called,
                      await_line("Forwarding to provider: "))
        # The access log is for programs.
        self.assertEqual(gateway.wait_for_access(request_id=called)["status"],
                         "OK")
        gateway.stop()


class RotationTest(unittest.TestCase):

    def test_files_are_set_aside_and_nothing_is_lost(self):
        folder = tempfile.TemporaryDirectory(prefix="rotated")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "gateway.log")
        config = os.path.join(folder.name, "gateway.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(gateway_process.LISTENERS + _MOCK + """\
logging:
  file: %s
  module_levels: {pipeline: debug}
  rotation: {size_bytes_limit: 64KiB, files_limit: 100}
""" % path)
        gateway = subprocess.Popen(
            [gateway_process.BINARY, "--config", config, "--first_calls"],
            env=gateway_process.environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(60, gateway.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        with gateway:
            address = next(
                found.group(1) for found in
                (re.search(r"http://(127\.0\.0\.1:\d+)/v1", line)
                 for line in gateway.stderr) if found)
            called = [request_id(address) for _ in range(400)]
            gateway.terminate()
            gateway.stderr.read()
        self.assertEqual(gateway.returncode, 0)
        aside = sorted(glob.glob(path + ".*"))
        self.assertGreater(len(aside), 1)
        lines = []
        for each in [*aside, path]:
            self.assertLessEqual(os.path.getsize(each), 64 * 1024)
            with open(each, encoding="utf-8") as file:
                lines += [json.loads(line) for line in file]
        self.assertEqual([line["request_id"] for line in lines
                          if line["msg"] == "Routing request"], called)
        self.assertEqual(lines[-1]["msg"], "stopped")


class LevelsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        self.gateway = GatewayProcess(_MOCK)
        self.addCleanup(self.gateway.kill)

    def gatewayctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "logs", *words], text=True, check=False,
            capture_output=True, timeout=60,
            env=gateway_process.environment(
                {"GATEWAY_ADMIN": self.gateway.admin}))

    def level_of(self, module):
        modules = self.caller.call(self.gateway.admin,
                                   _ADMIN + "ListLogLevels",
                                   {}).response["modules"]
        return next((each["level"], each.get("is_override", False))
                    for each in modules if each["name"] == module)

    def test_they_change_while_it_runs_and_are_taken_back(self):
        self.assertEqual(self.level_of("pipeline"), ("LOG_LEVEL_INFO", False))
        quiet = self.gatewayctl("set-level", "warn", "--module", "pipeline")
        self.assertEqual(quiet.returncode, 0, quiet.stderr)
        self.assertRegex(quiet.stdout, r"(?m)^pipeline +warn +operator$")
        self.assertEqual(self.level_of("pipeline"), ("LOG_LEVEL_WARN", True))
        unheard = request_id(self.gateway.http)
        back = self.gatewayctl("set-level", "configured")
        self.assertRegex(back.stdout, r"(?m)^pipeline +info +configuration$")
        heard = request_id(self.gateway.http)
        self.gateway.wait_for_log(msg="Routing request", request_id=heard)
        self.assertEqual(self.gateway.log_lines(request_id=unheard), [])
        self.gateway.wait_for_log(msg="An operator has set levels of the log",
                                  of="pipeline", to="warn")

    def test_another_configuration_forgets_what_was_set(self):
        self.gatewayctl("set-level", "trace")
        self.assertEqual(self.level_of("net"), ("LOG_LEVEL_TRACE", True))
        self.gateway.write_config(_MOCK + "logging: {level: warn}\n")
        version = self.caller.call(self.gateway.admin,
                                   _ADMIN + "ReloadConfig", {}).response
        self.assertIn("version", version)
        self.assertEqual(self.level_of("net"), ("LOG_LEVEL_WARN", False))

    def test_what_is_not_there_is_refused(self):
        wrong = self.gatewayctl("set-level", "info", "--module", "pipelin")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("did you mean 'pipeline'?", wrong.stderr)


class AccessLogFieldsTest(unittest.TestCase):

    def test_lines_have_what_is_named(self):
        gateway = GatewayProcess(
            _MOCK + "logging: {access_log_fields: [status, request_id, "
            "provider, labels]}\n")
        self.addCleanup(gateway.kill)
        answer = ask(gateway.http, chat("m", metadata={"team": 'a",}'}))
        line = gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertRegex(line.pop("ts"), r"^\d{4}-")
        del line["request_id"]
        self.assertEqual(line, {"provider": "mock", "status": "OK",
                                "labels": {"team": 'a",}'}})
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
