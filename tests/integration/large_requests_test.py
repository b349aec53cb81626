"""Large requests of callers with a key, and large answers, do not hold the loop.

The gateway has one loop. Each request here takes long to be read, and is
refused for what stands at its very end, so that its answer comes as soon as it
has been read; so does the answer of a provider. Whoever asks once the gateway
has all of it must be answered before.
"""

import gzip
import json
import select
import socket
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_abuse_case import field
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import encode
from tests.testing import http2_wire

_MIB = 1 << 20
_BODY_BYTES = 31 * _MIB
_KEY = "key-of-a-caller-1234567890"
_PROBE = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
_WORDS = "some words "
_TRIES = 5

_CONFIG = gateway_case.CONFIG + """\
runtime: {{event_loops: 1}}
auth: {{callers: {{api_keys: [{{id: caller, key: "env:CALLER_KEY"}}]}}}}
listeners:
  grpc: {{address: "127.0.0.1:0", receive_message_bytes_limit: 32MiB}}
  http: {{address: "127.0.0.1:0"}}
  admin: {{address: "127.0.0.1:0"}}
  operations: {{address: "127.0.0.1:0"}}
"""


def _unread(here):
    """Bytes sent by the socket that the other end has not read."""
    local, remote = here.getsockname()[1], here.getpeername()[1]
    unread = 0
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            ports = tuple(int(fields[i].split(":")[1], 16) for i in (1, 2))
            sent, received = (int(part, 16) for part in fields[4].split(":"))
            if ports == (local, remote):
                unread += sent
            elif ports == (remote, local):
                unread += received
    return unread


def _await_read(here):
    while _unread(here) > 0:
        pass


def _readable(here):
    return bool(select.select([here], [], [], 0)[0])


class _LoopCase(gateway_case.GatewayCase):

    config = _CONFIG
    env = {**gateway_case.ENV, "CALLER_KEY": _KEY}

    def answered_beside(self, large, last, is_answered):
        """How many probes are answered, each asked after the one before, when
        the socket `large` has sent all but `last`, until that is answered."""
        prober = self.enter(RawConnection(self.gateway.operations))
        prober.send(_PROBE)  # From now on the loop knows the connection.
        self.assertEqual(prober.read_answer().status, 200)
        _await_read(large)
        self.assertFalse(is_answered())
        large.sendall(last)
        answered = 0
        while True:
            prober.send(_PROBE)
            self.assertEqual(prober.read_answer().status, 200)
            if is_answered():
                return answered
            answered += 1

    def check_any(self, answered):
        """Some are answered. Whoever holds the loop never lets any through; a
        busy machine may let this process come too late."""
        self.assertTrue(any(answered() for _ in range(_TRIES)))


