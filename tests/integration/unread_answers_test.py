"""What callers do not read is bounded, and counted as what it is."""

import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_abuse_case import MIB
from tests.integration.http_calls import chat

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


if __name__ == "__main__":
    unittest.main()
