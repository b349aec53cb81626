"""What docs/keys.md has an operator do, as it stands there, in one shell."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_PAGE = "docs/keys.md"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_OPERATOR = "key-of-an-operator-0123456789"
_PROVIDERS = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
"""
# What each block is followed by: the state of things that it says it makes.
_TELL = """
printf '\\n%s\\n' "== ${ID:-} ${SECRET:-} ${SECOND:-} ${THIRD:-}"
"""


class KeysPageTest(unittest.TestCase):

    def setUp(self):
        with open(_PAGE, encoding="utf-8") as file:
            blocks = _BLOCK.findall(file.read())
        self.config = [text for kind, text in blocks if kind == "yaml"][0]
        self.scripts = [text for kind, text in blocks if kind == "sh"]
        folder = tempfile.TemporaryDirectory(prefix="keys")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        config = self.config.replace(
            "state_dir: state", "state_dir: '%s/state'" % self.folder)
        self.assertNotEqual(config, self.config)
        self.gateway = GatewayProcess(
            _PROVIDERS + config, env={"OPERATOR_KEY": _OPERATOR})
        self.addCleanup(self.gateway.kill)
        self.shell = subprocess.Popen(
            ["sh", "-eu"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=self.folder, env=environment({
                "PATH": os.path.dirname(_GATEWAYCTL) + ":/usr/bin:/bin",
                "HOME": self.folder,
                "GATEWAY_ADMIN": self.gateway.admin,
                "GATEWAY_URL": "http://" + self.gateway.http,
                "GATEWAY_OPERATOR_KEY": _OPERATOR}))
        self.addCleanup(self.shell.communicate)
        self.addCleanup(self.shell.kill)

    def run_block(self, script):
        """What it prints, and the variables after it."""
        self.shell.stdin.write(script + _TELL)
        self.shell.stdin.flush()
        lines = []
        for line in self.shell.stdout:
            if line.startswith("== "):
                return "".join(lines), line.split()[1:]
            lines.append(line)
        raise AssertionError("ended with %r after %s" % (
            self.shell.wait(), script))

    def status(self, key):
        return ask(self.gateway.http, chat("gpt-5"),
                   headers={"authorization": "Bearer " + key}).status

    def test_every_block_does_what_the_page_says(self):
        blocks = iter(self.scripts)

        def step(begins):
            script = next(blocks)
            self.assertIn(begins, script)
            return self.run_block(script)

        made, _ = step('keys create --name "nightly build"')
        self.assertRegex(
            made, r"(?m)^secret +llmgw_[a-z2-7]{16}_[0-9A-Za-z]{49}$")
        for row in ("owner     build@example.org", "state     active",
                    "scopes    api:openai model:gpt-*", "labels    team=build",
                    "The secret is not shown again."):
            self.assertIn(row, made)
        _, (key_id, secret) = step("--request_id deploy-7")
        self.assertEqual(secret.split("_")[1], key_id)
        answered, _ = step("curl")
        self.assertEqual(
            json.loads(answered)["choices"][0]["message"]["content"], "hello")
        listed, _ = step("keys list\n")
        self.assertIn("build@example.org", listed)
        self.assertNotIn(secret[-20:], listed)
        updated, _ = step("keys update")
        self.assertIn("requests=600/60s/50", updated)
        self.assertIn("2030-01-01T00:00:00Z", updated)
        _, (_, _, second) = step("keys rotate")
        self.assertEqual([self.status(key) for key in (secret, second)],
                         [200, 200])
        step("--state disabled")
        self.assertEqual([self.status(key) for key in (secret, second)],
                         [401, 401])
        _, (_, _, _, third) = step("--grace 0s")
        self.assertEqual(
            [self.status(key) for key in (secret, second, third)],
            [401, 401, 200])
        revoked, _ = step("keys revoke")
        self.assertIn("state     revoked", revoked)
        self.assertEqual(self.status(third), 401)
        self.assertIsNone(next(blocks, None))
        self.gateway.stop()

    def test_what_is_wrong_is_told_and_nothing_printed(self):
        def run(*words):
            return subprocess.run(
                [_GATEWAYCTL, "keys", *words], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, env=environment({
                    "GATEWAY_ADMIN": self.gateway.admin,
                    "GATEWAY_OPERATOR_KEY": _OPERATOR}))

        for words, told in (
                (("create", "--scope", "api:telepathy"), "key.scopes[0]"),
                (("create", "--ttl", "soon"), "--ttl"),
                (("get", "none"), "no key has the id 'none'"),
                (("update", "none"), "say what is to be changed"),
                (("grow",), "'grow'"), ((), "keys takes create")):
            done = run(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(told, done.stderr)
        made = json.loads(run("create", "--output", "json").stdout)
        listed = json.loads(run("list", "--output", "json").stdout)
        self.assertEqual([key["id"] for key in listed["keys"]],
                         [made["key"]["id"]])
        got = json.loads(run("get", made["key"]["id"], "--output",
                             "json").stdout)
        self.assertEqual(got, listed["keys"][0])


if __name__ == "__main__":
    unittest.main()
