"""B-11 at the gRPC API."""

import unittest

from tests.integration import flood_case
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import MIB
from tests.testing import http2_wire
from tests.testing.http2_wire import headers

# As many as a connection may have open, unless it is configured.
_STREAMS = 1024


class FrameFloodTest(flood_case.FrameFloods, flood_case.FloodCase):
    pass


class StreamFloodTest(flood_case.StreamFloods, flood_case.FloodCase):

    def test_calls_that_are_given_up_together_are_no_flood(self):
        # As when a deadline passes that all calls of a client share.
        connection = self.connect(self.native)
        streams = [connection.new_stream() for _ in range(_STREAMS)]
        connection.send(b"".join(headers(stream, self.head)
                                 for stream in streams))
        connection.ping()  # All have been taken.
        connection.send(b"".join(http2_wire.reset(stream)
                                 for stream in streams))
        stream = connection.call(GENERATE, self.body("gpt-x"))
        self.assertEqual(connection.told(stream), "OK")
        self.native.await_rest()


class HeaderTableTest(flood_case.HeaderTableFloods, flood_case.FloodCase):
    pass


class ConnectionFloodTest(flood_case.FloodCase):

    _CONNECTIONS = 500

    def test_connections_that_come_and_go(self):
        def observe(side):
            side.start_peak()
            with self.beside(side) as others:
                for i in range(self._CONNECTIONS):
                    connection = self.connect(side, greet=i % 2 == 0)
                    if i % 3:
                        connection.reset()
                    else:
                        connection.close()
            if side is self.native:
                self.assertEqual(others.failures, [])
                self.assert_grown_less(side.peak_bytes(), flood_case.RSS_BYTES_MAX)
            return "%d of %d others failed, %.1f MiB" % (
                len(others.failures), others.calls, side.peak_bytes() / MIB)
        self.compare("B-11 connections come and go", observe)


if __name__ == "__main__":
    unittest.main()
