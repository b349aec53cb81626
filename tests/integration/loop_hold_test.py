"""Peers that never stop sending: everybody else is served meanwhile.

The gateway has one loop, so that whoever holds it is noticed by all.
"""

import socket
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_LISTENERS = """\
listeners:
  grpc: {address: "127.0.0.1:0"}
  http: {address: "127.0.0.1:0", body_bytes_limit: 1GiB}
  admin: {address: "127.0.0.1:0"}
  operations: {address: "127.0.0.1:0"}
runtime: {event_loops: 1, drain_grace: 300ms}
"""
_CHUNKED_HEAD = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                 b"transfer-encoding: chunked\r\n\r\n")
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class Pump:
    """Sends a text over and over, on a thread, until it is told to stop."""

    def __init__(self, connection, text):
        self._socket = connection
        self._text = text * max(1, (1 << 18) // len(text))
        self._stopped = False
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The gateway was faster.
        self._thread.join()

    def _run(self):
        try:
            while not self._stopped:
                self._socket.sendall(self._text)
        except OSError:
            pass
        self.ended.set()


class CallerTest(unittest.TestCase):

    def setUp(self):
        self.gateway = GatewayProcess(
            _LISTENERS + "providers: [{name: mock, mock: {}}]\n")
        self.addCleanup(self.gateway.kill)

    def pump(self, text):
        connection = RawConnection(self.gateway.http)
        self.addCleanup(connection.close)
        connection.send(_CHUNKED_HEAD)
        pump = Pump(connection.socket, text)
        self.addCleanup(pump.__exit__)
        return connection, pump

    def assert_alive(self):
        answer = http_calls.ask(self.gateway.operations, path="/livez")
        self.assertEqual(answer.status, 200)

    def test_a_body_that_does_not_end_holds_nobody_up(self):
        # As little body as there can be beside so much framing.
        _, pump = self.pump(b"1;e\r\nx\r\n")
        for _ in range(20):
            self.assert_alive()
        self.assertFalse(pump.ended.is_set())

    def test_chunk_extensions_without_end_are_refused(self):
        connection, pump = self.pump(b"1;" + b"e" * 4000 + b"\r\nx\r\n")
        self.assertEqual(connection.read_answer().status, 400)
        self.assert_alive()
        self.assertTrue(pump.ended.wait(http_calls.TIMEOUT_S))

    def test_a_drain_ends_though_a_body_does_not(self):
        _, pump = self.pump(b"1;e\r\nx\r\n")
        self.assert_alive()
        self.gateway.stop()
        self.assertTrue(pump.ended.wait(http_calls.TIMEOUT_S))


class UpstreamTest(unittest.TestCase):

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.gateway = GatewayProcess(
            _LISTENERS + "limits: {response_bytes_limit: 1GiB}\n" +
            gateway_case.CONFIG.format(upstream=address),
            env=gateway_case.ENV)
        self.addCleanup(self.gateway.kill)
        caller = RawConnection(self.gateway.http)
        self.addCleanup(caller.close)
        self.caller = caller

    def ask(self):
        """Asks as the caller; returns the upstream's end, request read."""
        self.caller.send(http_calls.request_bytes(chat("gpt-x")))
        connection, _ = self.listener.accept()
        self.addCleanup(connection.close)
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += connection.recv(65536)
        return connection

    def pump(self, connection, text):
        pump = Pump(connection, text)
        self.addCleanup(pump.__exit__)
        return pump

    def assert_alive(self):
        answer = http_calls.ask(self.gateway.operations, path="/livez")
        self.assertEqual(answer.status, 200)

    def test_interim_answers_without_end_are_a_bad_response(self):
        pump = self.pump(self.ask(), _INTERIM)
        self.assert_alive()
        self.assertEqual(self.caller.read_answer().status, 502)
        self.assertTrue(pump.ended.wait(http_calls.TIMEOUT_S))

    def test_an_answer_without_end_ends_when_its_caller_leaves(self):
        upstream = self.ask()
        upstream.sendall(b"HTTP/1.1 200 OK\r\n"
                         b"content-type: application/json\r\n"
                         b"transfer-encoding: chunked\r\n\r\n")
        pump = self.pump(upstream, b"1;e\r\n \r\n")
        for _ in range(20):
            self.assert_alive()
        self.assertFalse(pump.ended.is_set())
        self.caller.close()
        self.assertTrue(pump.ended.wait(http_calls.TIMEOUT_S))


if __name__ == "__main__":
    unittest.main()
