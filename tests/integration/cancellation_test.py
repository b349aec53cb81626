"""Whoever hangs up stops the provider, and whoever reads slowly slows it."""

import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes

# Goes on for as long as anybody looks.
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
_DRIPPING = {"text": "x" * 10000, "drip_ms": 5}
_SILENT = {"stall_before_first_byte": True}
_VENDORS = ("gpt-", "claude-")


class _CancelCase(gateway_case.GatewayCase):

    config = gateway_case.KEYLESS_CONFIG
    calls_grpc = True

    def play(self, model, script):
        self.rest_is_over()
        self.upstream.reset()
        self.upstream.set_script(model, script)

    def assert_cancelled(self, model, *statuses):
        """The mock saw its peer leave, and one line tells of the call."""
        self.upstream.wait_for("cancelled", model)
        self.assertEqual(self.upstream.stat(model, "served"), 0)
        self.assertEqual(self.upstream.stat(model, "requests"), 1)
        line = self.gateway.wait_for_access(model=model)
        self.assertIn(line["status"], statuses or ("CANCELLED",))
        self.assertEqual(len(self.gateway.access_lines(model=model)), 1)
        return line


class HttpHangUpTest(_CancelCase):
    """F-13 at the HTTP API."""

    # How a client can go.
    _LEAVES = {"rst": RawConnection.reset, "fin": RawConnection.close,
               "half": RawConnection.finish_sending}

    def each(self):
        for vendor in _VENDORS:
            for name, leave in self._LEAVES.items():
                yield vendor + name, leave

    def test_in_a_stream(self):
        for model, leave in self.each():
            with self.subTest(model=model):
                model = model + "-stream"
                self.play(model, _ENDLESS)
                connection = self.enter(RawConnection(self.gateway.http))
                connection.send(request_bytes(chat(model, stream=True)))
                self.assertEqual(connection.read_head()[0], 200)
                connection.read_chunk()
                leave(connection)
                self.assert_cancelled(model)

    def test_before_the_first_byte(self):
        for model, leave in self.each():
            for stream in (False, True):
                name = "%s-silent-%s" % (model, stream)
                with self.subTest(model=name):
                    self.play(name, _SILENT)
                    connection = self.enter(RawConnection(self.gateway.http))
                    connection.send(request_bytes(chat(name, stream=stream)))
                    self.upstream.wait_for("started", name)
                    leave(connection)
                    self.assert_cancelled(name)

    def test_in_the_middle_of_a_whole_answer(self):
        for model, leave in self.each():
            with self.subTest(model=model):
                model = model + "-drip"
                self.play(model, _DRIPPING)
                connection = self.enter(RawConnection(self.gateway.http))
                connection.send(request_bytes(chat(model)))
                self.upstream.wait_for("started", model)
                leave(connection)
                self.assert_cancelled(model)

    def test_while_much_is_written_to_it(self):
        """The write that fails tells of it first, and blames no provider."""
        script = {"chunks": 400, "chunk_bytes": 16000}
        for vendor in _VENDORS:
            for number in range(12):
                for stream in (False, True):
                    model = "%smuch-%d-%s" % (vendor, number, stream)
                    self.play(model, script)
                    connection = self.enter(RawConnection(
                        self.gateway.http, receive_buffer_bytes=65536))
                    connection.send(request_bytes(chat(model, stream=stream)))
                    connection.read_head()
                    connection.read_exactly(10000 * (1 + number))
                    leave = (connection.reset if number % 2
                             else connection.close)
                    leave()
                    with self.subTest(model=model):
                        line = self.gateway.wait_for_access(model=model)
                        self.assertEqual(
                            (line["status"], line["error_reason"]),
                            ("CANCELLED", "CANCELLED"), line)
        metrics = http_calls.ask(self.gateway.operations,
                                 path="/metrics").body.decode()
        self.assertEqual([line for line in metrics.splitlines()
                          if "PROVIDER_UNAVAILABLE" in line], [])

    def test_between_attempts(self):
        # The wait before another attempt ends, and there is none.
        self.play("gpt-between", {"status": 429, "retry_after": "50"})
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(chat("gpt-between")))
        self.upstream.wait_for("served", "gpt-between")
        connection.close()
        line = self.gateway.wait_for_access(model="gpt-between")
        self.assertEqual((line["status"], line["attempt_count"]), ("CANCELLED", 1))


