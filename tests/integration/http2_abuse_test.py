"""B-08, B-10 and B-11 at the HTTP listeners, of clients that speak HTTP/2."""

import http.client
import re
import unittest

from tests.integration import flood_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import http2_wire
from tests.testing.http2_wire import block_of
from tests.testing.http2_wire import frame

_MIB = grpc_abuse_case.MIB


def _fields(path=http_calls.CHAT, more=()):
    return [(":method", "POST"), (":scheme", "http"), (":path", path),
            (":authority", "localhost"), ("content-type", "application/json"),
            *more]


def _body(model="gpt-x", **fields):
    return http_calls.encode(chat(model, **fields))


class _ApiCase(grpc_abuse_case.AbuseCase):

    calls_grpc = False
    compares = False
    attacked = "http"

    @classmethod
    def warm(cls, side):
        http_calls.ask(side.address, chat("gpt-warm"))

    def beside(self, side):
        """A well-behaved caller of connections of its own."""
        def ask(i):
            try:
                answer = http_calls.ask(
                    side.address, chat("gpt-beside", stream=i % 2 == 0))
            except (OSError, http.client.HTTPException) as error:
                return repr(error)
            return None if answer.status == 200 else answer.body
        return grpc_abuse_case.Bystander(ask)

    def assert_serves_on(self, connection):
        """Others on the same connection have noticed nothing."""
        stream = connection.call(fields=_fields(), body=_body())
        self.assertEqual(connection.told(stream), "HTTP 200")


class _ListenerFloodCase(_ApiCase, flood_case.FloodCase):

    listener = ""
    http_listener = "write_stall_timeout: 2s"
    head = block_of(_fields())
    unknown_head = block_of(_fields("/no/such/path"))
    flood_line = {"module": "refusals",
                  "msg": "a connection was closed for a flood"}
    body = staticmethod(_body)


class FrameFloodTest(flood_case.FrameFloods, _ListenerFloodCase):
    pass


class StreamFloodTest(flood_case.StreamFloods, _ListenerFloodCase):
    pass


class HeaderTableTest(flood_case.HeaderTableFloods, _ListenerFloodCase):
    pass


class SlowClientTest(_ApiCase):
    """B-10, with timers as short as whoever behaves can bear."""

    http_listener = ("header_timeout: 1s, body_stall_timeout: 1s, "
                     "write_stall_timeout: 1s")

    def assert_ended(self, begin, *expected, **options):
        connection = self.connect(self.native, **options)
        if not options:
            connection.await_settings()
        with self.beside(self.native) as others:
            begin(connection)
            self.assertIn(connection.read_end(), expected)
        self.assertEqual(others.failures, [])
        self.native.await_rest()

    _TIMED_OUT = ("GOAWAY SETTINGS_TIMEOUT", "closed", "reset")

    def test_no_settings(self):
        self.assert_ended(
            lambda connection: connection.send(http2_wire.PREFACE),
            *self._TIMED_OUT, greet=False, rude=True)

    def test_settings_that_are_not_acknowledged(self):
        self.assert_ended(lambda connection: None, *self._TIMED_OUT,
                          rude=True)

    def test_a_head_without_its_end(self):
        self.assert_ended(lambda connection: connection.send(frame(
            http2_wire.HEADERS, 0, 1, block_of(_fields()))), "closed", "reset")

    def test_a_body_that_does_not_come(self):
        connection = self.connect(self.native)
        for begun in (b"", b"{"):
            stream = connection.begin(fields=_fields())
            connection.send(http2_wire.data(stream, begun))
            self.assertEqual(connection.told(stream), "HTTP 408")
            self.assert_serves_on(connection)
        self.native.await_rest()

    def test_a_body_that_comes_slowly_gets_no_more_time(self):
        connection = self.connect(self.native)
        stream = connection.begin(fields=_fields())
        answer = connection.answers[stream]
        patience_s = connection.socket.gettimeout()
        connection.socket.settimeout(0.05)
        for byte in _body(text="a" * 50):
            connection.send(http2_wire.data(stream, bytes([byte])))
            try:
                connection.read_until(lambda: answer.ended)
                break
            except TimeoutError:
                continue
        connection.socket.settimeout(patience_s)
        self.assertTrue(answer.ended)
        self.assertEqual(answer.told, "HTTP 408")
        self.assert_serves_on(connection)
        self.native.await_rest()

    def test_an_answer_for_which_there_is_no_window(self):
        self.upstream.set_script("gpt-wide", {"reply_bytes": 200000})
        for streamed in (False, True):
            connection = self.connect(self.native, first=http2_wire.settings(
                INITIAL_WINDOW_SIZE=0))
            stream = connection.call(
                fields=_fields(), body=_body("gpt-wide", stream=streamed))
            self.assertEqual(connection.told(stream), "RST_STREAM CANCEL")
            # Only the request is lost.
            stream = connection.call(fields=_fields(), body=_body())
            connection.send(http2_wire.window_update(stream, 2**20))
            self.assertEqual(connection.told(stream), "HTTP 200")
            self.native.await_rest()

    def test_a_stream_that_nobody_reads_ends_upstream_too(self):
        self.check_unread_streams(lambda connection, model: connection.call(
            fields=_fields(), body=_body(model, stream=True)))


@grpc_abuse_case.skip_if_sanitized
class MemoryTest(_ApiCase):
    """B-08: what is only claimed costs nothing."""

    _STREAMS = 250

    def data_bytes(self):
        """What the gateway may write to, whether it has or not."""
        with open("/proc/%d/status" % self.gateway.pid) as file:
            return int(re.search(r"VmData:\s+(\d+) kB",
                                 file.read()).group(1)) * 1024

    def test_claimed_lengths(self):
        connection = self.connect(self.native)
        self.assert_serves_on(connection)
        for claimed in (_MIB, 32 * _MIB):
            before = self.data_bytes()
            fields = _fields(more=[("content-length", "%d" % claimed)])
            connection = self.connect(self.native)
            for _ in range(self._STREAMS):
                connection.begin(fields=fields)
            self.assert_serves_on(connection)
            self.assert_grown_less(self.data_bytes() - before, 32 * _MIB)
            connection.close()


if __name__ == "__main__":
    unittest.main()
