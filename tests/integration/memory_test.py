"""What a burst has taken is given back to the system."""

import json
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls

MIB = 1 << 20
# Of what the burst has added, so much may stay.
KEPT = 64 * MIB
DEADLINE_S = 60

# Values, each of which becomes a message or more.
_MANY = 1_000_000


class MemoryTest(gateway_case.GatewayCase):

    def resident(self):
        with open("/proc/%d/status" % self.gateway.pid,
                  encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return (int(fields["VmRSS"].split()[0]) * 1024,
                int(fields["VmHWM"].split()[0]) * 1024)

    def test_memory_of_a_large_request_is_given_back(self):
        before, _ = self.resident()
        # A million values that are made messages one by one.
        parts = [{"type": "text", "text": "hello"}] * 90_000
        # A model of another vendor: what is only forwarded is not read so.
        body = {"model": "gpt-x", "messages": [
            {"role": "user", "content": parts}], "max_tokens": 1,
            "metadata": {"filler": "x" * (20 * MIB)}}
        for _ in range(3):
            http_calls.ask(self.gateway.http, body, path="/v1/messages")
        _, most = self.resident()
        self.assertGreater(most, before + KEPT)
        pause = threading.Event()
        for _ in range(DEADLINE_S * 5):
            after, _ = self.resident()
            if after < before + KEPT:
                return
            pause.wait(0.2)
        self.fail("%d MiB before, %d MiB at most, %d MiB after"
                  % (before // MIB, most // MIB, after // MIB))


class ManySmallValuesTest(gateway_case.GatewayCase):
    """What a text is read into is bounded by the text's own size."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.side = grpc_abuse_case.Side(cls.gateway, DEADLINE_S)
        http_calls.ask(cls.gateway.http, http_calls.chat("gpt-x"))

    def ask(self, body):
        """The status of a translated call, within bounds."""
        self.side.start_peak()
        answer = http_calls.ask(self.gateway.http, body, path="/v1/messages")
        self.assertLess(self.side.peak_bytes(), 128 * MIB)
        return answer

    def script(self, **script):
        self.upstream.set_script("gpt-x", {"status": 200, **script})
        return {"model": "gpt-x", "max_tokens": 1,
                "messages": [{"role": "user", "content": "hi"}]}

    def test_an_answer_of_unknown_members(self):
        answer = self.ask(self.script(
            content_type="application/json",
            body='{"choices":[],%s"b":1}' % ('"a":1,' * _MANY)))
        self.assertEqual(answer.status, 502)
        self.assertIn("many small values", answer.error()["message"])

    def test_an_answer_of_empty_details(self):
        details = "{}," * (2 * _MANY)
        answer = self.ask(self.script(
            content_type="application/json",
            body='{"choices":[{"index":0,"finish_reason":"stop","message":'
            '{"role":"assistant","content":"a","reasoning_details":[%s{}]}}]}'
            % details))
        self.assertEqual(answer.status, 502)
        self.assertIn("many small values", answer.error()["message"])

    def test_a_request_of_unknown_members(self):
        body = json.dumps(self.script(body="{}")).encode()
        body = body.replace(b'"role":', b'"a":1,' * _MANY + b'"role":')
        answer = self.ask(body)
        self.assertEqual(answer.status, 413)
        self.assertIn("many small values", answer.error()["message"])

    def test_a_stream_that_says_nothing(self):
        body = self.script(content_type="text/event-stream",
                           body='data: {"type":"ping"}\n\n' * _MANY)
        answer = self.ask({**body, "stream": True})
        self.assertEqual(answer.status, 502)
        self.assertIn("bytes of stream without content",
                      answer.error()["message"])


class KeptConversationsTest(gateway_case.GatewayCase):
    """Conversations of short messages take what their store may."""

    config = gateway_case.CONFIG + (
        "response_store: {{size_bytes_limit: 8MiB}}\n")

    @grpc_abuse_case.skip_if_sanitized
    def test_short_messages_take_no_more_than_they_say(self):
        side = grpc_abuse_case.Side(self.gateway, DEADLINE_S, "http")
        body = {"model": "claude-x", "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "a"}]}] * 9999}
        # The first ones warm what is kept whoever calls.
        for i in range(160):
            if i == 8:
                before = side.resident_bytes()
            answer = http_calls.ask(self.gateway.http, body,
                                    path="/v1/responses")
            self.assertEqual(answer.status, 200, answer.body[:200])
        self.assertLess(side.resident_bytes() - before, KEPT)
        # And the last one can be gone on from.
        answer = http_calls.ask(self.gateway.http, {
            "model": "claude-x", "input": "b",
            "previous_response_id": answer.json()["id"]},
            path="/v1/responses")
        self.assertEqual(answer.status, 200, answer.body[:200])


if __name__ == "__main__":
    unittest.main()
