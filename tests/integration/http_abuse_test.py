"""Clients that are slow, greedy, or that try to smuggle."""

import re
import socket
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.testing.sanitized import SANITIZED

_BODY = http_calls.encode(chat("gpt-x"))


def _listeners(http_options):
    return ("listeners:\n"
            '  grpc: {{address: "127.0.0.1:0"}}\n'
            '  http: {{address: "127.0.0.1:0", ' + http_options + "}}\n"
            '  admin: {{address: "127.0.0.1:0"}}\n'
            '  operations: {{address: "127.0.0.1:0"}}\n')


class _AbuseCase(gateway_case.GatewayCase):

    def connect(self):
        return self.enter(RawConnection(self.gateway.http))

    def send(self, data):
        connection = self.connect()
        connection.send(data)
        return connection

    def assert_closed(self, connection):
        """Nothing more comes; the end may be a reset."""
        try:
            self.assertEqual(connection.receive(), b"")
        except ConnectionResetError:
            pass

    def assert_refused(self, data, status):
        """Refused with OpenAI's error body, and the connection closed."""
        before = self.upstream.stat("", "total.requests")
        connection = self.send(data)
        answer = connection.read_answer()
        self.assertEqual(answer.status, status, (data[:200], answer.body))
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(answer.error()["type"], "invalid_request_error")
        self.assert_closed(connection)
        self.assertEqual(self.upstream.stat("", "total.requests"), before)

    def assert_serves(self):
        answer = http_calls.ask(self.gateway.http, chat("gpt-x"))
        self.assertEqual(answer.status, 200)


