"""B-08, B-09: what a caller claims costs nothing, and what it sends is held to
limits before it is kept."""

import random
import struct
import unittest
import zlib

from tests.integration import grpc_abuse_case
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import MIB
from tests.integration.grpc_abuse_case import framed_request
from tests.integration.grpc_abuse_case import request
from tests.testing import http2_wire
from tests.testing.http2_wire import framed
from tests.testing.http2_wire import grpc_fields

_CONNECTIONS = 1000
_RSS_BYTES_MAX = 128 * MIB


def _prefix(size, flag=0):
    return struct.pack(">BI", flag, size)


def _pack(size, window_bits):
    """So many zeros, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    piece = bytes(MIB)
    return b"".join([packer.compress(piece) for _ in range(size // MIB)] +
                    [packer.flush()])


_GZIP, _DEFLATE = 31, 15


class _SizeCase(grpc_abuse_case.AbuseCase):

    def observe_peak(self, side, told):
        """What `told()` says, and the memory that it took."""
        side.start_peak()
        said = told()
        peak = side.peak_bytes()
        if side is self.native:
            self.assert_grown_less(peak, _RSS_BYTES_MAX)
        return said, "%.1f MiB" % (peak / MIB)


class MessageSizeTest(_SizeCase):
    """B-08 with messages that come, or are only announced."""

    listener = "receive_message_bytes_limit: 32MiB"

    def announce(self, case, sizes, *expected, body=b"", end=False):
        for size in sizes:
            def observe(side, size=size):
                def told():
                    connection = self.connect(side)
                    stream = connection.begin(GENERATE)
                    connection.send(http2_wire.data(
                        stream, _prefix(size) + body, end))
                    return connection.told(stream)
                return self.observe_peak(side, told)
            self.compare("%s of %d bytes" % (case, size), observe, *expected)

    def test_a_length_over_the_limit_is_refused_before_a_byte_of_it(self):
        self.announce("B-08 a message announced",
                      (2**31, 2**32 - 1, 33 * MIB, 32 * MIB + 1),
                      "RESOURCE_EXHAUSTED")

    def test_a_length_within_the_limit_may_be_lied_about(self):
        self.announce("B-08 a message cut short", (32 * MIB, 6),
                      "INTERNAL", body=b"short", end=True)

    def test_a_message_of_33_mib(self):
        def observe(side):
            def told():
                connection = self.connect(side)
                stream = connection.begin(GENERATE)
                connection.send_body(stream, _prefix(33 * MIB) +
                                     bytes(33 * MIB))
                return connection.told(stream)
            return self.observe_peak(side, told)
        self.compare("B-08 33 MiB sent", observe, "RESOURCE_EXHAUSTED")

    def test_a_message_at_the_limit_and_one_byte_over(self):
        # The largest text whose request is no larger than the limit.
        room = 32 * MIB - len(request("gpt-x", bytes(31 * MIB))) + 31 * MIB
        # As it came, as it is read, and as it goes to the provider.
        for text_bytes, bytes_max, expected in (
                (room, 3 * 32 * MIB + 16 * MIB, "OK"),
                (room + 1, 16 * MIB, "RESOURCE_EXHAUSTED")):
            def observe(side, text_bytes=text_bytes, bytes_max=bytes_max):
                def told():
                    connection = self.connect(side)
                    stream = connection.begin(GENERATE)
                    connection.send_body(stream, framed_request(
                        "gpt-x", b"a" * text_bytes), end=True)
                    return connection.told(stream)
                side.start_peak()
                said = told()
                peak = side.peak_bytes()
                if side is self.native:
                    self.assert_grown_less(peak, bytes_max)
                return said, "%.1f MiB" % (peak / MIB)
            self.compare("B-08 %d bytes at a limit of 32 MiB" % (
                text_bytes - room + 32 * MIB), observe, expected)


class StalledMessageTest(_SizeCase):
    """B-08 with a thousand connections."""

    listener = "receive_message_bytes_limit: 32MiB, request_timeout: 1h"

    def stall(self, case, body):
        """Each of many connections sends the body, which is not all, and
        then nothing."""
        def observe(side):
            def told():
                connections = [self.connect(side)
                               for _ in range(_CONNECTIONS)]
                for connection in connections:
                    connection.send(http2_wire.data(
                        connection.begin(GENERATE), body))
                # When these are answered, all before them has been read.
                with self.beside(side) as others:
                    for connection in connections:
                        connection.ping()
                if side is self.native:
                    self.assertEqual(others.failures, [])
                grown = side.peak_bytes()
                for connection in connections:
                    connection.close()
                return "%d of %d others failed, %.0f KiB each" % (
                    len(others.failures), others.calls,
                    grown / 1024 / _CONNECTIONS)
            return self.observe_peak(side, told)
        self.compare(case, observe)
        self.native.await_rest()

    def test_messages_announced_and_not_sent(self):
        self.stall("B-08 1000 connections announce 2 GiB", _prefix(2**31))
        self.stall("B-08 1000 connections announce 32 MiB", _prefix(32 * MIB))

    def test_messages_of_which_a_part_has_come(self):
        self.stall("B-08 1000 connections send 40 KiB of 32 MiB",
                   _prefix(32 * MIB) + bytes(40 * 1024))

    def test_heads_that_do_not_end(self):
        def observe(side):
            def told():
                for _ in range(_CONNECTIONS):
                    self.connect(side).send(http2_wire.frame(
                        http2_wire.HEADERS, 0, 1, bytes(0)))
                with self.beside(side) as others:
                    pass
                return "%d of %d others failed" % (len(others.failures),
                                                   others.calls)
            return self.observe_peak(side, told)
        self.compare("B-10 1000 connections stall in their first head",
                     observe)


class UnfinishedMessageTest(_SizeCase):
    """B-08 with nearly all of many messages, each within its own limit."""

    listener = "request_buffer_bytes_limit: 32MiB, request_timeout: 1h"
    compares = False

    def stall(self, case, connections, streams):
        """Returns how many of so many calls are kept."""
        body = _prefix(4 * MIB) + bytes(39 * MIB // 10)
        kept = []
        def told():
            calls = []
            for _ in range(connections):
                connection = self.connect(self.native)
                for _ in range(streams):
                    calls.append((connection, connection.begin(GENERATE)))
                    connection.send_body(calls[-1][1], body)
            with self.beside(self.native) as others:
                for connection, _ in calls:
                    connection.ping()
            self.assertEqual(others.failures, [])
            for connection, stream in calls:
                if connection.answers[stream].ended:
                    self.assertEqual(connection.told(stream), "UNAVAILABLE")
                else:
                    kept.append(stream)
            for connection, _ in calls:
                connection.close()
            return "%d of %d kept" % (len(kept), len(calls))
        self.compare(case, lambda side: self.observe_peak(side, told))
        self.native.await_rest()
        return len(kept)

    def test_on_one_connection(self):
        # It gets half of what its loop has: four of 4 MiB.
        self.assertEqual(
            self.stall("B-08 64 calls send 3.9 of 4 MiB on one connection",
                       connections=1, streams=64), 4)

    def test_on_many_connections(self):
        kept = self.stall("B-08 64 connections send 3.9 of 4 MiB",
                          connections=64, streams=1)
        self.assertGreaterEqual(kept, 4)
        self.assertLess(kept, 64)


class CompressionTest(_SizeCase):
    """B-09."""

    _ZEROS = 512 * MIB

    def told_of(self, side, body, fields):
        connection = self.connect(side)
        stream = connection.begin(fields=fields)
        connection.send_body(stream, body, end=True)
        said = connection.told(stream)
        accepted = connection.answers[stream].field("grpc-accept-encoding")
        return said, accepted

    def refuse(self, case, body, encoding, *expected):
        fields = grpc_fields(GENERATE, [("grpc-encoding", encoding)]
                             if encoding else [])
        def observe(side):
            side.start_peak()
            with self.beside(side) as others:
                said, _ = self.told_of(side, body, fields)
            peak = side.peak_bytes()
            if side is self.native:
                self.assertEqual(others.failures, [])
                self.assert_grown_less(peak, 32 * MIB)
            return said, "%.1f MiB" % (peak / MIB)
        self.compare(case, observe, *expected)

    def test_bombs(self):
        for name, bits in (("gzip", _GZIP), ("deflate", _DEFLATE)):
            body = framed(_pack(self._ZEROS, bits), flag=1)
            self.refuse("B-09 512 MiB of zeros by " + name, body, name,
                        "RESOURCE_EXHAUSTED")

    def test_a_bomb_in_each_of_many_calls(self):
        body = framed(_pack(32 * MIB, _GZIP), flag=1)
        fields = grpc_fields(GENERATE, [("grpc-encoding", "gzip")])
        def observe(side):
            def told():
                connection = self.connect(side)
                streams = [connection.call(body=body, fields=fields)
                           for _ in range(16)]
                said = {connection.told(stream) for stream in streams}
                return " and ".join(sorted(said))
            return self.observe_peak(side, told)
        self.compare("B-09 16 bombs at once", observe, "RESOURCE_EXHAUSTED")

    def test_a_compressed_request_is_served(self):
        # As text is, and no bomb, of which this gateway has just seen some.
        text = random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz ", k=MIB)
        message = request("gpt-x", bytes(text))
        for name, bits in (("gzip", _GZIP), ("deflate", _DEFLATE)):
            packer = zlib.compressobj(9, zlib.DEFLATED, bits)
            body = framed(packer.compress(message) + packer.flush(), flag=1)
            self.refuse("B-09 a request by " + name, body, name, "OK")

    def test_encodings_that_nobody_knows(self):
        for name in ("br", "zstd", "GZIP", "gzip, gzip", "x" * 100, ""):
            fields = grpc_fields(GENERATE, [("grpc-encoding", name)])
            def observe(side, fields=fields):
                said, accepted = self.told_of(
                    side, framed(b"x", flag=1), fields)
                if side is self.native:
                    self.assertEqual(accepted, "identity,deflate,gzip")
                return said
            self.compare("B-09 grpc-encoding %r" % name[:20], observe,
                         "UNIMPLEMENTED")

    def test_flags_and_bytes_that_do_not_fit_the_encoding(self):
        packed = _pack(MIB, _GZIP)
        for what, body, encoding in (
                ("compressed, without an encoding", framed(packed, 1), None),
                ("compressed, as identity", framed(packed, 1), "identity"),
                ("a flag of 2", framed(b"x", 2), "gzip"),
                ("a flag of 255", framed(b"x", 255), None),
                ("not gzip at all", framed(b"abc" * 100, 1), "gzip"),
                ("gzip cut off", framed(packed[:-9], 1), "gzip"),
                ("gzip with a wrong sum", framed(
                    packed[:-8] + bytes(8), 1), "gzip"),
                ("gzip called deflate", framed(packed, 1), "deflate"),
                ("gzip and more", framed(packed + b"more", 1), "gzip"),
                ("nothing at all", framed(b"", 1), "gzip")):
            self.refuse("B-09 " + what, body, encoding, "INTERNAL")


if __name__ == "__main__":
    unittest.main()
