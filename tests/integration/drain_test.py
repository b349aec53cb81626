"""F-22 and F-23: how a gateway ends."""

import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
# Long enough to begin a drain in the middle of it.
_PACED = {"chunks": 100, "chunk_bytes": 16, "chunk_delay_ms": 60}
_SERVING = "0801"
_NOT_SERVING = "0802"


class _DrainCase(unittest.TestCase):

    grace = "30s"

    def setUp(self):
        self.upstream = self.enter(MockUpstream())
        self.caller = self.enter(grpc_caller.GrpcCaller())
        self.gateway = GatewayProcess(
            gateway_case.CONFIG.format(upstream=self.upstream.address) +
            "runtime: {drain_grace: %s}\n" % self.grace,
            env=gateway_case.ENV)
        self.addCleanup(self.gateway.kill)

    def enter(self, context):
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def http_stream(self, model, script):
        """A stream at the HTTP API that has begun."""
        self.upstream.set_script(model, script)
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(chat(model, stream=True)))
        self.assertEqual(connection.read_head()[0], 200)
        connection.read_chunk()
        return connection

    def grpc_stream(self, model, script):
        self.upstream.set_script(model, script)
        call = self.caller.stream(self.gateway.grpc,
                                  grpc_caller.prompt(model))
        while "delta" not in call.next_event():
            pass
        return call

    def watch_health(self):
        """A watcher of the service's health, over a connection of its own."""
        name = b"llmgateway.v1.GatewayService"
        call = self.caller.start(
            self.gateway.grpc, "/grpc.health.v1.Health/Watch", stream=True,
            raw=(b"\x0a" + bytes([len(name)]) + name).hex(),
            channel="health")
        self.assertEqual(call.next_event(), _SERVING)
        return call

    def probe(self, path):
        return http_calls.ask(self.gateway.operations, path=path)

    def drain(self):
        """Asks for the end; returns once the drain has begun."""
        self.gateway.send_signal(signal.SIGTERM)
        self.gateway.wait_for_log(msg="draining")


class GracefulTest(_DrainCase):

    def test_open_streams_finish_while_nobody_is_let_in(self):
        self.assertEqual(self.probe("/readyz").status, 200)
        idle = self.enter(RawConnection(self.gateway.http))
        idle.send(request_bytes(b"", path="/v1/models", method="GET"))
        self.assertEqual(idle.read_answer().status, 200)
        over_http = self.http_stream("gpt-h", _PACED)
        over_grpc = self.grpc_stream("gpt-g", _PACED)
        watcher = self.watch_health()
        self.drain()

        self.assertEqual(idle.receive(), b"")  # Closed.
        ready = self.probe("/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn(b"shutting down", ready.body)
        self.assertEqual(self.probe("/livez").status, 200)
        self.assertEqual(self.probe("/metrics").status, 200)
        self.assertEqual(watcher.next_event(), _NOT_SERVING)
        for address in (self.gateway.grpc, self.gateway.http):
            # Reset, if it came just as the listener went.
            with self.assertRaises((ConnectionRefusedError,
                                    ConnectionResetError)):
                http_calls.ask(address, chat("gpt-new"))

        body = over_http.read_chunks()
        self.assertTrue(body.endswith(b"data: [DONE]\n\n"), body[-300:])
        self.assertEqual(over_grpc.wait()["code"], "OK")
        self.assertEqual(self.gateway.wait(), 0)
        for model in ("gpt-h", "gpt-g"):
            line = self.gateway.access_lines(model=model)
            self.assertEqual([one["status"] for one in line], ["OK"])
        self.assertEqual(self.upstream.stat("gpt-new", "requests"), 0)

    def test_calls_under_way_finish(self):
        # Ample for the drain to begin; the caller takes its time to start.
        self.upstream.set_script("gpt-u", {
            "text": "there", "first_byte_delay_ms": 5000})
        call = self.caller.start_generate(self.gateway.grpc,
                                          grpc_caller.prompt("gpt-u"))
        self.upstream.wait_for("started", "gpt-u")
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(chat("gpt-u")))
        self.upstream.wait_for("started", "gpt-u", count=2)
        self.drain()
        answer = connection.read_answer()
        self.assertEqual((answer.status, answer.text()), (200, "there"))
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(call.wait()["code"], "OK")
        self.assertEqual(self.gateway.wait(), 0)

    def test_an_idle_gateway_ends_at_once_and_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with GatewayProcess(
                    gateway_case.CONFIG.format(upstream="127.0.0.1:1"),
                    env=gateway_case.ENV, timeout_s=20) as gateway:
                gateway.send_signal(number)
                self.assertEqual(gateway.wait(), 0)
                gateway.wait_for_log(msg="stopped")


