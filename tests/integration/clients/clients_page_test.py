"""The programs of docs/clients.md, as they stand there."""

import os
import subprocess
import tempfile
import unittest

from tests.integration import certificates
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import LISTENERS

_HERE = "tests/integration/clients/"
_REPLY = "This is the mock provider speaking."
_CONFIG = """\
providers: [{name: mock, mock: {}}]
routing:
  model_rules: [{prefix: "mock-", targets: [mock]}]
"""
_KEY = "sk-0123456789abcdef"
_COMMANDS = {
    "cpp": [_HERE + "cpp_page"],
    "go": [_HERE + "go_page/run"],
    "java": [_HERE + "java_page/run"],
    "node": [_HERE + "node_page/run"],
    # The one that Debian's packages are for.
    "python": ["/usr/bin/python3", _HERE + "page.py"],
}
_TIMEOUT_S = 50


class _Page:
    """One gateway, and the programs that call it."""

    environment = {}
    languages = tuple(_COMMANDS)

    def run_program(self, language, model, **environment):
        return subprocess.run(
            [*_COMMANDS[language], model],
            env={"PATH": os.environ["PATH"],
                 "PYTHONDONTWRITEBYTECODE": "1",
                 "PYTHONPATH": "clients/python/stubs",
                 **self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, text=True,
            timeout=_TIMEOUT_S)

    def assert_answered(self, done):
        self.assertEqual((done.returncode, done.stdout), (0, _REPLY + "\n"),
                         done.stderr)

    def assert_refused(self, done, reason):
        self.assertEqual((done.returncode, done.stdout.strip()), (1, ""),
                         done.stderr)
        self.assertIn(reason, done.stderr)

    def test_the_answer_is_printed(self):
        for language in self.languages:
            with self.subTest(language):
                self.assert_answered(self.run_program(language, "mock-model"))

    def test_a_failure_is_told_with_its_reason(self):
        for language in self.languages:
            with self.subTest(language):
                self.assert_refused(self.run_program(language, "unknown"),
                                    "MODEL_NOT_FOUND")


class PlaintextTest(_Page, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.gateway = GatewayProcess(_CONFIG)
        cls.addClassCleanup(cls.gateway.kill)
        cls.environment = {"GATEWAY": cls.gateway.grpc}


class TlsTest(_Page, unittest.TestCase):
    """TLS by an authority of our own, and a key."""

    # Debian's Netty cannot negotiate HTTP/2 under TLS, as the page says.
    languages = tuple(name for name in _COMMANDS if name != "java")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="clients")
        cls.addClassCleanup(folder.cleanup)
        authority = certificates.Authority(folder.name, "ours")
        leaf = authority.issue("localhost", "DNS:localhost")
        config = LISTENERS.replace(
            'grpc: {address: "127.0.0.1:0"',
            'grpc: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
            'private_key: "file:%s"}' % (leaf.cert, leaf.key)) + _CONFIG
        cls.gateway = GatewayProcess(
            config + 'auth: {callers: {api_keys: [{id: a, key: "env:KEY"}]}}\n',
            env={"KEY": _KEY})
        cls.addClassCleanup(cls.gateway.kill)
        cls.environment = {
            "GATEWAY": cls.gateway.grpc.replace("127.0.0.1", "localhost"),
            "GATEWAY_CA": authority.cert, "GATEWAY_KEY": _KEY}

    def test_a_wrong_key_is_told(self):
        for language in self.languages:
            with self.subTest(language):
                self.assert_refused(
                    self.run_program(language, "mock-model",
                                     GATEWAY_KEY="sk-of-somebody-else"),
                    "API_KEY_INVALID")


if __name__ == "__main__":
    unittest.main()
