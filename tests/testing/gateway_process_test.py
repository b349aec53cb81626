"""GatewayProcess against programs that behave as a gateway might."""

import os
import signal
import sys
import tempfile
import unittest

from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayError, GatewayProcess

_READY = """\
import json, os, signal, sys, time
def say(**fields):
    # Unbuffered, since handlers of signals speak too.
    os.write(2, (json.dumps(fields) + "\\n").encode())
def end(code):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
def ready():
    say(msg="ready", grpc="127.0.0.1:1", http="127.0.0.1:2",
        admin="127.0.0.1:3", operations="127.0.0.1:4")
end(0)
"""
_WAIT = "\nwhile True: signal.pause()\n"


class GatewayProcessTest(unittest.TestCase):

    def start(self, script, config="providers: []", **options):
        """A gateway played by a script, which gets the gateway's flags."""
        return GatewayProcess(
            config, binary=[sys.executable, "-c", _READY + script], **options)

    def test_reads_the_addresses(self):
        with self.start("say(msg='starting')\nready()" + _WAIT) as gateway:
            self.assertEqual(
                (gateway.grpc, gateway.http, gateway.admin,
                 gateway.operations),
                ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"))

    def test_passes_the_configuration_and_flags(self):
        script = ("say(msg='got', flags=sys.argv[3:],"
                  " config=open(sys.argv[2]).read())\nready()" + _WAIT)
        with self.start(script, flags=["--first_calls"]) as gateway:
            got = gateway.wait_for_log(msg="got")
        self.assertEqual(got["flags"], ["--first_calls"])
        self.assertEqual(got["config"],
                         gateway_process.LISTENERS + "providers: []")

    def test_keeps_listeners_that_are_given(self):
        script = ("say(msg='got', config=open(sys.argv[2]).read())\nready()" +
                  _WAIT)
        with self.start(script, config="listeners: {}") as gateway:
            got = gateway.wait_for_log(msg="got")
        self.assertEqual(got["config"], "listeners: {}")

    def test_shows_the_child_only_the_environment_that_it_names(self):
        os.environ["OPENAI_API_KEY"] = "not-for-the-child"
        self.addCleanup(os.environ.pop, "OPENAI_API_KEY")
        script = ("say(msg='got', key=os.environ.get('OPENAI_API_KEY'),"
                  " other=os.environ.get('OTHER'))\nready()" + _WAIT)
        with self.start(script, env={"OTHER": "1"}) as gateway:
            got = gateway.wait_for_log(msg="got")
        self.assertEqual((got["key"], got["other"]), (None, "1"))

    def test_tells_what_was_said_before_an_early_end(self):
        with self.assertRaisesRegex(GatewayError, "ended before.*\n.*line 3"):
            self.start("print('gateway.yaml: line 3', file=sys.stderr)")

    def test_waits_no_longer_than_its_timeout(self):
        with self.assertRaisesRegex(GatewayError, "0.2 seconds passed"):
            self.start(_WAIT, timeout_s=0.2)

    def test_waits_for_a_line_that_comes_later(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            os.mkfifo(fifo)
            script = ("ready()\nopen(%r).read()\nsay(msg='call', n=2)" % fifo +
                      _WAIT)
            with self.start(script) as gateway:
                self.assertEqual(gateway.log_lines(msg="call"), [])
                with open(fifo, "w", encoding="utf-8"):
                    pass
                self.assertEqual(gateway.wait_for_log(msg="call")["n"], 2)
                self.assertEqual(gateway.log_lines(msg="call", n=3), [])

    def test_an_exit_code_other_than_0_is_an_error(self):
        with self.assertRaisesRegex(GatewayError, "exited with 3"):
            with self.start("end(3)\nready()" + _WAIT):
                pass

    def test_a_gateway_that_does_not_drain_is_killed_and_reported(self):
        script = ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready()" +
                  _WAIT)
        gateway = self.start(script, timeout_s=4.0)
        with self.assertRaisesRegex(GatewayError, "did not end within"):
            gateway.stop()
        with self.assertRaises(ProcessLookupError):
            os.kill(gateway.pid, 0)

    def test_a_failing_block_keeps_its_own_error(self):
        with self.assertRaisesRegex(ValueError, "mine"):
            with self.start("end(3)\nready()" + _WAIT):
                raise ValueError("mine")

    def test_signals_reach_it(self):
        script = ("signal.signal(signal.SIGUSR1,"
                  " lambda *_: say(msg='got it'))\nready()" + _WAIT)
        with self.start(script) as gateway:
            gateway.send_signal(signal.SIGUSR1)
            gateway.wait_for_log(msg="got it")

    def test_lines_that_are_no_json_are_kept_as_output(self):
        with self.start("print('plain', file=sys.stderr)\nready()" +
                        _WAIT) as gateway:
            self.assertIn("plain\n", gateway.wait_for_output("plain"))

    def test_reads_the_access_log_from_standard_output(self):
        script = ("ready()\nos.write(1, b'{\"request_id\": \"r-1\"}\\n')" +
                  _WAIT)
        with self.start(script) as gateway:
            self.assertEqual(gateway.wait_for_access(request_id="r-1"),
                             {"request_id": "r-1"})
            self.assertEqual(gateway.access_lines(request_id="r-2"), [])
            self.assertEqual(gateway.log_lines(request_id="r-1"), [])


if __name__ == "__main__":
    unittest.main()
