"""gatewayctl top, on a terminal and in a pipe."""

import os
import signal
import termios
import unittest

from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.clients.cli.gatewayctl_case import TIMEOUT_S

_CONFIG = """\
providers:
  - {name: mock, mock: {}}
  - {name: silent, mock: {fault: hang, fault_after_chunks: 1}}
routing: {default_target: {provider: mock, model: m}}
"""
_LOCAL_MODES = 3
_HEADING = "ID  CALLER"


class GatewayctlTopTest(GatewayctlCase):

    def setUp(self):
        super().setUp()
        self.gateway = self.start_gateway(config=_CONFIG)

    def watching(self):
        terminal = self.on_terminal("top")
        terminal.read_until(_HEADING)
        return terminal

    def assert_quiet(self, terminal):
        self.assertFalse(terminal.modes()[_LOCAL_MODES] & termios.ECHO)

    def assert_as_before(self, terminal):
        self.assertEqual(terminal.modes(), terminal.modes_before)

    def test_q_ends_it(self):
        for key in ("q", "Q", "\x04"):
            terminal = self.watching()
            self.assert_quiet(terminal)
            terminal.type("x" + key)
            self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)
            self.assert_as_before(terminal)

    def test_signals_end_it_and_leave_the_terminal_as_it_was(self):
        terminal = self.watching()
        terminal.type("\x03")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), -signal.SIGINT)
        self.assert_as_before(terminal)
        for number in (signal.SIGTERM, signal.SIGHUP):
            terminal = self.watching()
            terminal.process.send_signal(number)
            self.assertEqual(terminal.process.wait(TIMEOUT_S), -number)
            self.assert_as_before(terminal)

    def test_the_terminal_is_as_it_was_while_it_is_stopped(self):
        terminal = self.watching()
        terminal.type("\x1a")
        _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status), status)
        self.assert_as_before(terminal)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.text = ""
        terminal.read_until(_HEADING)
        terminal.type("q")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)
        self.assert_as_before(terminal)

    def test_no_line_is_longer_than_the_terminal(self):
        terminal = self.watching()
        terminal.resize(10, 20)
        asked = self.begin("chat", "Hi", "--provider", "silent", "--model",
                           "m-of-a-name-that-is-long")
        self.assertEqual(asked.stdout.read(4), "This")
        terminal.read_until("1 under way")
        drawn = terminal.read_until("1 under way")
        # Of the screen that was drawn whole.
        lines = drawn.partition("\x1b[H\x1b[J")[0].splitlines()
        self.assertLessEqual(max(len(line) for line in lines), 20, lines)

    def test_a_gateway_that_goes_is_told(self):
        terminal = self.watching()
        self.gateway.stop()
        # By its stream, or by who connects, if that had not begun.
        terminal.read_until("gatewayctl: ")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 1)
        self.assert_as_before(terminal)


if __name__ == "__main__":
    unittest.main()