class GrpcHangUpTest(_CancelCase):
    """F-13 and deadlines by gRPC."""

    def test_a_cancelled_stream(self):
        for vendor in _VENDORS:
            model = vendor + "stream"
            self.play(model, _ENDLESS)
            call = self.caller.stream(self.gateway.grpc,
                                      grpc_caller.prompt(model))
            while "delta" not in call.next_event():
                pass
            call.cancel()
            self.assertEqual(call.wait()["code"], "CANCELLED")
            self.assert_cancelled(model)

    def test_a_cancelled_call_before_the_first_byte(self):
        for vendor in _VENDORS:
            for stream in (False, True):
                model = "%ssilent-%s" % (vendor, stream)
                self.play(model, _SILENT)
                start = (self.caller.stream if stream
                         else self.caller.start_generate)
                call = start(self.gateway.grpc, grpc_caller.prompt(model))
                self.upstream.wait_for("started", model)
                call.cancel()
                self.assertEqual(call.wait()["code"], "CANCELLED")
                self.assert_cancelled(model)

    def test_a_client_that_dies(self):
        dying = grpc_caller.GrpcCaller()
        self.addCleanup(dying.close)
        self.play("gpt-dies", _ENDLESS)
        call = dying.stream(self.gateway.grpc, grpc_caller.prompt("gpt-dies"))
        while "delta" not in call.next_event():
            pass
        dying.close()
        self.assert_cancelled("gpt-dies")

    def assert_deadline_is_kept(self, script, stream):
        # On a busy machine the client's clock can be so far ahead that it hangs
        # up first: that says nothing of the deadline, and it is asked again.
        for attempt in range(5):
            model = "gpt-due-%s-%s-%d" % (stream, min(script), attempt)
            self.play(model, script)
            start = (self.caller.stream if stream
                     else self.caller.start_generate)
            call = start(self.gateway.grpc, grpc_caller.prompt(model),
                         timeout_s=1)
            self.assertEqual(call.wait()["code"], "DEADLINE_EXCEEDED")
            line = self.assert_cancelled(model, "DEADLINE_EXCEEDED",
                                         "CANCELLED")
            if line["status"] == "DEADLINE_EXCEEDED":
                return
        self.fail("the client hung up first each time")

    def test_a_deadline_reaches_the_provider(self):
        for script in (_ENDLESS, _DRIPPING, _SILENT):
            for stream in (False, True):
                if script is _ENDLESS and not stream:
                    continue  # Whole, it would end soon.
                self.assert_deadline_is_kept(script, stream)

    def test_a_wait_that_a_deadline_would_cut_off_is_not_begun(self):
        self.play("gpt-wait", {"status": 429, "retry_after": "50"})
        call = self.caller.start_generate(
            self.gateway.grpc, grpc_caller.prompt("gpt-wait"), timeout_s=20)
        self.assertEqual(call.wait()["code"], "RESOURCE_EXHAUSTED")
        line = self.gateway.wait_for_access(model="gpt-wait")
        self.assertEqual((line["status"], line["attempt_count"]),
                         ("RESOURCE_EXHAUSTED", 1))

    def test_a_deadline_that_has_passed_is_exceeded(self):
        self.play("gpt-late", _SILENT)
        for timeout_s in (0, 1e-9):
            # A connection of its own: gRPC's client may reset a stream that it
            # has not opened yet, for which the connection ends (RFC 9113, 5.1).
            with grpc_caller.GrpcCaller() as caller:
                call = caller.start_generate(
                    self.gateway.grpc, grpc_caller.prompt("gpt-late"),
                    timeout_s=timeout_s)
                self.assertEqual(call.wait()["code"], "DEADLINE_EXCEEDED")
            self.upstream.wait_for("open", count=1)

    def test_the_longest_deadline_is_none(self):
        self.play("gpt-long", {})
        call = self.caller.start_generate(
            self.gateway.grpc, grpc_caller.prompt("gpt-long"),
            timeout_s=1e9)
        self.assertEqual(call.wait()["code"], "OK")


