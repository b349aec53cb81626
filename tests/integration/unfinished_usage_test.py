"""What is billed of answers that tell too little of their usage, tell it too
soon, break off, or come in another form than was asked for (docs/cost.md)."""

import http.client
import itertools
import json
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import chat

_WORDS = "word " * 400
_TOKENS = len(_WORDS) // 4
_USAGE = {"prompt_tokens": 100, "completion_tokens": 700}
_UNREAD = (-7, 7.5, "text", 2 ** 63, None)
# What a background answer is taken to have, and "Hello" with its frame.
_EXPECTED = 1000
_INPUT = 6
_JSON = "application/json"
_STREAM = "text/event-stream"


def _sse(*events):
    return "".join("%sdata: %s\n\n" % (
        "event: %s\n" % event["type"] if "type" in event else "",
        json.dumps(event)) for event in events)


def _chunk(text=None, reason=None, **fields):
    return {"id": "c", "object": "chat.completion.chunk", "created": 1,
            "model": "m", **fields, "choices": [{
                "index": 0, "finish_reason": reason,
                "delta": {"content": text} if text else {}}]}


def _chat_stream(first=None, last=None):
    tell = lambda usage: {} if usage is None else {"usage": usage}
    return _sse(_chunk("w", **tell(first)), _chunk(_WORDS),
                _chunk(None, "stop", **tell(last))) + "data: [DONE]\n\n"


def _gemini_stream(first=None, last=None):
    def event(text, usage, **fields):
        tell = {} if usage is None else {"usageMetadata": usage}
        return {**tell, "modelVersion": "g", "candidates": [{
            "index": 0, **fields,
            "content": {"role": "model", "parts": [{"text": text}]}}]}
    return _sse(event("w", first), event(_WORDS, None),
                event("x", last, finishReason="STOP"))


def _messages_stream(*usage):
    """With a placeholder at its beginning, and this usage at its end."""
    return _sse(
        {"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [], "stop_reason": None,
            "usage": {"input_tokens": 50, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0,
         "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "text_delta", "text": _WORDS}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
         **({"usage": usage[0]} if usage else {})},
        {"type": "message_stop"})


def _whole(usage):
    return json.dumps({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "usage": usage, "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": _WORDS}}]})


