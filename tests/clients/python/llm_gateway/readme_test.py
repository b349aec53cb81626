"""The programs of the Python client's README, as they stand there."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from tests.clients.python.llm_gateway import client_path
from tests.testing.gateway_process import GatewayProcess

_README = "clients/python/README.md"
_REPLY = "This is the mock provider speaking."
_CONFIG = """\
providers: [{name: mock, mock: {}}]
routing:
  model_rules: [{prefix: "mock-", targets: [mock]}]
auth: {callers: {api_keys: [{id: team, key: "env:KEY"}]}}
"""
_KEY = "key-of-a-team-0123456789"
_CTL = os.path.abspath("clients/cli/gatewayctl")


def programs():
    """Those that begin with the name of their file: {name: text}."""
    with open(_README, encoding="utf-8") as file:
        return {name: text for name, text in re.findall(
            r"```python\n# (\w+\.py)\n(.*?)```", file.read(), re.DOTALL)}


class ReadmeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = GatewayProcess(_CONFIG, env={"KEY": _KEY})
        cls.addClassCleanup(cls.gateway.kill)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="readme")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_program(self, name, *arguments, **environment):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(programs()[name])
        return subprocess.run(
            [sys.executable, path, *arguments], cwd=self.folder, env={
                "PATH": os.environ["PATH"], "GATEWAY": self.gateway.grpc,
                "GATEWAY_KEY": _KEY, "PYTHONPATH": client_path.CLIENT_PATH,
                **environment}, capture_output=True, text=True, check=False)

    def assert_printed(self, done, pattern):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, pattern)

    def test_there_are_no_others(self):
        self.assertEqual(set(programs()),
                         {"generate.py", "generate_async.py", "route.py"})

    def test_a_stream_is_printed(self):
        self.assert_printed(self.run_program("generate.py", "mock-model"),
                            r"^%s\n[0-9]+ tokens\n$" % re.escape(_REPLY))

    def test_a_failure_is_told(self):
        for model, key, reason in (("unknown", _KEY, "MODEL_NOT_FOUND"),
                                   ("mock-model", "wrong",
                                    "API_KEY_INVALID")):
            done = self.run_program("generate.py", model, GATEWAY_KEY=key)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith(reason + ": "),
                            done.stderr)

    def test_an_answer_is_awaited(self):
        self.assert_printed(
            self.run_program("generate_async.py", "mock-model"),
            "^%s\n$" % re.escape(_REPLY))

    def test_a_prompt_is_routed_in_the_program(self):
        self.assert_printed(
            self.run_program("route.py", GATEWAY="nowhere"),
            r"^SUCCESS Mock response 9850\n\(True, \[\]\)\n$")
        verified = subprocess.run(
            [_CTL, "ledger", "verify",
             os.path.join(self.folder, "ledger/governance.jsonl")],
            capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)


if __name__ == "__main__":
    unittest.main()
