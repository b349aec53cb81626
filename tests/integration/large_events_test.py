"""One event of a stream may be large, and is bounded and counted then.

An event is held as it comes, as it is read and as it is written anew: with a
caller who does not read, all of that counts in runtime.answer_buffer_bytes_limit.
"""

import json
import time
import unittest

from tests.integration import grpc_abuse_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration import vendor_case
from tests.integration.grpc_abuse_case import MIB
from tests.integration.grpc_abuse_case import STREAM
from tests.integration.grpc_abuse_case import framed_request
from tests.integration.http_calls import chat
from tests.testing import http2_wire

_DEADLINE_S = 60.0
_LIMIT = 128 * MIB
_EVENT = 3 * MIB
_CALLERS = 64
# What one event takes while a thread reads it or writes it anew, in events;
# there are two threads for that, and the loop, on which a buffer grows.
_AT_WORK = 5
_THREADS = 3
# What of a stream is not counted, of each of four forms; and what the allocator
# keeps for later, twice since it is in pieces.
_UNCOUNTED = 4 * 64 * 1024
_KEPT = 2 * 16 * MIB
_PEAK = (_LIMIT + _THREADS * _AT_WORK * _EVENT + _CALLERS * _UNCOUNTED + _KEPT)

_GEMINI = "/v1beta/models/%s:streamGenerateContent?alt=sse"
_FIELD = "limits.sse_event_bytes_limit"


def _requests(model):
    """A stream of this model at each API of HTTP, by its name."""
    return {
        "openai": http_calls.request_bytes(chat(model, stream=True)),
        "anthropic": http_calls.request_bytes(
            vendor_case.message_of(model, stream=True), path="/v1/messages"),
        "gemini": http_calls.request_bytes(
            vendor_case.prompt(), path=_GEMINI % model)}