class LargeRequestsTest(_LoopCase):

    def check(self, path, body, refusal):
        """Sends `body`; the refusal matches."""
        whole = http_calls.request_bytes(
            body, path, headers=["authorization: Bearer " + _KEY])

        def answered():
            with RawConnection(self.gateway.http) as large:
                large.send(whole[:-1])
                answered = self.answered_beside(
                    large.socket, whole[-1:], lambda: _readable(large.socket))
                answer = large.read_answer()
            self.assertEqual(answer.status, 400)
            self.assertRegex(answer.body.decode(), refusal)
            return answered
        self.check_any(answered)

    def test_a_translated_chat(self):
        text = _WORDS * (_BODY_BYTES // len(_WORDS))
        body = {"model": "claude-x", "messages": [
            {"role": "user", "content": text}, {"role": 1}]}
        self.check("/v1/chat/completions", body, "role")

    def test_a_chat_of_many_parts(self):
        part = {"type": "text", "text": "hello"}
        body = {"model": "claude-x", "messages": [
            {"role": "user", "content": [part] * 90_000}, {"role": 1}]}
        self.check("/v1/chat/completions", body, "role")

    def test_embeddings(self):
        body = (b'{"model":"gpt-x","input":[' +
                b"1," * ((_BODY_BYTES - 64) // 2) + b'{}]}')
        self.check("/v1/embeddings", body, "input")

    def test_a_count_of_tokens_by_gemini(self):
        text = _WORDS * (_BODY_BYTES // len(_WORDS))
        body = {"contents": [{"parts": [{"text": text}, {"text": 1}]}]}
        self.check("/v1beta/models/gpt-x:countTokens", body, "text")

    def test_a_response(self):
        text = _WORDS * (_BODY_BYTES // len(_WORDS))
        body = {"model": "claude-x", "input": [
            {"role": "user", "content": text}, {"role": 1}]}
        self.check("/v1/responses", body, "role")

    def test_a_schema(self):
        # Short patterns that take long to compile, and one that is none.
        properties = {"p%d" % i: {"type": "string",
                                  "pattern": "[^a]{1,900}%d" % i}
                      for i in range(200)}
        properties["zz"] = {"pattern": "("}
        body = http_calls.chat("claude-x", response_format={
            "type": "json_schema", "json_schema": {
                "name": "s",
                "schema": {"type": "object", "properties": properties}}})
        self.check("/v1/chat/completions", body, "zz/pattern")

    def test_a_message_of_grpc(self):
        self.check_grpc(lambda message: http2_wire.framed(message))

    def test_a_compressed_message_of_grpc(self):
        self.check_grpc(
            lambda message: http2_wire.framed(gzip.compress(message, 1), 1),
            ("grpc-encoding", "gzip"))

    def check_grpc(self, framed, *fields):
        # Parts of one byte, and one without anything.
        parts = field(2, field(1, b"x")) * 400_000 + field(2, b"")
        message = field(1, b"gpt-x") + field(2, b"\x08\x02" + parts)
        fields = http2_wire.grpc_fields(
            "/llmgateway.v1.GatewayService/Generate",
            [("authorization", "Bearer " + _KEY), *fields])
        body = framed(message)

        def answered():
            with http2_wire.Http2Connection(self.gateway.grpc) as large:
                stream = large.begin(fields=fields)
                large.send_body(stream, body[:-1])
                large.ping()

                def is_answered():
                    while _readable(large.socket):
                        large.read_frame()
                    return large.answers[stream].ended
                answered = self.answered_beside(
                    large.socket, http2_wire.data(stream, body[-1:], end=True),
                    is_answered)
                self.assertEqual(large.told(stream), "INVALID_ARGUMENT")
            return answered
        self.check_any(answered)


class LargeAnswersTest(_LoopCase):
    """The test itself is the provider."""

    @classmethod
    def upstream_address(cls):
        cls.listener = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(cls.listener.close)
        return "127.0.0.1:%d" % cls.listener.getsockname()[1]

    def check(self, request, reply, *headers):
        """Sends `request`, which is answered with `reply`; returns what the
        caller gets."""
        whole = encode(reply)
        whole = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                 b"connection: close\r\ncontent-length: %d\r\n\r\n"
                 % len(whole)) + whole

        def answered():
            with RawConnection(self.gateway.http) as caller:
                caller.send(http_calls.request_bytes(
                    request, headers=["authorization: Bearer " + _KEY,
                                      *headers]))
                provider, _ = self.listener.accept()
                with provider:
                    provider.recv(65536)
                    provider.sendall(whole[:-1])
                    answered = self.answered_beside(
                        provider, whole[-1:],
                        lambda: _readable(caller.socket))
                    self.answer = caller.read_answer()
            return answered
        self.check_any(answered)
        self.assertEqual(self.answer.status, 200)
        return self.answer.json()

    def test_an_answer_that_is_translated(self):
        text = _WORDS * (_BODY_BYTES // 2 // len(_WORDS))
        told = self.check(http_calls.chat("claude-x"), {
            "id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-x", "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1}})
        self.assertEqual(told["choices"][0]["message"]["content"], text)

    def test_an_answer_that_takes_long_to_be_checked(self):
        # Each of the items is checked by each of the schemas.
        schema = {"type": "array",
                  "items": {"allOf": [{"type": "integer"}] * 300}}
        self.check(http_calls.chat("gpt-x", response_format={
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": schema}}), {
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
                "model": "gpt-x", "choices": [{
                    "index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant",
                                "content": json.dumps([1] * 3000)}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                          "total_tokens": 2}},
            "x-llmgateway-strict-output: true")


if __name__ == "__main__":
    unittest.main()
