"""B-10, F-13: who is too slow loses the slot, and who leaves stops the
provider."""

import struct
import time
import unittest

from tests.integration import grpc_abuse_case
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import STREAM
from tests.integration.grpc_abuse_case import framed_request
from tests.testing import http2_wire
from tests.testing.http2_wire import PREFACE
from tests.testing.http2_wire import block_of
from tests.testing.http2_wire import frame
from tests.testing.http2_wire import grpc_fields
from tests.testing.http2_wire import headers

# Goes on for as long as anybody looks.
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
_SILENT = {"stall_before_first_byte": True}
_HEAD = block_of(grpc_fields(GENERATE))
# F-13 promises one second; the rest is for a machine with much else to do.
_CANCELLED_WITHIN_S = 1.0 + 8.0


class SlowClientTest(grpc_abuse_case.AbuseCase):
    """B-10, with timers as short as whoever behaves can bear."""

    listener = ("handshake_timeout: 1s, request_timeout: 1s, "
                "write_stall_timeout: 1s")

    def drip(self, connection, sent):
        """Sends byte after byte, each a while after the one before, until
        the connection ends."""
        patience_s = connection.socket.gettimeout()
        connection.socket.settimeout(0.05)
        for byte in sent:
            try:
                connection.send(bytes([byte]))
                while connection.read_frame() is not None:
                    pass
                break
            except TimeoutError:
                continue
            except OSError:
                break
        connection.socket.settimeout(patience_s)

    def assert_ended(self, case, begin, *expected, **options):
        """What `begin(connection)` leaves behind is ended by a timer."""
        def observe(side):
            connection = self.connect(side, **options)
            if not options:
                connection.await_settings()
            with self.beside(side) as others:
                begin(connection)
                told = connection.read_end()
            if side is self.native:
                self.assertEqual(others.failures, [])
                side.await_rest()
            return told
        self.compare("B-10 " + case, observe, *expected)

    _TIMED_OUT = ("GOAWAY SETTINGS_TIMEOUT", "closed", "reset")

    def test_a_connection_that_says_nothing(self):
        self.assert_ended("silence", lambda connection: None,
                          *self._TIMED_OUT, greet=False, rude=True)

    def test_a_preface_that_comes_slowly(self):
        self.assert_ended(
            "slow preface", lambda connection: self.drip(connection, PREFACE),
            *self._TIMED_OUT, greet=False, rude=True)

    def test_no_settings(self):
        self.assert_ended("no SETTINGS",
                          lambda connection: connection.send(PREFACE),
                          *self._TIMED_OUT, greet=False, rude=True)

    def test_settings_that_are_not_acknowledged(self):
        self.assert_ended("no SETTINGS acknowledged",
                          lambda connection: None, *self._TIMED_OUT,
                          rude=True)

    def test_a_head_that_comes_slowly(self):
        self.assert_ended(
            "slow head", lambda connection: self.drip(
                connection, headers(1, _HEAD)), "closed", "reset")

    def test_a_head_without_its_end(self):
        self.assert_ended(
            "a head without end", lambda connection: connection.send(
                frame(http2_wire.HEADERS, 0, 1, _HEAD)), "closed", "reset")

    def test_a_body_that_comes_slowly(self):
        body = framed_request("gpt-x", b"a" * 1000)
        def observe(side):
            connection = self.connect(side)
            stream = connection.begin(GENERATE)
            answer = connection.answers[stream]
            patience_s = connection.socket.gettimeout()
            connection.socket.settimeout(0.05)
            for i in range(len(body)):
                if side is not self.native and i * 0.05 > patience_s:
                    break
                try:
                    connection.send(http2_wire.data(stream, body[i:i + 1]))
                    while not answer.ended:
                        connection.read_frame()
                    break
                except TimeoutError:
                    continue
            connection.socket.settimeout(patience_s)
            told = connection.told(stream)
            # Only the call is lost.
            if side is self.native:
                stream = connection.call(GENERATE, framed_request())
                self.assertEqual(connection.told(stream), "OK")
                side.await_rest()
            return told
        self.compare("B-10 slow body", observe, "DEADLINE_EXCEEDED")

    def test_an_answer_for_which_there_is_no_window(self):
        self.upstream.set_script("gpt-wide", {"reply_bytes": 200000})
        for method in (GENERATE, STREAM):
            def observe(side, method=method):
                connection = self.connect(side, first=http2_wire.settings(
                    INITIAL_WINDOW_SIZE=0))
                stream = connection.call(method, framed_request("gpt-wide"))
                told = connection.told(stream)
                if side is self.native:
                    # Only the call is lost; what needs no window is served.
                    stream = connection.call("/no/Method", b"")
                    self.assertEqual(connection.told(stream), "UNIMPLEMENTED")
                    side.await_rest()
                return told
            self.compare("B-10 no window, " + method.rpartition("/")[2],
                         observe, "RST_STREAM CANCEL")

    def test_a_stream_that_nobody_reads_ends_upstream_too(self):
        self.check_unread_streams(lambda connection, model: connection.call(
            STREAM, framed_request(model)))
        self.assert_serves()


