"""What the tests of gatewayctl share: a home of its own, and gatewayctl as
people run it, beside a gateway as people run that."""

import os
import subprocess
import tempfile
import unittest

from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
CONFIG = """\
providers:
  - {name: mock, mock: {}}
routing: {default_target: mock}
"""
TIMEOUT_S = 60


class GatewayctlCase(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatewayctl")
        self.addCleanup(folder.cleanup)
        self.home = folder.name
        self.pid_file = os.path.join(self.home, ".llm-gateway", "gateway.pid")

    def environment(self, env=None):
        return gateway_process.environment({"HOME": self.home, **(env or {})})

    def begin(self, *words, env=None):
        process = subprocess.Popen(
            [GATEWAYCTL, *words], env=self.environment(env), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def run_ctl(self, *words, env=None, stdin=""):
        process = self.begin(*words, env=env)
        out, err = process.communicate(stdin, timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(
            words, process.returncode, out, err)

    def start_gateway(self, *flags, config=CONFIG):
        gateway = GatewayProcess(
            config, flags=flags or ("--pid_file", self.pid_file))
        self.addCleanup(gateway.kill)
        return gateway

    def assert_refused(self, done, *why):
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        for text in why:
            self.assertIn(text, done.stderr)