class UnreadTest(grpc_abuse_case.AbuseCase):
    """Callers who take nothing, of streams of one event."""

    listener = "write_stall_timeout: 60s"
    more = "runtime: {{event_loops: 1, answer_buffer_bytes_limit: 128MiB}}\n"
    compares = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.at_rest = cls.native.resident_bytes()

    def check(self, model, begin):
        """Has each of many callers `begin` a call of the model."""
        self.upstream.set_script(model, {"chunks": 1, "chunk_bytes": _EVENT})
        kept = self.native.resident_bytes() - self.at_rest
        self.native.start_peak()
        for _ in range(_CALLERS):
            begin()
        # Each has been read, and is held or was refused.
        self.upstream.wait_for("ended", model, count=_CALLERS)
        failed = self.await_lines(model, _CALLERS - _LIMIT // _EVENT)
        self.assertLess(kept + self.native.peak_bytes(), _PEAK)
        # Some are held, more than there would be room for if each were held
        # more than twice.
        self.assertGreaterEqual(_CALLERS - len(failed), 12)
        for line in failed:
            self.assertEqual(line["error_reason"], "OVERLOADED")
            self.assertIn("runtime.answer_buffer_bytes_limit", line["error"])
        # Nobody else is to blame.
        ready = http_calls.ask(self.gateway.http, path="/health/ready")
        self.assertNotIn(b"degraded", ready.body)

    def check_http(self, api):
        model = "gpt-" + api
        request = _requests(model)[api]
        connections = []

        def begin():
            connection = self.enter(http_calls.RawConnection(
                self.gateway.http, receive_buffer_bytes=4096))
            connection.send(request)
            connections.append(connection)

        self.check(model, begin)
        for connection in connections:
            connection.reset()
        self.check_left(model)

    def check_left(self, model):
        """What those who leave have held is there for others."""
        self.await_lines(model, _CALLERS)
        answer = http_calls.ask(self.gateway.http, chat(model, stream=True))
        self.assertEqual(len(answer.text()), _EVENT)

    def await_lines(self, model, calls):
        """Those of so many calls, once they are there."""
        deadline = time.monotonic() + _DEADLINE_S
        while len(self.gateway.access_lines(model=model)) < calls:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        return self.gateway.access_lines(model=model)

    @grpc_abuse_case.skip_if_sanitized
    def test_forwarded_events(self):
        self.check_http("openai")

    @grpc_abuse_case.skip_if_sanitized
    def test_events_for_anthropics_callers(self):
        self.check_http("anthropic")

    @grpc_abuse_case.skip_if_sanitized
    def test_events_for_geminis_callers(self):
        self.check_http("gemini")

    @grpc_abuse_case.skip_if_sanitized
    def test_events_for_grpcs_callers(self):
        connection = self.connect(
            self.native, rude=True,
            first=http2_wire.settings(INITIAL_WINDOW_SIZE=1000))
        connection.await_settings()
        connection.send(http2_wire.frame(http2_wire.SETTINGS, http2_wire.ACK))
        self.check("gpt-grpc", lambda: connection.call(
            STREAM, framed_request("gpt-grpc")))
        connection.reset()
        self.check_left("gpt-grpc")


def _chunk(text, finish=None):
    return "data: %s\n\n" % json.dumps({
        "id": "x", "object": "chat.completion.chunk", "created": 1,
        "model": "m", "choices": [{"index": 0, "delta": {"content": text},
                                   "finish_reason": finish}]})


class LimitTest(vendor_case.VendorCase):
    """An event may be as large as its limit says, and no larger."""

    config = vendor_case.CONFIG + "limits: {{sse_event_bytes_limit: 1MiB}}\n"
    calls_grpc = True

    def stream(self, api, model):
        """The answer of a stream at one of HTTP's APIs."""
        connection = self.enter(http_calls.RawConnection(self.gateway.http))
        connection.send(_requests(model)[api])
        return connection.read_answer()

    def text_of(self, size):
        """A text whose chunk is an event of so many bytes."""
        return "x" * (size - len(_chunk("")))

    def play_text(self, model, before, text):
        self.play(model, before + _chunk(text) + _chunk("", "stop") +
                  "data: [DONE]\n\n", content_type="text/event-stream")

    def test_one_of_just_the_limit_comes_whole(self):
        text = self.text_of(MIB)
        self.play_text("gpt-fits", "", text)
        for api in ("openai", "anthropic", "gemini"):
            with self.subTest(api=api):
                answer = self.stream(api, "gpt-fits")
                self.assertEqual(answer.status, 200, answer.body[:200])
                self.assertIn(text.encode(), answer.body)
        call = self.caller.stream_all(self.gateway.grpc,
                                      grpc_caller.prompt("gpt-fits"))
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertEqual(call.text(), text)

    def test_one_byte_more_is_the_providers_fault(self):
        self.play_text("gpt-large", "", self.text_of(MIB + 1))
        for api in ("openai", "anthropic", "gemini"):
            with self.subTest(api=api):
                answer = self.stream(api, "gpt-large")
                self.assertEqual(answer.status, 502, answer.body[:200])
                self.assertIn(_FIELD, answer.error()["message"])
                self.assertIn("1048576 bytes", answer.error()["message"])
        call = self.caller.stream_all(self.gateway.grpc,
                                      grpc_caller.prompt("gpt-large"))
        self.assertEqual(call.end["reason"], "PROVIDER_BAD_RESPONSE")
        self.assertIn(_FIELD, call.end["message"])
        for line in self.gateway.access_lines(model="gpt-large"):
            self.assertEqual(line["error_reason"], "PROVIDER_BAD_RESPONSE")

    def test_behind_others_it_ends_the_stream(self):
        self.play_text("gpt-late", _chunk("begun"), self.text_of(MIB + 1))
        for api in ("openai", "anthropic", "gemini"):
            with self.subTest(api=api):
                answer = self.stream(api, "gpt-late")
                self.assertEqual(answer.status, 200)
                self.assertIn(b"begun", answer.body)
                error, = http_calls.stream_errors(answer.body)
                self.assertIn(_FIELD, error["message"])
        call = self.caller.stream_all(self.gateway.grpc,
                                      grpc_caller.prompt("gpt-late"))
        self.assertEqual(call.end["reason"], "STREAM_INTERRUPTED")
        self.assertEqual(call.end["metadata"]["cause"],
                         "PROVIDER_BAD_RESPONSE")
        self.assertIn(_FIELD, call.end["message"])


if __name__ == "__main__":
    unittest.main()