class SlotTest(grpc_abuse_case.AbuseCase):
    """What the slow held is given to others."""

    compares = False
    listener = ("handshake_timeout: 1s, request_timeout: 1s, "
                "connections_limit: 3, concurrent_streams_limit: 2")
    more = "runtime: {{event_loops: 1}}\n"

    def setUp(self):
        # One of the three is the well-behaved caller's. Another test's may
        # not have gone yet.
        deadline = time.monotonic() + self.native.patience_s
        while time.monotonic() < deadline:
            self.served = self.connect(self.native)
            if self.served.told(self.served.call(
                    GENERATE, framed_request())) == "OK":
                return
        self.fail("there is no slot for a connection")

    def test_connections(self):
        slow = self.connect(self.native, greet=False)
        # The oldest without a call makes room for each that comes.
        for _ in range(3):
            connection = self.connect(self.native)
            stream = connection.call(GENERATE, framed_request())
            self.assertEqual(connection.told(stream), "OK")
        self.assertIn(slow.read_end(), ("closed", "reset"))
        self.assert_serves()

    def test_streams(self):
        connection = self.served
        slow = [connection.begin(GENERATE) for _ in range(2)]
        for stream in slow:
            self.assertEqual(connection.told(stream), "DEADLINE_EXCEEDED")
        stream = connection.call(GENERATE, framed_request())
        self.assertEqual(connection.told(stream), "OK")


class LeavingTest(grpc_abuse_case.AbuseCase):
    """F-13, whichever way a client goes."""

    @staticmethod
    def _reset_stream(connection):
        connection.send(http2_wire.reset(1))

    @staticmethod
    def _say_goodbye(connection):
        connection.send(frame(http2_wire.GOAWAY,
                              payload=struct.pack(">II", 0, 2)))
        connection.close()

    _LEAVES = {
        "RST_STREAM": _reset_stream.__func__,
        "FIN": http2_wire.Http2Connection.close,
        "half a FIN": http2_wire.Http2Connection.finish_sending,
        "TCP RST": http2_wire.Http2Connection.reset,
        "GOAWAY": _say_goodbye.__func__,
        "a broken frame": lambda connection: connection.send(
            frame(http2_wire.WINDOW_UPDATE, payload=b"?")),
    }

    def leave(self, what, script, begin, streams=False):
        """`begin(connection, model)` returns when it is time to go; if what
        it began `streams`, the provider has said what that has cost so far,
        which is accounted for."""
        for i, (name, leave) in enumerate(self._LEAVES.items()):
            def observe(side, i=i, leave=leave):
                model = "gpt-%s-%d-%d" % (what.replace(" ", "-"), i,
                                          side is self.native)
                self.upstream.set_script(model, script)
                connection = self.connect(side)
                begin(connection, model)
                leave(connection)
                self.upstream.wait_for(
                    "cancelled", model,
                    timeout_s=min(_CANCELLED_WITHIN_S, side.patience_s))
                line = side.gateway.wait_for_access(model=model)
                self.assertEqual(
                    len(side.gateway.access_lines(model=model)), 1)
                self.assertEqual(line["output_tokens"] > 0, streams, line)
                self.assertEqual(self.upstream.stat(model, "served"), 0)
                side.await_rest()
                connection.close()
                return line["status"]
            self.compare("F-13 %s %s" % (name, what), observe, "CANCELLED")
        self.assert_serves()

    def test_in_a_stream(self):
        def begin(connection, model):
            answer = connection.answers[connection.call(
                STREAM, framed_request(model))]
            self.assertTrue(connection.read_until(
                lambda: len(answer.messages) > 3))
        self.leave("in a stream", {**_ENDLESS, "usage_in": "every_chunk"},
                   begin, streams=True)

    def test_before_the_first_byte(self):
        for what, method in (("before an answer", GENERATE),
                             ("before a stream", STREAM)):
            def begin(connection, model, method=method):
                connection.call(method, framed_request(model))
                self.upstream.wait_for("started", model)
            self.leave(what, _SILENT, begin)

    def test_while_others_share_the_connection(self):
        for model in ("gpt-stays", "gpt-goes"):
            self.upstream.set_script(model, _ENDLESS)
        connection = self.connect(self.native)
        streams = [connection.call(STREAM, framed_request(model))
                   for model in ("gpt-stays", "gpt-goes")]
        stays, goes = [connection.answers[stream] for stream in streams]
        connection.read_until(lambda: stays.messages and goes.messages)
        connection.send(http2_wire.reset(streams[1]))
        self.upstream.wait_for("cancelled", "gpt-goes",
                               timeout_s=_CANCELLED_WITHIN_S)
        before = len(stays.messages)
        self.assertTrue(connection.read_until(
            lambda: len(stays.messages) > before + 10))
        self.assertEqual(self.upstream.stat("gpt-stays", "cancelled"), 0)
        connection.close()
        self.upstream.wait_for("cancelled", "gpt-stays",
                               timeout_s=_CANCELLED_WITHIN_S)

    def test_before_the_request_is_whole(self):
        before = self.upstream.stat("", "total.requests")
        for leave in self._LEAVES.values():
            connection = self.connect(self.native)
            connection.send(http2_wire.data(
                connection.begin(GENERATE), framed_request()[:-3]))
            leave(connection)
            connection.close()
        self.assert_serves()
        self.assertEqual(self.upstream.stat("", "total.requests"), before + 1)
        self.native.await_rest()


if __name__ == "__main__":
    unittest.main()
