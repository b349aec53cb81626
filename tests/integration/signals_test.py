"""What signals do to a gateway: two end it, two reopen its logs, none kills."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_MOCK = """\
providers: [{name: mock, mock: {reply: "still here"}}]
routing: {default_target: mock}
"""
# What the system does to a process that does not take them is to end it.
_STRAY = ("SIGUSR2", "SIGQUIT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPOLL",
          "SIGSTKFLT", "SIGPWR", "SIGXCPU", "SIGXFSZ", "SIGPIPE")


class StraySignalsTest(unittest.TestCase):

    def setUp(self):
        self.gateway = GatewayProcess(_MOCK)
        self.addCleanup(self.gateway.kill)

    def assert_serves(self):
        answer = http_calls.ask(self.gateway.http, chat("m"))
        self.assertEqual((answer.status, answer.text()), (200, "still here"))

    def test_each_is_a_line_in_the_log_and_ends_nothing(self):
        for name in _STRAY:
            with self.subTest(signal=name):
                number = getattr(signal, name)
                self.gateway.send_signal(number)
                if name != "SIGPIPE":
                    line = self.gateway.wait_for_log(
                        msg="a signal is ignored", number=int(number))
                    self.assertEqual((line["level"], line["module"]),
                                     ("warn", "main"))
                self.assert_serves()
        self.gateway.stop()

    def test_real_time_signals_too(self):
        self.gateway.send_signal(signal.SIGRTMIN)
        self.gateway.send_signal(signal.SIGRTMAX)
        self.gateway.wait_for_log(msg="a signal is ignored",
                                  number=int(signal.SIGRTMAX))
        self.assert_serves()
        self.gateway.stop()

    def test_without_a_log_file_there_is_nothing_to_reopen(self):
        self.gateway.send_signal(signal.SIGHUP)
        line = self.gateway.wait_for_log(msg="log files reopened")
        self.assertEqual(line["signal"], "HUP")
        self.assert_serves()
        self.gateway.stop()


class RotationTest(unittest.TestCase):
    """The log is a pipe, so that its lines can be awaited."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rotation")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "gateway.log")

    def read_pipe(self):
        """Makes the log's path a pipe; returns what awaits a message in it."""
        os.mkfifo(self.path)
        # Both ends, so that neither side waits for the other to open it.
        pipe = os.fdopen(os.open(self.path, os.O_RDWR), "r")
        self.addCleanup(pipe.close)

        def await_message(wanted):
            for line in pipe:
                if json.loads(line)["msg"] == wanted:
                    return json.loads(line)
            raise AssertionError("the pipe ended before %r" % wanted)
        return await_message

    def start(self):
        await_message = self.read_pipe()
        gateway = GatewayProcess(
            _MOCK + "logging: {file: %s}\n" % self.path,
            await_ready=lambda: await_message("ready"))
        self.addCleanup(gateway.kill)
        return gateway

    def test_hup_and_usr1_go_on_with_the_file_that_has_the_name_now(self):
        gateway = self.start()
        for number in (signal.SIGHUP, signal.SIGUSR1):
            os.rename(self.path, "%s.%d" % (self.path, number))
            await_message = self.read_pipe()
            gateway.send_signal(number)
            line = await_message("log files reopened")
            self.assertEqual(line["signal"], signal.Signals(number).name[3:])
        answer = http_calls.ask(gateway.http, chat("m"))
        self.assertEqual(answer.text(), "still here")
        gateway.send_signal(signal.SIGTERM)
        await_message("stopped")
        self.assertEqual(gateway.wait(), 0)

    def test_a_file_that_cannot_be_opened_leaves_the_old_one_in_use(self):
        gateway = self.start()
        os.rename(self.path, self.path + ".1")
        old = os.fdopen(os.open(self.path + ".1", os.O_RDWR), "r")
        self.addCleanup(old.close)
        os.mkdir(self.path)
        gateway.send_signal(signal.SIGHUP)
        for text in old:
            line = json.loads(text)
            if line["msg"].startswith("log files not reopened"):
                break
        self.assertEqual(line["level"], "error")
        self.assertIn(self.path, line["error"])
        answer = http_calls.ask(gateway.http, chat("m"))
        self.assertEqual(answer.text(), "still here")
        gateway.stop()

    def test_a_pipe_that_nobody_reads_holds_up_neither_start_nor_end(self):
        os.mkfifo(self.path)
        config = self.path + ".yaml"
        with open(config, "w", encoding="utf-8") as file:
            file.write(gateway_process.LISTENERS + _MOCK +
                       "logging: {file: %s}\n" % self.path)
        command = [gateway_process.BINARY, "--config", config]
        subprocess.run([*command, "--check_config"], check=True, timeout=30,
                       env=gateway_process.environment(),
                       stdout=subprocess.DEVNULL)
        gateway = subprocess.Popen([*command, "--first_calls"],
                                   env=gateway_process.environment(),
                                   stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(30, gateway.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        with gateway:
            self.assertTrue(any("is ready" in line
                                for line in gateway.stderr))
            with open(self.path, encoding="utf-8") as late_reader:
                gateway.terminate()
                messages = [json.loads(line)["msg"] for line in late_reader]
        self.assertEqual(gateway.returncode, 0)
        self.assertIn("ready", messages)
        self.assertEqual(messages[-1], "stopped")

    def test_nor_does_one_that_has_the_name_at_a_rotation(self):
        gateway = self.start()
        os.rename(self.path, self.path + ".1")
        os.mkfifo(self.path)
        gateway.send_signal(signal.SIGHUP)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
