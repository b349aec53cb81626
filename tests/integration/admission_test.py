"""Callers without a key: nothing but the head of what they send is read."""

import re
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.testing.sanitized import SANITIZED

# Who may call.
_ACCESS = ('auth: {{callers: {{api_keys: [{{id: alice, key: "env:ALICE"}}]}}}}\n')
_KEY = "sk-of-alice-0123456789"
_MIB = 1024 * 1024
_BODY_BYTES = 31 * _MIB
# What the process may grow by while strangers press.
_GROWTH_MAX = 48 * _MIB
_PATHS = ("/v1/chat/completions", "/v1/embeddings", "/v1/messages",
          "/v1/messages/count_tokens", "/v1/responses",
          "/v1beta/models/gemini-x:countTokens")


def _head(path, length, key="", more=""):
    lines = ["POST %s HTTP/1.1" % path, "host: g",
             "content-type: application/json", "content-length: %d" % length]
    if key:
        lines.append("authorization: Bearer " + key)
    if more:
        lines.append(more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class _KeyCase(gateway_case.GatewayCase):

    http_options = ""
    env = {**gateway_case.ENV, "ALICE": _KEY}

    @classmethod
    def setUpClass(cls):
        cls.config = (
            gateway_case.CONFIG + _ACCESS +
            "listeners:\n"
            '  grpc: {{address: "127.0.0.1:0"}}\n'
            '  http: {{address: "127.0.0.1:0"' + cls.http_options + "}}\n"
            '  admin: {{address: "127.0.0.1:0"}}\n'
            '  operations: {{address: "127.0.0.1:0"}}\n'
            "runtime: {{event_loops: 1}}\n")
        super().setUpClass()

    def connect(self):
        return self.enter(RawConnection(self.gateway.http))

    def rss_bytes(self):
        with open("/proc/%d/status" % self.gateway.pid) as file:
            found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
        return int(found.group(1)) * 1024

    def assert_serves_alice(self):
        answer = http_calls.ask(
            self.gateway.http, chat("gpt-x"),
            headers={"authorization": "Bearer " + _KEY})
        self.assertEqual(answer.status, 200)


class StrangerTest(_KeyCase):

    def test_a_stranger_is_told_so_before_a_body_is_sent(self):
        for path in _PATHS:
            with self.subTest(path=path):
                connection = self.connect()
                connection.send(_head(path, _BODY_BYTES))
                answer = connection.read_answer()
                self.assertIn(answer.status, (401, 400), answer.body)
                self.assertEqual(answer.headers["connection"], "close")
        connection = self.connect()
        connection.send(_head(_PATHS[0], _BODY_BYTES,
                              more="expect: 100-continue"))
        self.assertEqual(connection.read_answer().status, 401)

    @unittest.skipIf(SANITIZED, "memory is a sanitizer's")
    def test_what_strangers_send_takes_no_memory(self):
        self.assert_serves_alice()
        before = self.rss_bytes()
        answers = []
        body = b" " * _BODY_BYTES

        def press(path):
            with RawConnection(self.gateway.http) as connection:
                connection.send(_head(path, _BODY_BYTES))
                connection.send(body[:_MIB])
                answers.append(connection.read_answer().status)
                try:
                    connection.send(body[_MIB:])
                except OSError:
                    pass  # The gateway has had enough.
        threads = [threading.Thread(target=press, args=(_PATHS[0],))
                   for _ in range(20)]
        most = before
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            most = max(most, self.rss_bytes())
            threads[0].join(0.01)
        for thread in threads:
            thread.join()
        self.assertLess(most - before, _GROWTH_MAX)
        self.assertEqual(answers, [401] * 20)
        self.assert_serves_alice()


class DripTest(_KeyCase):

    http_options = ", body_timeout: 1s, body_stall_timeout: 20s"

    def test_much_that_has_come_buys_no_time_without_end(self):
        connection = self.connect()
        connection.send(_head(_PATHS[0], _BODY_BYTES, key=_KEY))
        connection.send(b" " * _MIB)  # A quarter of an hour, at the least rate.
        self.assertEqual(connection.read_answer().status, 408)


if __name__ == "__main__":
    unittest.main()
