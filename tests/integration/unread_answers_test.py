"""What callers do not read is bounded, and counted as what it is."""

import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import MIB
from tests.integration.grpc_abuse_case import framed_request
from tests.integration.http_calls import chat
from tests.testing import http2_wire

_SHUT = http2_wire.settings(INITIAL_WINDOW_SIZE=0)
_DEADLINE_S = 60.0


def _text(size):
    """A script with an answer of so many bytes."""
    return {"chunks": size // 16384, "chunk_bytes": 16384}


class GrpcTest(grpc_abuse_case.AbuseCase):
    """Whole answers whose client gives no window for them."""

    listener = "write_stall_timeout: 2s"
    more = "runtime: {{event_loops: 1, answer_buffer_bytes_limit: 64MiB}}\n"
    compares = False

    def begin(self, model, calls, size):
        """A connection that asks for so many answers, and takes nothing."""
        self.upstream.set_script(model, _text(size))
        connection = self.connect(self.native, rude=True, first=_SHUT)
        connection.await_settings()
        connection.send(http2_wire.frame(
            http2_wire.SETTINGS, http2_wire.ACK))
        self.streams = [
            connection.call(GENERATE, framed_request(model))
            for _ in range(calls)]
        self.upstream.wait_for("ended", model, count=calls)
        return connection

    def in_flight(self):
        return self.native.metric('llmgw_inflight_requests{protocol="grpc"}')

    def lines(self, model, calls):
        """Those of so many calls, once they are there."""
        deadline = time.monotonic() + _DEADLINE_S
        while len(self.gateway.access_lines(model=model)) < calls:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        return self.gateway.access_lines(model=model)

    @grpc_abuse_case.skip_if_sanitized
    def test_they_are_under_way_and_within_the_budget(self):
        calls = 40
        self.native.start_peak()
        self.begin("gpt-unread", calls, 8 * MIB)
        self.assertGreater(self.in_flight(), 0)
        lines = self.lines("gpt-unread", calls)
        # What is held once, and what is read and written at a time.
        self.assertLess(self.native.peak_bytes(), 160 * MIB)
        for line in lines:
            self.assertIn(line.get("error_reason"),
                          ("CANCELLED", "OVERLOADED"))
        self.native.await_rest()
        # Nobody else is to blame.
        ready = http_calls.ask(self.gateway.http, path="/health/ready")
        self.assertNotIn(b"degraded", ready.body)

    def test_a_client_that_goes_has_not_been_answered(self):
        connection = self.begin("gpt-reset", 1, 8 * MIB)
        stream, = self.streams
        # With its head all of it waits for the client.
        connection.read_until(lambda: connection.answers[stream].headers)
        connection.send(http2_wire.reset(stream))
        line, = self.lines("gpt-reset", 1)
        self.assertEqual(line["status"], "CANCELLED")

    def test_a_byte_now_and_then_is_not_enough(self):
        began = time.monotonic()
        connection = self.begin("gpt-trickle", 1, 96 * 1024)
        while not self.gateway.access_lines(model="gpt-trickle"):
            self.assertLess(time.monotonic() - began, _DEADLINE_S)
            connection.send(http2_wire.window_update(self.streams[0], 1))
            time.sleep(0.3)
        line, = self.gateway.access_lines(model="gpt-trickle")
        self.assertEqual(line["status"], "CANCELLED")
        self.assertIn("too slowly", line["error"])

    def test_who_reads_gets_all_of_it(self):
        self.upstream.set_script("gpt-read", _text(8 * MIB))
        connection = self.connect(self.native)
        stream = connection.call(GENERATE, framed_request("gpt-read"))
        self.assertEqual(connection.told(stream), "OK")
        message, = connection.answers[stream].messages
        self.assertGreater(len(message), 8 * MIB)
        self.assertEqual(
            self.gateway.wait_for_access(model="gpt-read")["status"], "OK")


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

    def test_so_is_what_a_stream_repeats_at_its_end(self):
        self.upstream.set_script("claude-long", _text(4 * MIB))
        answer = http_calls.ask(self.gateway.http, {
            "model": "claude-long", "input": "Hello", "stream": True,
            "store": False}, path="/v1/responses")
        self.assertEqual(answer.events()[-1]["type"], "response.failed")
        line = self.gateway.wait_for_access(model="claude-long")
        self.assertEqual(line["error_reason"], "OVERLOADED")
        # What is held counts once, in however small pieces it came, once more
        # where it is stored, and three times while the end of the text is
        # written: of all that there may be half of what is free.
        small = {"chunks": 80 * 64, "chunk_bytes": 16}
        for store in (False, True):
            self.upstream.set_script("claude-small", small)
            answer = http_calls.ask(self.gateway.http, {
                "model": "claude-small", "input": "Hello", "stream": True,
                "store": store}, path="/v1/responses")
            self.assertEqual(answer.events()[-1]["type"],
                             "response.completed")
        # One that its format does not repeat takes no room.
        self.upstream.set_script("claude-chat", _text(4 * MIB))
        answer = http_calls.ask(self.gateway.http,
                                chat("claude-chat", stream=True))
        self.assertEqual(len(answer.text()), 4 * MIB)


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