class WireTest(_AbuseCase):
    """What HTTP allows is served."""

    def test_pipelined_requests_are_answered_in_order(self):
        for name in ("gpt-1", "gpt-2", "gpt-3"):
            self.upstream.set_script(name, {"text": "I am " + name})
        connection = self.send(
            request_bytes(chat("gpt-1")) +
            request_bytes(b"", path="/v1/models", method="GET") +
            request_bytes(chat("gpt-2", stream=True)) +
            request_bytes(chat("gpt-3")))
        answers = [connection.read_answer() for _ in range(4)]
        self.assertEqual([one.status for one in answers], [200] * 4)
        self.assertEqual(
            [answers[i].text() for i in (0, 2, 3)],
            ["I am gpt-1", "I am gpt-2", "I am gpt-3"])
        self.assertEqual(answers[1].json()["object"], "list")

    def test_requests_arrive_whole_however_they_are_cut(self):
        data = request_bytes(chat("gpt-x"))
        connection = self.connect()
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            connection.send(data[i:i + 1])
        self.assertEqual(connection.read_answer().status, 200)

    def test_chunked_bodies_are_read(self):
        head = ("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                "transfer-encoding: chunked\r\n\r\n").encode()
        for size in (1, 7, len(_BODY)):
            chunks = b"".join(
                b"%x;ext=1\r\n%s\r\n" % (len(_BODY[i:i + size]),
                                         _BODY[i:i + size])
                for i in range(0, len(_BODY), size))
            connection = self.send(
                head + chunks + b"0\r\ntrailer: ignored\r\n\r\n")
            self.assertEqual(connection.read_answer().status, 200)
            connection.send(request_bytes(_BODY))
            self.assertEqual(connection.read_answer().status, 200)
        self.assertEqual(self.upstream.last_body("gpt-x"), _BODY)

    def test_a_client_that_asks_to_continue_is_told_so(self):
        data = request_bytes(chat("gpt-x"), headers=["expect: 100-continue"])
        connection = self.send(data[:-len(_BODY)])
        self.assertEqual(connection.read_until(b"\r\n\r\n"),
                         b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.send(_BODY)
        self.assertEqual(connection.read_answer().status, 200)

    def test_http_1_0_is_answered_without_chunks_and_closed(self):
        for stream in (False, True):
            body = http_calls.encode(chat("gpt-x", stream=stream))
            connection = self.send(
                b"POST /v1/chat/completions HTTP/1.0\r\n"
                b"content-length: %d\r\n\r\n" % len(body) + body)
            status, headers = connection.read_head()
            self.assertEqual(status, 200)
            self.assertNotIn("transfer-encoding", headers)
            rest = connection.read_to_end()
            if stream:
                self.assertTrue(rest.endswith(b"data: [DONE]\n\n"), rest)

    def test_head_gets_no_body(self):
        connection = self.send(
            b"HEAD /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n"
            b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        status, headers = connection.read_head()
        self.assertEqual(status, 200)
        answer = connection.read_answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual(headers["content-length"], str(len(answer.body)))

    def test_absolute_targets_and_queries_are_understood(self):
        for path in ("http://localhost/v1/chat/completions",
                     "/v1/chat/completions?api-version=1"):
            connection = self.send(request_bytes(chat("gpt-x"), path=path))
            self.assertEqual(connection.read_answer().status, 200)


class SmugglingTest(_AbuseCase):
    """What two servers could read in two ways is refused."""

    _START = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    _SECOND = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n"

    def test_two_lengths(self):
        for fields in (b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
                       b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                       b"content-length: 5\r\ncontent-length: 6\r\n",
                       b"content-length: 5, 6\r\n"):
            with self.subTest(fields=fields):
                self.assert_refused(
                    self._START + fields + b"\r\n0\r\n\r\n" + self._SECOND,
                    400)

    def test_senseless_lengths(self):
        for value in (b"-1", b"+5", b"0x5", b"5 5", b"", b"5a",
                      b"99999999999999999999999"):
            with self.subTest(value=value):
                self.assert_refused(
                    self._START + b"content-length: " + value + b"\r\n\r\n",
                    400)

    def test_transfer_encodings_other_than_chunked(self):
        for field in (b"transfer-encoding: xchunked",
                      b"transfer-encoding: chunked, chunked",
                      b"transfer-encoding: gzip, chunked",
                      b"transfer-encoding: identity",
                      b"transfer-encoding: chunked\r\n"
                      b"transfer-encoding: chunked",
                      b"transfer-encoding: \x0bchunked",
                      b"transfer-encoding : chunked",
                      b" transfer-encoding: chunked",
                      b"transfer-encoding:\r\n chunked"):
            with self.subTest(field=field):
                self.assert_refused(
                    self._START + field + b"\r\n\r\n0\r\n\r\n", 400)

    def test_malformed_chunks(self):
        for chunk in (b"zz\r\n", b"-5\r\n", b"5\r\nabcdefgh\r\n",
                      b"fffffffffffffffff\r\n", b"\r\n"):
            with self.subTest(chunk=chunk):
                self.assert_refused(
                    self._START + b"transfer-encoding: chunked\r\n\r\n" +
                    chunk, 400)

    def test_lines_that_end_without_a_carriage_return(self):
        self.assert_refused(
            b"POST /v1/chat/completions HTTP/1.1\nhost: g\n\n", 400)
        self.assert_refused(
            self._START + b"x: y\ntransfer-encoding: chunked\r\n\r\n", 400)

    def test_hosts(self):
        for fields in (b"", b"host: a\r\nhost: b\r\n"):
            self.assert_refused(
                b"GET /v1/models HTTP/1.1\r\n" + fields + b"\r\n", 400)

    def test_senseless_heads(self):
        start = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n"
        for head in (start + b"no-colon\r\n\r\n", start + b"x: \0\r\n\r\n",
                     b"GET /v1/mod els HTTP/1.1\r\nhost: localhost\r\n\r\n"):
            with self.subTest(head=head):
                self.assert_refused(head, 400)

    def test_who_does_not_speak_http_1_gets_no_answer_in_it(self):
        for head in (b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
                     b"GET /v1/models HTTP/9.9\r\nhost: localhost\r\n\r\n",
                     b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n"):
            with self.subTest(head=head):
                self.assert_closed(self.send(head))
        # Unless it has done so before.
        connection = self.send(request_bytes(chat("gpt-x")))
        self.assertEqual(connection.read_answer().status, 200)
        connection.send(b"GET\r\n\r\n")
        self.assertEqual(connection.read_answer().status, 400)
        self.assert_closed(connection)

    def test_a_body_cannot_become_a_request(self):
        # Shorter than what follows: the rest is the next request, and not one.
        connection = self.send(
            self._START + b"content-length: 1\r\n\r\n{GARBAGE")
        self.assertEqual(connection.read_answer().status, 400)


class SizeTest(_AbuseCase):

    config = gateway_case.CONFIG + _listeners(
        "header_bytes_limit: 4KiB, body_bytes_limit: 64KiB")

    def test_a_head_over_the_limit(self):
        for line in (b"x: " + b"a" * 5000 + b"\r\n\r\n",
                     b"a: b\r\n" * 1000 + b"\r\n"):
            self.assert_refused(
                b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n" + line, 431)
        self.assert_refused(b"GET /" + b"a" * 5000, 431)

    def test_a_body_over_the_limit_is_refused_by_its_head(self):
        for size in (65537, 2 << 30, 1 << 62):
            self.assert_refused(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                b"content-length: %d\r\n\r\n" % size, 413)

    def test_chunks_over_the_limit(self):
        self.assert_refused(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
            b"transfer-encoding: chunked\r\n\r\n" +
            (b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 5, 413)

    def test_a_large_body_is_not_invited(self):
        connection = self.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
            b"expect: 100-continue\r\ncontent-length: 9999999\r\n\r\n")
        self.assertEqual(connection.read_head()[0], 413)


class SlowClientTest(_AbuseCase):
    """B-10: whoever is too slow loses the slot."""

    config = gateway_case.CONFIG + _listeners(
        "header_timeout: 1s, body_stall_timeout: 1s, "
        "idle_timeout: 1200ms, write_stall_timeout: 1s")

    def test_a_head_that_does_not_end(self):
        connection = self.send(b"POST /v1/chat/completions HTTP/1.1\r\nhos")
        answer = connection.read_answer()
        self.assertEqual(answer.status, 408)
        self.assert_closed(connection)

    def test_a_head_that_comes_slowly_gets_no_more_time(self):
        connection = self.connect()
        connection.socket.settimeout(0.05)
        got = b""
        for byte in request_bytes(chat("gpt-x"), headers=["x: y"] * 50):
            try:
                connection.send(bytes([byte]))
                got = connection.socket.recv(4096)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                pass
            break
        self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)

    def test_a_body_that_does_not_come(self):
        for declared in (b"content-length: 1000000",
                         b"transfer-encoding: chunked"):
            connection = self.send(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n" +
                declared + b"\r\n\r\n")
            self.assertEqual(connection.read_answer().status, 408)
            self.assert_closed(connection)

    def test_a_body_that_comes_slowly_gets_no_more_time(self):
        body = http_calls.encode(chat("gpt-x", "a" * 50))
        connection = self.send(request_bytes(body)[:-len(body)])
        connection.socket.settimeout(0.05)
        got = b""
        for byte in body:
            try:
                connection.send(bytes([byte]))
                got = connection.socket.recv(4096)
                break
            except TimeoutError:
                continue
        self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)

    def test_silence_between_requests_ends_without_a_word(self):
        connection = self.connect()
        self.assert_closed(connection)
        connection = self.send(request_bytes(chat("gpt-x")))
        self.assertEqual(connection.read_answer().status, 200)
        self.assert_closed(connection)

    def test_a_reader_that_takes_nothing_is_cut_off(self):
        # More than all buffers between the mock and here can hold.
        self.upstream.set_script("gpt-flood", {
            "chunks": 4000, "chunk_bytes": 16384})
        connection = self.enter(RawConnection(self.gateway.http,
                                              receive_buffer_bytes=4096))
        connection.send(request_bytes(chat("gpt-flood", stream=True)))
        self.upstream.wait_for("cancelled", "gpt-flood")
        line = self.gateway.wait_for_access(model="gpt-flood")
        self.assertEqual(line["status"], "CANCELLED")
        self.assert_serves()


class MemoryTest(_AbuseCase):
    """B-08: what is only claimed costs nothing."""

    _CONNECTIONS = 200

    def rss_bytes(self):
        with open("/proc/%d/status" % self.gateway.pid) as file:
            found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
        return int(found.group(1)) * 1024

    def open_all(self, data):
        return [self.send(data) for _ in range(self._CONNECTIONS)]

    def await_all_read(self, connections):
        """Until the gateway has read all that was sent to it: an ask on the
        same loops is answered, and nothing is left in the sockets."""
        wanted = set(one.socket.getsockname()[1] for one in connections)
        while True:
            with open("/proc/net/tcp") as file:
                waiting = [line.split() for line in file.readlines()[1:]]
            port = int(self.gateway.http.rsplit(":", 1)[1])
            unread = [one for one in waiting
                      if int(one[1].split(":")[1], 16) == port and
                      int(one[2].split(":")[1], 16) in wanted and
                      int(one[4].split(":")[1], 16) > 0]
            if not unread:
                return
            self.assert_serves()

    @unittest.skipIf(SANITIZED, "memory is a sanitizer's")
    def test_stalled_bodies_take_little_memory(self):
        self.assert_serves()
        before = self.rss_bytes()
        connections = self.open_all(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
            b"content-length: 33000000\r\n\r\n{")
        self.await_all_read(connections)
        grown = self.rss_bytes() - before
        # A loop's block for each, and no more.
        self.assertLess(grown, self._CONNECTIONS * 64 * 1024)
        self.assert_serves()

    @unittest.skipIf(SANITIZED, "memory is a sanitizer's")
    def test_stalled_heads_take_little_memory(self):
        self.assert_serves()
        before = self.rss_bytes()
        connections = self.open_all(b"POST /v1/chat")
        self.await_all_read(connections)
        self.assertLess(self.rss_bytes() - before,
                        self._CONNECTIONS * 64 * 1024)
        self.assert_serves()


class ConnectionLimitTest(_AbuseCase):

    config = gateway_case.CONFIG + _listeners(
        "connections_limit: 3") + "runtime: {{event_loops: 1}}\n"

    def test_the_oldest_that_is_idle_makes_room(self):
        request = request_bytes(b"", path="/v1/models", method="GET")
        served = []
        for _ in range(3):
            connection = self.send(request)
            self.assertEqual(connection.read_answer().status, 200)
            served.append(connection)
        one_more = self.send(request)
        self.assertEqual(one_more.read_answer().status, 200)
        self.assert_closed(served[0])
        for connection in (*served[1:], one_more):
            connection.send(request)
            self.assertEqual(connection.read_answer().status, 200)


if __name__ == "__main__":
    unittest.main()
