"""A provider whose HTTP/2 is played frame by frame: what no proper server
says when it is asked to, and what the gateway's own frames look like."""

import json
import socket
import struct
import threading
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import hpack
from tests.testing import http2_wire as wire
from tests.testing.gateway_process import GatewayProcess

_CONFIG = """\
runtime: {event_loops: 1}
providers:
  - name: provider
    credential_passthrough: true
    %s:
      base_url: "http://%s"
      api_key: "env:KEY"
      http: {http_version: http2, headers: {x-proxy-key: of-the-proxy}}
routing: {default_target: provider}
resilience:
  retry: {attempts_limit: %d, backoff_base: 1ms, backoff_limit: 5ms}
  circuit_breaker: {mode: "off"}
"""
_REFUSED_STREAM = 7


def refusal(stream):
    return wire.reset(stream, _REFUSED_STREAM)


def going_away(_):
    """The last stream that was looked at is none; no error."""
    return wire.frame(wire.GOAWAY, payload=struct.pack(">II", 0, 0))


def answer(stream, status="200"):
    body = json.dumps({
        "id": "c-1", "object": "chat.completion", "created": 1,
        "model": "gpt-x", "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "at last"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2,
                  "total_tokens": 3}})
    return wire.headers(stream, wire.block_of([
        (":status", status), ("content-type", "application/json")])) + \
        wire.data(stream, body.encode(), end=True)


def overload(stream):
    return answer(stream, status="503")


class FrameUpstream:
    """Says the next of `replies`, a function of the stream, to each request,
    and the last one to all that follow."""

    def __init__(self, *replies):
        self.never_indexed = []  # By request: names.
        self._replies = replies
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        try:
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,),
                                 daemon=True).start()
        except OSError:
            pass  # Closed.

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            stream.read(len(wire.PREFACE))
            connection.sendall(wire.settings())
            decoder = hpack.Decoder()
            while len(head := stream.read(9)) == 9:
                size = int.from_bytes(head[:3], "big")
                kind, flags, number = struct.unpack_from(">BBI", head, 3)
                payload = stream.read(size)
                if kind == wire.SETTINGS and not flags & wire.ACK:
                    connection.sendall(wire.frame(wire.SETTINGS, wire.ACK))
                elif kind == wire.HEADERS:
                    decoder.decode(payload)
                elif kind == wire.DATA and flags & wire.END_STREAM:
                    connection.sendall(self._reply(decoder)(number))

    def _reply(self, decoder):
        with self._lock:
            self.never_indexed.append(
                [name.decode() for name in decoder.never_indexed])
            return self._replies[min(len(self.never_indexed),
                                     len(self._replies)) - 1]


def ask(*replies, provider="openai", attempts_limit=1, headers=None):
    """The gateway's answer, and the upstream that it asked."""
    with FrameUpstream(*replies) as upstream:
        config = _CONFIG % (provider, upstream.address, attempts_limit)
        with GatewayProcess(config, env={"KEY": "key-1234567890"}) as gateway:
            got = http_calls.ask(gateway.http, chat("gpt-x"), headers=headers)
    return got, upstream


def interims(count):
    """So many interim answers, then the true one."""
    def reply(stream):
        hint = wire.headers(stream, wire.block_of([(":status", "103")]))
        return hint * count + answer(stream)
    return reply


class InterimTest(unittest.TestCase):

    def test_interim_answers_come_to_an_end(self):
        got, _ = ask(interims(8))
        self.assertEqual((got.status, got.text()), (200, "at last"))
        got, _ = ask(interims(9))
        self.assertEqual(got.status, 502)


class RefusedStreamTest(unittest.TestCase):

    def assert_answered(self, asked, requests):
        got, upstream = asked
        self.assertEqual(got.status, 200, got.body)
        self.assertEqual(got.text(), "at last")
        self.assertEqual(len(upstream.never_indexed), requests)

    def test_a_refused_request_is_made_again_and_costs_no_attempt(self):
        for say_no in (refusal, going_away):
            with self.subTest(say_no.__name__):
                self.assert_answered(ask(say_no, answer), 2)

    def test_that_is_so_after_an_attempt_that_counts(self):
        self.assert_answered(
            ask(overload, refusal, answer, attempts_limit=2), 3)

    def test_one_that_is_always_refused_is_not_made_forever(self):
        got, upstream = ask(refusal)
        self.assertEqual(got.status, 502, got.body)
        self.assertEqual(len(upstream.never_indexed), 2)


class SecretsTest(unittest.TestCase):

    def test_compression_remembers_none_of_those_sent(self):
        for provider, field in (("openai", "authorization"),
                                ("azure_openai", "api-key"),
                                ("anthropic", "x-api-key"),
                                ("gemini", "x-goog-api-key")):
            for headers in ({}, {"x-provider-authorization": "Bearer own"}):
                with self.subTest(provider, **headers):
                    _, upstream = ask(overload, provider=provider,
                                      headers=headers)
                    # What is new each time is not worth it.
                    self.assertEqual(
                        sorted(upstream.never_indexed[0]),
                        sorted([field, "x-proxy-key", "x-request-id"]))


if __name__ == "__main__":
    unittest.main()
