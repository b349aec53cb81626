"""What callers do not read is bounded, and counted as what it is."""

import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls
from tests.integration.grpc_abuse_case import MIB
from tests.integration.http_calls import chat

_DEADLINE_S = 60.0


def _text(size):
    """A script with an answer of so many bytes."""
    return {"chunks": size // 16384, "chunk_bytes": 16384}


class WantOfRoomTest(gateway_case.GatewayCase):
    """An answer for which there is no room is no failure of the provider."""

    config = gateway_case.CONFIG + (
        "runtime: {{event_loops: 1, answer_buffer_bytes_limit: 1MiB}}\n")

    def test_it_is_the_gateways_own(self):
        for path, model in ((http_calls.CHAT, "gpt-large"),
                            ("/v1/messages", "gpt-translated")):
            with self.subTest(path=path):
                self.upstream.set_script(model, _text(4 * MIB))
                answer = http_calls.ask(
                    self.gateway.http, {**chat(model), "max_tokens": 9},
                    path=path)
                self.assertIn(answer.status, (503, 529), answer.body[:200])
                line = self.gateway.wait_for_access(model=model)
                self.assertEqual(line["error_reason"], "OVERLOADED")
                self.assertEqual(line["attempt_count"], 1)
        ready = http_calls.ask(self.gateway.http, path="/health/ready")
        self.assertNotIn(b"degraded", ready.body)


class TranslatedTest(gateway_case.GatewayCase):
    """A translated answer is held once while its caller takes it."""

    config = gateway_case.CONFIG + "runtime: {{event_loops: 1}}\n"

    @grpc_abuse_case.skip_if_sanitized
    def test_slow_readers(self):
        side = grpc_abuse_case.Side(self.gateway, _DEADLINE_S, "http")
        callers, size = 6, 24 * MIB
        self.upstream.set_script("claude-slow", _text(size))
        before = side.resident_bytes()
        for _ in range(callers):
            connection = self.enter(http_calls.RawConnection(
                self.gateway.http, receive_buffer_bytes=4096))
            connection.send(http_calls.request_bytes(chat("claude-slow")))
            # Written as far as the sockets take it.
            self.assertEqual(connection.read_head()[0], 200)
        deadline = time.monotonic() + _DEADLINE_S
        while side.resident_bytes() - before > callers * size * 3 // 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)


if __name__ == "__main__":
    unittest.main()