class ImpatientTest(_DrainCase):

    grace = "300ms"

    def test_what_outlasts_the_grace_is_told_why_it_ends(self):
        over_http = self.http_stream("gpt-h", _ENDLESS)
        translated = self.http_stream("claude-h", _ENDLESS)
        over_grpc = self.grpc_stream("gpt-g", _ENDLESS)
        self.drain()
        for connection in (over_http, translated):
            errors = http_calls.stream_errors(connection.read_chunks())
            self.assertEqual(len(errors), 1)
            self.assertIn("shutting down", errors[0]["message"])
        end = over_grpc.wait()
        self.assertEqual((end["code"], end["reason"]),
                         ("UNAVAILABLE", "DRAINING"))
        last = over_grpc.events[-1]["end"]
        self.assertEqual((last["outcome"], last["error"]["reason"]),
                         ("OUTCOME_ERROR", "ERROR_REASON_DRAINING"))
        self.assertGreater(int(last["usage"]["output_tokens"]), 0)
        self.assertEqual(self.gateway.wait(), 0)
        for model in ("gpt-h", "claude-h", "gpt-g"):
            self.upstream.wait_for("cancelled", model)
            lines = self.gateway.access_lines(model=model)
            self.assertEqual([one["error_reason"] for one in lines],
                             ["DRAINING"])

    def test_calls_without_an_answer_are_told_too(self):
        self.upstream.set_script("gpt-s", {"stall_before_first_byte": True})
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(chat("gpt-s")))
        call = self.caller.start_generate(self.gateway.grpc,
                                          grpc_caller.prompt("gpt-s"))
        self.upstream.wait_for("started", "gpt-s", count=2)
        self.drain()
        answer = connection.read_answer()
        self.assertEqual(answer.status, 503)
        self.assertIn("shutting down", answer.error()["message"])
        self.assertEqual(call.wait()["reason"], "DRAINING")
        self.assertEqual(self.gateway.wait(), 0)

    def test_a_client_that_reads_nothing_does_not_hold_the_end_up(self):
        self.upstream.set_script("gpt-flood", {"chunks": 4096,
                                               "chunk_bytes": 16384})
        connection = self.enter(RawConnection(self.gateway.http,
                                              receive_buffer_bytes=4096))
        connection.send(request_bytes(chat("gpt-flood", stream=True)))
        self.upstream.wait_for("chunks", "gpt-flood", count=100)
        self.drain()
        self.assertEqual(self.gateway.wait(), 0)


class StuckTest(unittest.TestCase):

    def test_a_log_that_takes_nothing_does_not_hold_the_end_up(self):
        # A drain waits for much; whatever it is that never comes, the process
        # ends soon after its grace.
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            os.mkfifo(path)
            pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            self.addCleanup(os.close, pipe)
            config = os.path.join(folder, "gateway.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(gateway_process.LISTENERS +
                           "providers: [{name: mock, mock: {}}]\n"
                           "runtime: {drain_grace: 100ms}\n"
                           "logging: {file: %s}\n" % path)
            process = subprocess.Popen(
                [gateway_process.BINARY, "--config", config],
                env=gateway_process.environment(), stdout=subprocess.DEVNULL)
            self.addCleanup(process.kill)
            said = b""
            while b'"ready"' not in said:
                self.assertEqual(select.select([pipe], [], [], 30)[0], [pipe])
                said += os.read(pipe, 4096)
            try:
                while True:
                    os.write(pipe, b"x" * 4096)
            except BlockingIOError:
                pass  # Full: its next line is lost, and waits for nobody.
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=30), 0)


    def test_readers_who_take_nothing_do_not_make_it_a_failure(self):
        # Both outputs are pipes that are full: all that is to be kept is kept.
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "gateway.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(gateway_process.LISTENERS +
                           "providers: [{name: mock, mock: {}}]\n"
                           "routing: {default_target: mock}\n"
                           "runtime: {drain_grace: 100ms, state_dir: state}\n"
                           "ledger: {}\n"
                           "logging: {level: debug}\n")
            ends = [os.pipe() for _ in range(2)]
            for reader, writer in ends:
                self.addCleanup(os.close, reader)
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            process = subprocess.Popen(
                [gateway_process.BINARY, "--config", config],
                env=gateway_process.environment(), stdout=ends[0][1],
                stderr=ends[1][1])
            self.addCleanup(process.kill)
            for _, writer in ends:
                os.close(writer)
            said = b""
            while b'"ready"' not in said or not said.endswith(b"\n"):
                piece = os.read(ends[1][0], 4096)
                self.assertTrue(piece, said)
                said += piece
            ready = json.loads(next(line for line in said.splitlines()
                                    if b'"ready"' in line))
            for _ in range(40):
                answer = http_calls.ask(ready["http"], chat("m"))
                self.assertEqual(answer.status, 200, answer.body)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=30), 0)
            entries = ledger_case.read_ledger(
                os.path.join(folder, "state", "ledger.db"))
            self.assertEqual(
                len(ledger_case.of_type(entries, "EXCHANGE")), 40)


class SignalTest(_DrainCase):

    def test_a_second_signal_ends_it_at_once(self):
        self.http_stream("gpt-h", _ENDLESS)
        self.drain()
        self.gateway.send_signal(signal.SIGTERM)
        self.assertEqual(self.gateway.wait(), 1)
        self.gateway.wait_for_log(level="warn")

    def test_writing_to_who_has_gone_is_survived(self):
        # SIGPIPE would end the process.
        stream = self.http_stream("gpt-h", _ENDLESS)
        stream.reset()
        self.upstream.wait_for("cancelled", "gpt-h")
        self.gateway.send_signal(signal.SIGPIPE)
        answer = http_calls.ask(self.gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 200)
        self.gateway.stop()


class StartTest(unittest.TestCase):

    def test_a_signal_at_the_start_ends_it_well(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(gateway_process.LISTENERS +
                       "providers: [{name: mock, mock: {}}]\n")
            file.flush()
            process = subprocess.Popen(
                [gateway_process.BINARY, "--config", file.name],
                env=gateway_process.environment(), stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
            self.addCleanup(process.stderr.close)
            process.send_signal(signal.SIGTERM)
            # By the signal itself if it came before there was anything to
            # drain.
            self.assertIn(process.wait(timeout=30), (0, -signal.SIGTERM))


if __name__ == "__main__":
    unittest.main()