class _UnfinishedCase(gateway_case.GatewayCase):

    calls_grpc = True
    config = gateway_case.CONFIG.replace("routing:\n", (
        "  - name: gemini\n"
        "    gemini:\n"
        '      base_url: "http://{upstream}"\n'
        '      api_key: "env:OPENAI_KEY"\n'
        "routing:\n")).replace("  model_rules:\n", (
            "  model_rules:\n"
            '    - {{prefix: "gemini-", targets: [gemini]}}\n')).replace(
                "retry: {{", "retry: {{attempts_limit: 1, ")
    _numbers = itertools.count()

    def script(self, vendor, **script):
        model = "%s-%d" % (vendor, next(self._numbers))
        self.upstream.set_script(model, script)
        return model

    def request_of(self, api, model, stream):
        return {
            "chat": (http_calls.CHAT, chat(model, stream=stream)),
            "messages": ("/v1/messages", chat(model, stream=stream,
                                              max_tokens=1000)),
            "gemini": ("/v1beta/models/%s:%s" % (
                model, "streamGenerateContent?alt=sse" if stream
                else "generateContent"), {
                    "contents": [{"parts": [{"text": "Hello"}]}]}),
            "responses": ("/v1/responses", {
                "model": model, "input": "Hello", "stream": stream}),
            "embeddings": ("/v1/embeddings",
                           {"model": model, "input": "Hello you"}),
            "background": ("/v1/responses", {
                "model": model, "input": "Hello", "stream": stream,
                "background": True}),
        }[api]

    def ask(self, api, model, stream=False):
        """The log's line of a call."""
        if api == "grpc":
            ask = self.caller.stream_all if stream else self.caller.generate
            ask(self.gateway.grpc, grpc_caller.prompt(model))
        else:
            path, body = self.request_of(api, model, stream)
            try:
                http_calls.ask(self.gateway.http, body, path=path)
            except http.client.IncompleteRead:
                pass
        return self.gateway.wait_for_access(model=model)

    def expect(self, line, input_tokens, output_tokens, estimated=True):
        with self.subTest(line=line):
            self.assertEqual(line["input_tokens"], input_tokens)
            # Some say a letter more than the words.
            self.assertAlmostEqual(line["output_tokens"], output_tokens,
                                   delta=output_tokens // 100)
            self.assertEqual(line.get("usage_estimated", False), estimated)


class EarlyUsageTest(_UnfinishedCase):
    """Usage that was told before the last content is not that of all of it."""

    def each(self, vendor, body):
        apis = {"gpt": ("chat", "messages", "grpc"),
                "claude": ("messages", "chat", "grpc"),
                "gemini": ("gemini", "chat", "grpc")}[vendor]
        for api in apis:
            model = self.script(vendor, body=body, content_type=_STREAM)
            yield self.ask(api, model, stream=True)

    def test_a_placeholder_at_the_beginning_of_a_message(self):
        for usage in ((), ({},), ({"input_tokens": 50},),
                      ({"output_tokens": 0},),
                      *(({"output_tokens": each},) for each in _UNREAD)):
            for line in self.each("claude", _messages_stream(*usage)):
                self.expect(line, 50, _TOKENS)
        for line in self.each("claude",
                              _messages_stream({"output_tokens": 700})):
            self.expect(line, 50, 700, estimated=False)

    def test_usage_in_the_first_chunk(self):
        first = {"prompt_tokens": 50, "completion_tokens": 1}
        for last in (None, {"prompt_tokens": 50},
                     *({"prompt_tokens": 50, "completion_tokens": each}
                       for each in _UNREAD)):
            for line in self.each("gpt", _chat_stream(first, last)):
                self.expect(line, 50, _TOKENS)
        for line in self.each("gpt", _chat_stream(first, _USAGE)):
            self.expect(line, 100, 700, estimated=False)

    def test_usage_in_the_first_event_of_gemini(self):
        first = {"promptTokenCount": 50, "candidatesTokenCount": 1}
        for last in (None, {"promptTokenCount": 50}):
            for line in self.each("gemini", _gemini_stream(first, last)):
                self.expect(line, 50, _TOKENS)
        last = {"promptTokenCount": 50, "candidatesTokenCount": 700}
        for line in self.each("gemini", _gemini_stream(first, last)):
            self.expect(line, 50, 700, estimated=False)


class RunningCountTest(_UnfinishedCase):
    """A provider that counts as it goes has counted what came until then."""

    def each(self, vendor, body):
        own = {"gpt": "messages", "gemini": "gemini"}[vendor]
        for api in ("chat", own, "grpc"):
            model = self.script(vendor, body=body, content_type=_STREAM)
            yield self.ask(api, model, stream=True)

    def test_of_a_stream_that_breaks_off(self):
        tell = lambda tokens: {"usage": {"prompt_tokens": 50,
                                         "completion_tokens": tokens}}
        body = _sse(_chunk("w", **tell(1)), _chunk(_WORDS, **tell(700)),
                    _chunk(_WORDS))
        for line in self.each("gpt", body):
            self.expect(line, 50, 700 + _TOKENS)
        body = _sse(_chunk("w", **tell(1)), _chunk(_WORDS, **tell(30)))
        for line in self.each("gpt", body):
            self.expect(line, 50, 30)

    def test_of_one_of_gemini(self):
        def event(text, tokens=None):
            tell = {} if tokens is None else {"usageMetadata": {
                "promptTokenCount": 50, "candidatesTokenCount": tokens}}
            return {**tell, "modelVersion": "g", "candidates": [{
                "index": 0,
                "content": {"role": "model", "parts": [{"text": text}]}}]}
        body = _sse(event("w", 1), event(_WORDS, 700), event(_WORDS))
        for line in self.each("gemini", body):
            self.expect(line, 50, 700 + _TOKENS)

    def test_text_beside_usage_that_cannot_be_read_counts(self):
        bad = {"usage": {"prompt_tokens": 50, "completion_tokens": -7}}
        good = {"usage": {"prompt_tokens": 50, "completion_tokens": 30}}
        for line in self.each("gpt", _sse(_chunk("w", **good),
                                          _chunk(_WORDS, **bad))):
            self.expect(line, 50, 30 + _TOKENS)
        # Also in the first event, of which nobody gets anything.
        for line in self.each("gpt", _sse(_chunk(_WORDS, **bad))):
            self.expect(line, 50, _TOKENS)

    def test_what_gemini_says_without_text(self):
        code = "print(1)\n" * 200
        for part in ({"functionCall": {"name": "f",
                                       "args": {"x": "word " * 360}}},
                     {"executableCode": {"language": "PYTHON", "code": code}},
                     {"codeExecutionResult": {"outcome": "OUTCOME_OK",
                                              "output": code}}):
            body = _sse({"modelVersion": "g", "candidates": [{
                "index": 0, "content": {"role": "model", "parts": [part]}}]})
            for line in self.each("gemini", body):
                self.expect(line, _INPUT, 450)

    def test_escapes_count_as_what_they_stand_for(self):
        body = _sse(*[_chunk("\u4f60\u597d" * 100)] * 4)
        self.assertIn("\\u4f60", body)
        for line in self.each("gpt", body):
            self.expect(line, _INPUT, 200)


class BackgroundTest(_UnfinishedCase):
    """An answer in the background is made, whether or not somebody waits."""

    def leave(self, script, stream, after):
        """The log's line of a call that its caller leaves, after these bytes
        of the answer if there are any."""
        model = self.script("gpt", **script)
        path, body = self.request_of("background", model, stream)
        with http_calls.RawConnection(self.gateway.http) as connection:
            connection.send(http_calls.request_bytes(body, path=path))
            self.upstream.wait_for("started", model)
            if after:
                connection.read_until(after)
        return self.gateway.wait_for_access(model=model)

    def test_left_before_the_provider_has_answered(self):
        for stream in (False, True):
            self.expect(self.leave({"stall_before_first_byte": True}, stream,
                                   None), _INPUT, _EXPECTED)

    def test_a_stream_that_is_left(self):
        script = {"chunks": 9, "stall_after_chunks": 1}
        self.expect(self.leave(script, True, b"output_text.delta"), _INPUT,
                    _EXPECTED)

    def test_one_that_breaks_off(self):
        for script in ({"chunks": 9, "close_after_chunks": 0},
                       {"chunks": 9, "close_after_chunks": 2}):
            for stream in (False, True):
                model = self.script("gpt", **script)
                self.expect(self.ask("background", model, stream), _INPUT,
                            _EXPECTED)

    def test_what_it_tells_before_its_end(self):
        def tell(status, usage):
            return self.ask("background", self.script(
                "gpt", content_type=_JSON, body=json.dumps({
                    "id": "resp_1", "object": "response", "created_at": 1,
                    "status": status, "background": True, "model": "m",
                    "output": [], "usage": usage})))
        self.expect(tell("queued", None), _INPUT, _EXPECTED)
        self.expect(tell("queued", {"input_tokens": 104, "output_tokens": 0}),
                    104, _EXPECTED)
        self.expect(tell("queued", {"input_tokens": -1, "output_tokens": 0}),
                    _INPUT, _EXPECTED)
        self.expect(tell("completed", {"input_tokens": 104,
                                       "output_tokens": 9}),
                    104, 9, estimated=False)
        self.expect(tell("failed", None), 0, 0, estimated=False)


class VectorsTest(_UnfinishedCase):

    def test_they_cost_their_input_though_it_cannot_be_read(self):
        for told in (-1, "100", 2 ** 63 - 1):
            self.expect(self.ask("embeddings", self.script(
                "gpt", content_type=_JSON, body=json.dumps({
                    "object": "list", "model": "m", "data": [{
                        "object": "embedding", "index": 0,
                        "embedding": [0.5, 0.25]}],
                    "usage": {"prompt_tokens": told}}))), 3, 0)

    def test_and_though_they_break_off(self):
        self.expect(self.ask("embeddings", self.script(
            "gpt", close_after_chunks=0)), 3, 0)

    def test_a_failure_that_is_told_costs_nothing(self):
        for script in ({"status": 500}, {
                "content_type": _JSON,
                "body": json.dumps({"error": {"message": "quota"}})}):
            self.expect(self.ask("embeddings", self.script("gpt", **script)),
                        0, 0, estimated=False)


class OtherFormTest(_UnfinishedCase):
    """What comes in another form than was asked for is billed as it tells."""

    def each(self, stream, body, content_type):
        for api in ("chat", "messages", "grpc"):
            line = self.ask(api, self.script(
                "gpt", body=body, content_type=content_type), stream)
            self.assertNotEqual(line["status"], "OK")
            yield line

    def test_a_stream_in_place_of_a_whole_answer(self):
        for line in self.each(False, _chat_stream(None, _USAGE), _STREAM):
            self.expect(line, 100, 700, estimated=False)
        for line in self.each(False, _chat_stream(), _STREAM):
            self.expect(line, _INPUT, _TOKENS)

    def test_a_whole_answer_in_place_of_a_stream(self):
        for line in self.each(True, _whole(_USAGE), _JSON):
            self.expect(line, 100, 700, estimated=False)
        for line in self.each(True, _whole(None), _JSON):
            self.expect(line, _INPUT, _TOKENS)

    def test_either_under_another_media_type(self):
        for content_type in ("text/plain", "text/html",
                             "application/octet-stream"):
            for stream in (False, True):
                for body, told in ((_whole(_USAGE), True),
                                   (_whole(None), False),
                                   (_chat_stream(None, _USAGE), True),
                                   (_chat_stream(), False)):
                    for line in self.each(stream, body, content_type):
                        if told:
                            self.expect(line, 100, 700, estimated=False)
                        else:
                            self.expect(line, _INPUT, _TOKENS)

    def test_what_is_no_json_is_billed_by_its_size(self):
        for stream in (False, True):
            for line in self.each(stream, _WORDS, "text/plain"):
                self.expect(line, _INPUT, _TOKENS)
            # A page is nobody's work.
            page = "<!doctype html><html>%s</html>" % _WORDS
            for content_type in ("text/html", "text/plain"):
                for line in self.each(stream, page, content_type):
                    self.expect(line, 0, 0, estimated=False)

    def test_a_list_in_place_of_geminis_events(self):
        def event(text, tokens=None, **fields):
            tell = {} if tokens is None else {"usageMetadata": {
                "promptTokenCount": 100, "candidatesTokenCount": tokens}}
            return {**tell, "modelVersion": "g", "candidates": [{
                "index": 0, **fields,
                "content": {"role": "model", "parts": [{"text": text}]}}]}
        for body, expected in (
                ([event("w", 1), event(_WORDS, 700, finishReason="STOP")],
                 (100, 700, False)),
                ([event("w"), event(_WORDS, finishReason="STOP")],
                 (_INPUT, _TOKENS, True)),
                ([{"error": {"code": 429, "message": "slow down",
                             "status": "RESOURCE_EXHAUSTED"}}],
                 (0, 0, False))):
            for api, stream, content_type in itertools.product(
                    ("gemini", "chat", "messages", "responses", "grpc"),
                    (False, True), (_JSON, _STREAM)):
                line = self.ask(api, self.script(
                    "gemini", body=json.dumps(body, indent=2),
                    content_type=content_type), stream)
                self.assertNotEqual(line["status"], "OK")
                self.expect(line, *expected)
                self.assertNotIn("word word", json.dumps(line))

    def test_whatever_it_is_called(self):
        """Under the media type that was asked for, too."""
        for stream, content_type in ((False, _JSON), (True, _STREAM),
                                     (False, _STREAM)):
            for told in (_USAGE, None):
                bodies = ["[%s]" % _whole(told)]
                if content_type == _STREAM:
                    bodies.append(_whole(told))
                else:
                    bodies.append(_chat_stream(None, told))
                    bodies.append(": ping\n\n" + _chat_stream(None, told))
                for body in bodies:
                    for line in self.each(stream, body, content_type):
                        if told:
                            self.expect(line, 100, 700, estimated=False)
                        else:
                            self.expect(line, _INPUT, _TOKENS)

    def test_anthropics_events_as_json_and_its_json_as_a_stream(self):
        whole = json.dumps({
            "id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [{"type": "text", "text": _WORDS}],
            "stop_reason": "end_turn", "usage": {
                "input_tokens": 50, "output_tokens": 700}})
        events = _messages_stream({"output_tokens": 700})
        for stream, body, content_type in ((False, events, _JSON),
                                           (True, whole, _STREAM),
                                           (False, whole, _STREAM)):
            for api in ("messages", "chat", "responses", "gemini", "grpc"):
                line = self.ask(api, self.script(
                    "claude", body=body, content_type=content_type), stream)
                self.assertNotEqual(line["status"], "OK")
                self.expect(line, 50, 700, estimated=False)

    def test_a_failure_that_is_told_costs_nothing(self):
        error = {"error": {"message": "quota", "type": "x"}}
        for stream in (False, True):
            for line in self.each(stream, json.dumps(error), _JSON):
                self.expect(line, 0, 0, estimated=False)
        for line in self.each(False, _sse(error), _STREAM):
            self.expect(line, 0, 0, estimated=False)

    def test_a_bad_answer_costs_what_its_text_does(self):
        for vendor in ("gpt", "claude", "gemini"):
            for api in ("chat", "messages", "gemini", "grpc"):
                # Streams of the others begin with the usage: none of their
                # text is delivered.
                for stream in (False, True)[:2 if vendor == "gpt" else 1]:
                    self.expect(self.ask(api, self.script(
                        vendor, text="hi there", garbage="negative_usage"),
                        stream), _INPUT, 2)


if __name__ == "__main__":
    unittest.main()
