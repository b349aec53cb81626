"""B-11: floods end their own connection, and nobody else notices them.

    class FrameFloodTest(flood_case.FrameFloods, flood_case.FloodCase):
        pass

FloodCase abuses the native gRPC listener, or another listener that a class derived
from it names; the floods are the same.
"""

import struct

from tests.integration import grpc_abuse_case
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import MIB
from tests.integration.grpc_abuse_case import framed_request
from tests.integration.samples import await_sample
from tests.testing import hpack
from tests.testing import http2_wire
from tests.testing.http2_wire import block_of
from tests.testing.http2_wire import frame
from tests.testing.http2_wire import grpc_fields
from tests.testing.http2_wire import headers

_CALM = "GOAWAY ENHANCE_YOUR_CALM"
_FRAMES = 500  # In a batch.
_FLOOD_BYTES = 4 * MIB
RSS_BYTES_MAX = 32 * MIB


def _each_stream(i, sent):
    """What is `sent(stream)` for each of a batch's streams."""
    first = 1 + 2 * i * _FRAMES
    return b"".join(sent(first + 2 * k) for k in range(_FRAMES))


class FloodCase(grpc_abuse_case.AbuseCase):

    listener = "write_stall_timeout: 2s"
    # A request's head at the listener, and one to a path that nobody serves.
    head = block_of(grpc_fields(GENERATE))
    unknown_head = block_of(grpc_fields("/no.such/Method"))
    # What the log says of a flood.
    flood_line = {"module": "grpc", "reason": "flood"}

    @staticmethod
    def body(model):
        """A request's body."""
        return framed_request(model)

    @staticmethod
    def told(connection, sent_all):
        """How the connection ended, or that all has been served."""
        if sent_all:
            # Much of it may still be on its way.
            connection.finish_sending()
        end = connection.read_end()
        blamed = end.startswith("GOAWAY") and end != "GOAWAY NO_ERROR"
        return "served" if sent_all and not blamed else end

    def flood(self, case, batch, *expected, begin=b"", read=True):
        """Sends batches while others call. Afterwards none of the others has
        failed, memory has not grown, and the connection has ended as is
        expected of it."""
        def observe(side):
            side.start_peak()
            connection = self.connect(side)
            connection.send(begin)
            with self.beside(side) as others:
                sent = connection.flood(batch, _FLOOD_BYTES, read=read)
                told = self.told(connection, read and sent >= _FLOOD_BYTES)
            peak = side.peak_bytes()
            if side is self.native:
                self.assertEqual(others.failures, [], case)
                self.assert_grown_less(peak, RSS_BYTES_MAX)
                side.await_rest()
            connection.close()
            return told, "%d KiB sent, %d of %d others failed, %.1f MiB" % (
                sent // 1024, len(others.failures), others.calls, peak / MIB)
        self.compare(case, observe, *expected)


class FrameFloods:
    """Frames that carry nothing."""

    def test_pings(self):
        self.flood("B-11 PING", lambda _: frame(
            http2_wire.PING, payload=b"12345678") * _FRAMES, _CALM)

    def test_pings_of_a_client_that_does_not_read(self):
        self.flood("B-11 PING, answers not read", lambda _: frame(
            http2_wire.PING, payload=b"12345678") * _FRAMES, _CALM,
            "reset", "closed", read=False)

    def test_settings(self):
        self.flood("B-11 SETTINGS",
                   lambda _: http2_wire.settings() * _FRAMES, _CALM)

    def test_settings_that_change_every_time(self):
        change = (http2_wire.settings(HEADER_TABLE_SIZE=0,
                                      INITIAL_WINDOW_SIZE=0) +
                  http2_wire.settings(HEADER_TABLE_SIZE=4096,
                                      INITIAL_WINDOW_SIZE=2**31 - 1))
        self.flood("B-11 SETTINGS of all streams' windows",
                   lambda _: change * _FRAMES, _CALM,
                   begin=b"".join(headers(1 + 2 * k, self.head)
                                  for k in range(200)))

    def test_priorities(self):
        self.flood("B-11 PRIORITY", lambda i: _each_stream(
            i % 1000, lambda stream: frame(
                http2_wire.PRIORITY, stream=stream,
                payload=struct.pack(">IB", 0, 16))), _CALM)

    def test_empty_data(self):
        self.flood("B-11 empty DATA", lambda _: frame(
            http2_wire.DATA, stream=1) * _FRAMES, _CALM,
            begin=headers(1, self.head))

    def test_data_that_is_all_padding(self):
        self.flood("B-11 padding", lambda _: frame(
            http2_wire.DATA, http2_wire.PADDED, 1,
            b"\xff" + bytes(255)) * _FRAMES, _CALM,
            begin=headers(1, self.head))

    def test_window_updates(self):
        self.flood("B-11 WINDOW_UPDATE", lambda _: http2_wire.window_update(
            0, 1) * _FRAMES, _CALM)

    def test_frames_of_no_known_type(self):
        self.flood("B-11 unknown frames",
                   lambda _: frame(0x2a) * _FRAMES, _CALM)

    def test_header_blocks_without_end(self):
        for name, piece in (("empty", b""), ("large", bytes(1024))):
            start = frame(http2_wire.HEADERS, 0, 1, self.head)
            more = frame(http2_wire.CONTINUATION, 0, 1, piece) * 20
            self.flood("B-11 CONTINUATION, " + name,
                       lambda i, start=start, more=more:
                       more if i else start + more,
                       _CALM, "GOAWAY INTERNAL_ERROR", "GOAWAY PROTOCOL_ERROR",
                       "GOAWAY COMPRESSION_ERROR", "closed", "reset")


class StreamFloods:
    """Calls that are not meant."""

    def test_calls_that_are_reset_at_once(self):
        self.flood("B-11 rapid reset", lambda i: _each_stream(
            i, lambda stream: headers(stream, self.head) +
            http2_wire.reset(stream)), _CALM)

    def test_who_was_closed_for_a_flood_is_counted_and_logged(self):
        name = 'llmgw_http2_floods_total{listener="%s"}' % self.attacked
        before = self.native.metric(name)
        connection = self.connect(self.native)
        for i in range(3):
            connection.send(_each_stream(i, lambda stream: headers(
                stream, self.head) + http2_wire.reset(stream)))
        self.assertEqual(connection.read_end(), _CALM)
        await_sample(self.gateway, name, before + 1)
        self.gateway.wait_for_log(level="warn", listener=self.attacked,
                                  **self.flood_line)

    def test_whole_calls_that_are_reset_at_once(self):
        body = self.body("gpt-reset")
        self.flood("B-11 rapid reset of whole calls", lambda i: _each_stream(
            i, lambda stream: headers(stream, self.head) + http2_wire.data(
                stream, body, end=True) + http2_wire.reset(stream)), _CALM)

    def test_calls_that_the_gateway_must_reset(self):
        # Until the resets leave, what comes in one go may also be more calls
        # at once than allowed.
        ends = (_CALM, "GOAWAY PROTOCOL_ERROR")
        upper = self.head + hpack.literal("Upper", "x")
        self.flood("B-11 resets provoked by names", lambda i: _each_stream(
            i, lambda stream: headers(stream, upper)), *ends)
        # A window larger than there are.
        self.flood("B-11 resets provoked by windows", lambda i: _each_stream(
            i, lambda stream: headers(stream, self.head) +
            http2_wire.window_update(stream, 2**31 - 1)), *ends)

    def test_frames_of_calls_that_are_over(self):
        begin = headers(1, self.unknown_head)
        for name, more in (("DATA", http2_wire.data(1, b"x")),
                           ("HEADERS", headers(1, block_of([("x-a", "b")])))):
            self.flood("B-11 %s behind a refusal" % name,
                       lambda _, more=more: more * _FRAMES,
                       _CALM, "GOAWAY STREAM_CLOSED", "GOAWAY PROTOCOL_ERROR",
                       begin=begin)

    def test_more_calls_at_once_than_allowed(self):
        # They know what is allowed, once they have acknowledged it.
        self.flood("B-11 too many streams", lambda i: _each_stream(
            i, lambda stream: headers(stream, self.head)),
            _CALM, "GOAWAY PROTOCOL_ERROR")

    def test_whole_calls_without_end_that_nobody_reads(self):
        body = self.body("gpt-unread")
        self.flood("B-11 answers not read", lambda i: _each_stream(
            i, lambda stream: headers(stream, self.head) + http2_wire.data(
                stream, body, end=True)), "reset", "closed", _CALM,
            read=False)


class HeaderTableFloods:
    """Heads that are dear to read."""

    def test_a_table_that_is_always_written_anew(self):
        # Within the limits: it is dear, and is served all the same.
        table = b"".join(hpack.literal("x-%d" % k, b"v" * 3000, True)
                         for k in range(4))
        self.flood("B-11 HPACK churn", lambda i: b"".join(
            headers(1 + 2 * (8 * i + k), self.unknown_head + table,
                    end=True)
            for k in range(8)), "served")

    def test_a_few_bytes_that_stand_for_many(self):
        bomb = (self.head + hpack.literal("x", b"v" * 4000, True) +
                hpack.indexed(hpack.STATIC_SIZE + 1) * 12000)
        self.flood("B-11 HPACK bomb", lambda i: headers(
            1 + 2 * i, bomb, end=True), _CALM)