class CallTimeoutTest(_CancelCase):

    config = gateway_case.KEYLESS_CONFIG.replace(
        "resilience:\n", "resilience:\n  call_timeout: 500ms\n")

    def test_a_stream_that_it_ends_has_an_end(self):
        self.play("gpt-due", _ENDLESS)
        call = self.caller.stream(self.gateway.grpc,
                                  grpc_caller.prompt("gpt-due"))
        self.assertEqual(call.wait()["code"], "DEADLINE_EXCEEDED")
        end = call.events[-1]["end"]
        self.assertEqual((end["outcome"], end["error"]["reason"]),
                         ("OUTCOME_CANCELLED",
                          "ERROR_REASON_DEADLINE_EXCEEDED"))
        self.assertEqual(end["route"]["provider"], "openai")
        self.assertGreater(int(end["usage"]["output_tokens"]), 0)
        self.assert_cancelled("gpt-due", "DEADLINE_EXCEEDED")

    def test_official_clients_are_told_not_to_send_the_prompt_again(self):
        self.play("gpt-whole", _SILENT)
        answer = http_calls.ask(self.gateway.http, chat("gpt-whole"))
        self.assertEqual((answer.status, answer.headers["x-should-retry"]),
                         (504, "false"))


    def test_it_ends_calls_whose_callers_do_not_read(self):
        flood = {"chunks": 4000, "chunk_bytes": 16384}
        for model, stream in (("gpt-stuck", True), ("gpt-stuck-whole", False),
                              ("claude-stuck", True)):
            with self.subTest(model=model):
                self.upstream.set_script(
                    model, flood if stream else {**flood, "chunks": 1000})
                connection = self.enter(RawConnection(
                    self.gateway.http, receive_buffer_bytes=4096))
                connection.send(request_bytes(chat(model, stream=stream)))
                connection.read_head()
                line = self.gateway.wait_for_access(model=model)
                self.assertEqual(line["status"], "DEADLINE_EXCEEDED")
                self.assertLess(line["duration_us"], 10_000_000)


class SlowReaderTest(_CancelCase):
    """Back-pressure from the caller's socket to the provider's."""

    _CHUNKS = 2048
    _FLOOD = {"chunks": _CHUNKS, "chunk_bytes": 16384}
    # Of that, all that may lie in sockets and buffers on the way.
    _HELD_BYTES_MAX = 20 * 1024 * 1024

    def await_standstill(self, model):
        """How much the mock has written once it stops growing."""
        self.upstream.wait_for("chunks", model, count=100)
        deadline = time.monotonic() + 20
        last = -1
        while time.monotonic() < deadline:
            try:
                # Nothing more happens for a while: that is what is awaited.
                self.upstream.wait_for(
                    "chunks", model, timeout_s=0.5,
                    count=self.upstream.stat(model, "chunks") + 1)
            except TimeoutError:
                written = self.upstream.stat(model, "bytes_written")
                if written == last:
                    return written
                last = written
        self.fail("the mock never came to a standstill")

    def assert_held_back(self, model):
        written = self.await_standstill(model)
        self.assertGreater(written, 0)
        self.assertLess(written, self._HELD_BYTES_MAX)
        self.assertEqual(self.upstream.stat(model, "served"), 0)

    def test_over_http(self):
        for vendor in _VENDORS:
            with self.subTest(vendor=vendor):
                model = vendor + "flood"
                self.play(model, self._FLOOD)
                connection = self.enter(RawConnection(
                    self.gateway.http, receive_buffer_bytes=256 * 1024))
                connection.send(request_bytes(chat(model, stream=True)))
                self.assertEqual(connection.read_head()[0], 200)
                self.assert_held_back(model)
                body = connection.read_chunks()
                self.assertEqual(len(http_calls.stream_text(body)),
                                 self._CHUNKS * 16384)
                self.assertTrue(body.endswith(b"data: [DONE]\n\n"))
                line = self.gateway.wait_for_access(model=model)
                self.assertEqual((line["status"], line["output_tokens"]),
                                 ("OK", self._CHUNKS))

    def test_over_grpc(self):
        self.play("gpt-flood", self._FLOOD)
        call = self.caller.stream(self.gateway.grpc,
                                  grpc_caller.prompt("gpt-flood"), reads=2)
        call.next_event()
        call.next_event()
        self.assert_held_back("gpt-flood")
        call.resume(10 * self._CHUNKS)
        self.assertEqual(call.wait()["code"], "OK")
        self.assertEqual(len(call.text()), self._CHUNKS * 16384)

    def test_others_are_not_held_up(self):
        self.play("gpt-slow", self._FLOOD)
        slow = [self.enter(RawConnection(self.gateway.http,
                                         receive_buffer_bytes=8192))
                for _ in range(8)]
        for connection in slow:
            connection.send(request_bytes(chat("gpt-slow", stream=True)))
            self.assertEqual(connection.read_head()[0], 200)
        self.await_standstill("gpt-slow")
        for _ in range(20):
            answer = http_calls.ask(self.gateway.http, chat("gpt-quick"))
            self.assertEqual(answer.status, 200)


if __name__ == "__main__":
    unittest.main()
