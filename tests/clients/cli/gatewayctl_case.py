"""What the tests of gatewayctl share: a home of its own, and gatewayctl as
people run it, beside a gateway as people run that."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time
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


class Terminal:
    """A program on a terminal of its own, which Ctrl-C works on."""

    def __init__(self, command, env):
        self._ours, theirs = pty.openpty()
        self.text = ""
        self.modes_before = self.modes()
        self.process = subprocess.Popen(
            command, env=env, stdin=theirs, stdout=theirs,
            stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, text):
        os.write(self._ours, text.encode())

    def modes(self):
        """What it does with what is typed, such as to show it."""
        return termios.tcgetattr(self._ours)

    def resize(self, lines, columns):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))

    def read_until(self, text):
        """What came up to and with the text."""
        end = time.monotonic() + TIMEOUT_S
        while text not in self.text:
            ready, _, _ = select.select(
                [self._ours], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError("no %r in %r" % (text, self.text))
            try:
                self.text += os.read(self._ours, 65536).decode()
            except OSError as closed:  # By the last program that had it.
                raise AssertionError(
                    "no %r in %r" % (text, self.text)) from closed
        before, _, self.text = self.text.partition(text)
        return before + text


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
            errors="surrogateescape", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def run_ctl(self, *words, env=None, stdin=""):
        process = self.begin(*words, env=env)
        out, err = process.communicate(stdin, timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(
            words, process.returncode, out, err)

    def on_terminal(self, *words):
        terminal = Terminal([GATEWAYCTL, *words],
                            self.environment({"TERM": "xterm"}))
        self.addCleanup(terminal.close)
        return terminal

    def start_gateway(self, *flags, config=CONFIG, env=None):
        gateway = GatewayProcess(
            config, env=env, flags=flags or ("--pid_file", self.pid_file))
        self.addCleanup(gateway.kill)
        return gateway

    def assert_refused(self, done, *why):
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        for text in why:
            self.assertIn(text, done.stderr)
