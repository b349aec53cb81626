"""What docs/sessions.md has a caller do, as it stands there, in one shell."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_PAGE = "docs/sessions.md"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_KEY = "key-of-a-caller-0123456789"
_REST = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
auth: {callers: {api_keys: [{id: ada, key: "env:KEY"}]}}
"""
# What each block is followed by.
_TELL = """
printf '\\n%s\\n' "== ${ID:-}"
"""


class SessionsPageTest(unittest.TestCase):

    def setUp(self):
        with open(_PAGE, encoding="utf-8") as file:
            blocks = _BLOCK.findall(file.read())
        self.blocks = blocks
        config = [text for kind, text in blocks if kind == "yaml"][0]
        folder = tempfile.TemporaryDirectory(prefix="sessions")
        self.addCleanup(folder.cleanup)
        changed = config.replace(
            "state_dir: state", "state_dir: '%s/state'" % folder.name)
        self.assertNotEqual(changed, config)
        self.gateway = GatewayProcess(_REST + changed, env={"KEY": _KEY})
        self.addCleanup(self.gateway.kill)
        self.environment = environment({
            "PATH": os.path.dirname(_GATEWAYCTL) + ":/usr/bin:/bin",
            "HOME": folder.name,
            "GATEWAY": self.gateway.grpc,
            "GATEWAY_URL": "http://" + self.gateway.http,
            "GATEWAY_KEY": _KEY})
        self.shell = subprocess.Popen(
            ["sh", "-eu"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=folder.name, env=self.environment)
        self.addCleanup(self.shell.communicate)
        self.addCleanup(self.shell.kill)

    def run_block(self, script):
        """What it prints, and the session's id after it."""
        self.shell.stdin.write(script + _TELL)
        self.shell.stdin.flush()
        lines = []
        for line in self.shell.stdout:
            if line.startswith("== "):
                return "".join(lines), line.split()[1]
            lines.append(line)
        raise AssertionError("ended with %r after %s" % (
            self.shell.wait(), script))

    def shown(self, kind, session):
        """What the page shows, with this session's own id and times."""
        text = [text for of, text in self.blocks if of == kind][0]
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", session,
                      text)

    def test_every_block_does_what_the_page_says(self):
        scripts = iter([text for kind, text in self.blocks if kind == "sh"])

        def step(has):
            script = next(scripts)
            self.assertIn(has, script)
            return self.run_block(script)

        _, session = step("ttl_seconds")
        for asked in ("My name is Ada.", "What is my name?"):
            answered, _ = step(asked)
            self.assertEqual(
                json.loads(answered)["choices"][0]["message"]["content"],
                "hello")
        got, _ = step("/v1/sessions/$ID")
        got, told = json.loads(got), json.loads(self.shown("json", session))
        for name in ("id", "messages", "context"):
            self.assertEqual(got[name], told[name])
        self.assertEqual(list(got), list(told))
        for name in ("created_at", "expires_at"):
            self.assertEqual(len(got[name]), len(told[name]))
        table, _ = step("sessions get")
        time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        self.assertEqual(time.sub("", table.strip()),
                         time.sub("", self.shown("text", session).strip()))
        deleted, _ = step("sessions delete")
        self.assertRegex(deleted, r"(?m)^deleted  [0-9a-f-]{36}$")
        step("-X DELETE")
        self.assertIsNone(next(scripts, None))
        self.assertIn("there is no session", self.ctl("get", session).stderr)
        self.gateway.stop()

    def ctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "sessions", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment)

    def test_what_is_wrong_is_told_and_nothing_printed(self):
        for words, told in (
                (("create", "--ttl", "5s"), "ttl"),
                (("create", "--ttl", "soon"), "--ttl"),
                (("create", "--context", "no"), "--context"),
                (("get", "none"), "there is no session 'none'"),
                (("delete",), "takes one session's id"),
                (("grow",), "'grow'"), ((), "sessions takes create")):
            done = self.ctl(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(told, done.stderr)
        made = json.loads(self.ctl("create", "--output", "json").stdout)
        got = json.loads(self.ctl("get", made["id"], "--output",
                                  "json").stdout)
        self.assertEqual(got, made)
        stranger = subprocess.run(
            [_GATEWAYCTL, "sessions", "get", made["id"]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**self.environment, "GATEWAY_KEY": "another"})
        self.assertEqual(stranger.returncode, 1)
        self.assertIn("the API key is not known", stranger.stderr)


if __name__ == "__main__":
    unittest.main()
