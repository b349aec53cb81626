"""What a program that the gateway runs is given, and what becomes of it."""

import os
import select
import tempfile
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

CONFIG = """\
providers:
  - name: cli
    local_cli: {executable: "%(tool)s", %(more)s}
routing: {default_target: cli}
resilience:
  retry: {%(retry)sbackoff_base: 1ms, backoff_limit: 5ms}
  circuit_breaker: {mode: "off"}
"""

RESULT = ("""printf '%s' '{"type":"result","is_error":false,"""
          """"result":"It is four."}'\n""")

SECRETS = {"OPENAI_KEY": "sk-of-openai-1234567890",
           "AWS_SECRET_ACCESS_KEY": "of-amazon-1234567890"}


class LocalCliTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.tool = os.path.join(self.folder, "tool")

    def path(self, name):
        return os.path.join(self.folder, name)

    def install(self, script):
        with open(self.tool, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(self.tool, 0o700)

    def noted(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def gateway(self, more="", env=None, retry=""):
        return GatewayProcess(
            CONFIG % {"tool": self.tool, "more": more, "retry": retry},
            env=env)

    def test_it_gets_none_of_the_gateways_secrets(self):
        self.install("env > %s\n%s" % (self.path("environment"), RESULT))
        env = {**SECRETS, "TOOL_TOKEN": "t-1", "LANG": "C.UTF-8"}
        with self.gateway("inherit_environment: [TOOL_TOKEN]", env) as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.status, 200, answer.body)
        names = {line.split("=")[0]
                 for line in self.noted("environment").splitlines()}
        self.assertLessEqual({"TOOL_TOKEN", "LANG", "PATH"}, names)
        # A shell adds three of its own.
        self.assertLessEqual(names, {"TOOL_TOKEN", "LANG", "PATH", "HOME",
                                     "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"})

    def test_it_is_free_and_known_to_be(self):
        self.install(RESULT)
        with self.gateway() as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.headers["x-llmgateway-cost-usd"], "0")
            line = gateway.wait_for_access(model="haiku")
            self.assertEqual(line["cost_usd_nanos"], 0)
            self.assertTrue(line["usage_estimated"])

    def test_it_runs_where_there_is_nothing(self):
        self.install("pwd > %s; ls -A | wc -l >> %s\n%s" % (
            self.path("where"), self.path("where"), RESULT))
        with self.gateway() as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.status, 200, answer.body)
            where, files = self.noted("where").split()
            self.assertNotEqual(where, os.getcwd())
            self.assertEqual(files, "0")
            self.assertEqual(os.stat(where).st_mode & 0o777, 0o500)

    def test_a_killed_gateway_takes_it_along(self):
        lifeline = self.path("lifeline")
        os.mkfifo(lifeline)
        reader = os.open(lifeline, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.install("exec 9>%s; echo alive >&9; exec sleep 1000" % lifeline)
        gateway = self.gateway()
        self.addCleanup(gateway.kill)
        connection = http_calls.RawConnection(gateway.http)
        self.addCleanup(connection.close)
        connection.send(http_calls.request_bytes(chat("haiku")))
        self.assertEqual(self.read_line(reader), b"alive\n")
        gateway.kill()
        # It ends when all who have opened it are gone.
        self.assertEqual(self.read_line(reader), b"")

    def read_line(self, reader):
        readable, _, _ = select.select([reader], [], [], 30)
        self.assertTrue(readable, "it lives still")
        return os.read(reader, 100)

    def test_one_that_is_missing_is_unhealthy_before_it_is_called(self):
        with self.gateway() as gateway:
            ready = http_calls.ask(gateway.http, path="/health/ready")
            self.assertEqual(ready.json()["checks"]["cloud_providers"], False)
            self.install(RESULT)
            ready = http_calls.ask(gateway.http, path="/health/ready")
            self.assertEqual(ready.json()["checks"]["cloud_providers"], True)

    def test_one_that_takes_too_long_is_not_run_again(self):
        self.install("echo run >> %s\nexec sleep 1000" % self.path("runs"))
        with self.gateway("timeout: 3s") as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.status, 504, answer.body)
        self.assertEqual(self.noted("runs"), "run\n")

    def test_unless_the_configuration_says_so(self):
        self.install("echo run >> %s\nexec sleep 1000" % self.path("runs"))
        with self.gateway("timeout: 3s", retry="attempts_limit: 2, "
                          "resend_after_timeout: true, ") as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.status, 504, answer.body)
        self.assertEqual(self.noted("runs"), "run\nrun\n")

    def test_one_that_uses_more_memory_than_its_limit_is_ended(self):
        # A shell that keeps what it reads, and does not become the last thing
        # it runs.
        self.install("x=$(head -c 64000000 /dev/zero | tr '\\0' x); "
                     "sleep 1000; true")
        with self.gateway("memory_bytes_limit: 32MiB") as gateway:
            answer = http_calls.ask(gateway.http, chat("haiku"))
            self.assertEqual(answer.status, 502, answer.body)
            self.assertIn("memory", answer.error()["message"])

    def test_no_file_is_read_for_a_prompt_that_names_one(self):
        self.install("cat > %s\n%s" % (self.path("prompt"), RESULT))
        with self.gateway() as gateway:
            answer = http_calls.ask(
                gateway.http, chat("haiku", "@/etc/passwd or @~/.ssh, a@b.c"))
            self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(
            self.noted("prompt"),
            "[User]: \u2060@/etc/passwd or \u2060@~/.ssh, a@b.c")


if __name__ == "__main__":
    unittest.main()
