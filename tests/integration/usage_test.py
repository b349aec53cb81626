"""What a call has consumed is recorded, whoever counts it."""

import http.client
import itertools
import json
import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import chat


class _UsageCase(gateway_case.GatewayCase):

    calls_grpc = True
    config = gateway_case.CONFIG.replace("routing:\n", (
        "  - name: gemini\n"
        "    gemini:\n"
        '      base_url: "http://{upstream}"\n'
        '      api_key: "env:OPENAI_KEY"\n'
        "routing:\n")).replace("  model_rules:\n", (
            "  model_rules:\n"
            '    - {{prefix: "gemini-", targets: [gemini]}}\n'))
    # "Hello", of five characters, and what stands around a message.
    _INPUT = 2 + 4
    _TEXT = "word " * 100
    _numbers = itertools.count()

    def ask(self, api, model, stream=False):
        """The log's line of a call to this model."""
        name = "r-%d" % next(self._numbers)
        headers = {"x-request-id": name}
        if api == "grpc":
            ask = self.caller.stream_all if stream else self.caller.generate
            self.answer = ask(self.gateway.grpc, grpc_caller.prompt(model),
                              metadata=[["x-request-id", name]])
            return self.gateway.wait_for_access(request_id=name)
        path, body = {
            "chat": (http_calls.CHAT, chat(model, stream=stream)),
            "messages": ("/v1/messages", chat(model, stream=stream,
                                              max_tokens=1000)),
            "responses": ("/v1/responses", {
                "model": model, "input": "Hello", "stream": stream}),
            "gemini": ("/v1beta/models/%s:%s" % (
                model, "streamGenerateContent?alt=sse" if stream
                else "generateContent"), {
                    "contents": [{"parts": [{"text": "Hello"}]}]}),
        }[api]
        try:
            self.answer = http_calls.ask(self.gateway.http, body, path=path,
                                         headers=headers)
        except http.client.IncompleteRead:
            pass
        return self.gateway.wait_for_access(request_id=name)

    def each(self, vendors, script):
        """Calls through each API to each vendor, whole and streamed: which it
        was, and its line."""
        for vendor in vendors:
            for api in ("chat", "messages", "responses", "gemini", "grpc"):
                for stream in (False, True):
                    model = "%s-%s" % (vendor, api)
                    self.upstream.set_script(model, script)
                    yield (stream, "%s, stream: %s" % (model, stream),
                           self.ask(api, model, stream))


class UsageTest(_UsageCase):
    """What nobody counted is estimated; what was told stands."""

    def test_an_answer_without_usage(self):
        for stream, call, line in self.each(("gpt", "claude", "gemini"), {
                "text": self._TEXT, "usage_in": "never"}):
            with self.subTest(call):
                self.assertEqual(line["status"], "OK")
                self.assertTrue(line.get("usage_estimated"), line)
                # Anthropic's streams begin with it.
                told = stream and call.startswith("claude")
                self.assertEqual(line["input_tokens"],
                                 12 if told else self._INPUT)
                if stream:
                    self.assertTrue(100 <= line["output_tokens"] <= 700, line)
                else:
                    self.assertEqual(line["output_tokens"], 125)

    def test_callers_by_grpc_are_told_that_it_is_an_estimate(self):
        self.upstream.set_script("gpt-told", {
            "text": self._TEXT, "usage_in": "never"})
        self.ask("grpc", "gpt-told")
        usage = self.answer.response["usage"]
        self.assertEqual((usage["input_tokens"], usage["output_tokens"],
                          usage["estimated"]), (str(self._INPUT), "125", True))
        self.ask("grpc", "gpt-told", stream=True)
        self.assertTrue(self.answer.events[-1]["end"]["usage"]["estimated"])

    def test_the_bytes_of_every_answer_by_grpc_are_recorded(self):
        for method, request in (
                ("Embed", {"model": "text-embedding-3-small",
                           "inputs": [{"text": "Hello"}]}),
                ("CountTokens", {"request": grpc_caller.prompt("claude-c")})):
            name = "bytes-" + method
            call = self.caller.call(
                self.gateway.grpc, "/llmgateway.v1.GatewayService/" + method,
                request, metadata=[["x-request-id", name]])
            self.assertEqual(call.end["code"], "OK", call.end)
            line = self.gateway.wait_for_access(request_id=name)
            self.assertGreater(line["bytes_out"], 0)

    def test_vectors_whose_provider_tells_nothing(self):
        answer = http_calls.ask(
            self.gateway.http, {"model": "gemini-embedding-001",
                                "input": ["Hello", "Hello you"]},
            path="/v1/embeddings", headers={"x-request-id": "vectors"})
        self.assertEqual(answer.json()["model"], "gemini-embedding-001")
        self.assertEqual(answer.json()["usage"],
                         {"prompt_tokens": 5, "total_tokens": 5})
        line = self.gateway.wait_for_access(request_id="vectors")
        self.assertEqual((line["input_tokens"], line["usage_estimated"]),
                         (5, True))

    def test_usage_that_was_told_stands(self):
        for _, call, line in self.each(("gpt", "claude", "gemini"), {
                "text": self._TEXT,
                "usage": {"prompt_tokens": 3, "completion_tokens": 7}}):
            with self.subTest(call):
                self.assertNotIn("usage_estimated", line)
                self.assertEqual((line["input_tokens"], line["output_tokens"]),
                                 (3, 7))

    def test_a_request_is_measured_as_it_was_when_it_came(self):
        # Whatever its memory is used for while the answer goes on.
        for number in range(40):
            model = "gpt-size-%d" % number
            self.upstream.set_script(model, {
                "text": self._TEXT, "usage_in": "never"})
            body = chat(model, stream=True, user="u" * 8 * number)
            http_calls.ask(self.gateway.http, body)
            line = self.gateway.wait_for_access(model=model)
            self.assertEqual(line["input_tokens"], self._INPUT, line)

    def test_input_is_estimated_alike_through_all_apis(self):
        for stream, call, line in self.each(("gpt", "gemini"), {
                "text": self._TEXT, "usage_in": "never",
                "close_after_chunks": 50}):
            with self.subTest(call):
                if stream:
                    self.assertEqual(line["input_tokens"], self._INPUT, line)
                    self.assertTrue(line["usage_estimated"])


class UnansweredUsageTest(_UsageCase):
    """A prompt that a provider was left at work on is billed, by estimate; a
    failure that it tells is not."""

    config = _UsageCase.config.replace(
        'api_key: "env:OPENAI_KEY"\n', 'api_key: "env:OPENAI_KEY"\n'
        "      http: {{timeouts: {{first_byte: 1s, stream_first_byte: 1s, "
        "idle: 1s}}}}\n", 1)
    _SILENT = {"stall_before_first_byte": True}
    # The text in half of a body with nine chunks.
    _HALF = 36

    def check(self, line, status, tokens, output_tokens=0):
        with self.subTest(line["model"]):
            self.assertEqual(line["status"], status, line)
            self.assertEqual((line["input_tokens"], line["output_tokens"],
                              line.get("usage_estimated", False)),
                             (tokens, output_tokens, tokens > 0), line)

    def each_form(self, name):
        for form, path, fields in (
                ("whole", http_calls.CHAT, {}),
                ("stream", http_calls.CHAT, {"stream": True}),
                ("translated", "/v1/messages", {"max_tokens": 9}),
                ("vectors", "/v1/embeddings", None)):
            model = "gpt-%s-%s" % (name, form)
            body = ({"model": model, "input": "Hello"} if fields is None
                    else chat(model, **fields))
            yield model, path, body, 2 if fields is None else self._INPUT

    def test_a_caller_who_hangs_up(self):
        for model, path, body, tokens in self.each_form("left"):
            self.upstream.set_script(model, self._SILENT)
            with http_calls.RawConnection(self.gateway.http) as connection:
                connection.send(http_calls.request_bytes(body, path=path))
                self.upstream.wait_for("started", model)
            self.check(self.gateway.wait_for_access(model=model), "CANCELLED",
                       tokens)

    def test_a_timeout(self):
        for name, script in (
                ("silent", self._SILENT),
                ("stalls", {"chunks": 9, "stall_after_chunks": 0})):
            for model, path, body, tokens in self.each_form(name):
                if name == "stalls" and "vectors" in model:
                    continue
                self.upstream.set_script(model, script)
                http_calls.ask(self.gateway.http, body, path=path)
                line = self.gateway.wait_for_access(model=model)
                self.assertEqual(line["error_reason"], "PROVIDER_TIMEOUT")
                # Half of the body has come of one that stalls.
                came = name == "stalls" and "stream" not in model
                self.check(line, line["status"], tokens, self._HALF * came)

    def test_a_deadline(self):
        for stream in (False, True):
            model = "claude-due-%s" % stream
            self.upstream.set_script(model, self._SILENT)
            start = (self.caller.stream if stream
                     else self.caller.start_generate)
            start(self.gateway.grpc, grpc_caller.prompt(model),
                  timeout_s=1).wait()
            line = self.gateway.wait_for_access(model=model)
            self.check(line, line["status"], self._INPUT)

    def wait_for_its_end(self, model):
        """Blocks until the gateway has read an attempt's answer."""
        self.upstream.wait_for("served", model)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            answer = self.caller.call(
                self.gateway.admin, "/llmgateway.v1.AdminService/ListCircuits",
                {}).response
            if any(circuit["model"] == model and
                   "attempts_in_flight" not in circuit
                   for circuit in answer.get("circuits", [])):
                return
        self.fail("an attempt at %s goes on: %s" % (model, answer))

    def test_a_call_that_is_cancelled_between_attempts(self):
        for model, path, body, _ in self.each_form("between"):
            self.upstream.set_script(model, {"status": 503,
                                             "retry_after": "50"})
            with http_calls.RawConnection(self.gateway.http) as connection:
                connection.send(http_calls.request_bytes(body, path=path))
                self.wait_for_its_end(model)
            self.check(self.gateway.wait_for_access(model=model), "CANCELLED",
                       0)


class ImplausibleUsageTest(_UsageCase):
    """Counts that no call consumes are not believed, nor added up."""

    def test_they_are_a_bad_response(self):
        count = 2 ** 63 - 1
        answers = [
            (http_calls.CHAT, chat("gpt-huge"), {
                "id": "c", "object": "chat.completion", "created": 1,
                "model": "m", "choices": [{
                    "index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Hi"}}],
                "usage": {"prompt_tokens": count, "completion_tokens": 1}}),
            ("/v1/messages", chat("claude-huge", max_tokens=9), {
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [{"type": "text", "text": "Hi"}],
                "stop_reason": "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": count, "output_tokens": count}}),
            (http_calls.CHAT, chat("gemini-huge"), {
                "candidates": [{"index": 0, "finishReason": "STOP", "content": {
                    "role": "model", "parts": [{"text": "Hi"}]}}],
                "usageMetadata": {"promptTokenCount": count}}),
            ("/v1/embeddings", {"model": "emb-huge", "input": "Hello"}, {
                "object": "list", "model": "m", "data": [
                    {"object": "embedding", "index": 0, "embedding": [1]}],
                "usage": {"prompt_tokens": count, "total_tokens": count}}),
            ("/v1/messages/count_tokens", chat("claude-count"),
             {"input_tokens": count}),
        ]
        for path, request, answer in answers:
            model = request["model"]
            self.upstream.set_script(model, {
                "body": json.dumps(answer),
                "content_type": "application/json"})
            for _ in range(2):
                told = http_calls.ask(self.gateway.http, request, path=path)
            with self.subTest(model=model):
                self.assertEqual(told.status, 502, told.body)
        text = http_calls.ask(self.gateway.operations,
                              path="/metrics").body.decode()
        # What such an answer took is estimated: a few tokens.
        self.assertEqual([line for line in text.splitlines()
                          if "tokens_total{" in line and
                          float(line.split()[-1]) > 100], [])


class BrokenUsageTest(_UsageCase):
    """What an answer has cost does not depend on whether it was streamed."""

    _USAGES = (
        ({"prompt_tokens": 12, "completion_tokens": 5,
          "prompt_tokens_details": {"cached_tokens": -1}}, (12, 5, True)),
        ({"prompt_tokens": 12, "completion_tokens": 5,
          "completion_tokens_details": {"audio_tokens": 1e30}}, (12, 5, True)),
        ({"prompt_tokens": 2 ** 63, "completion_tokens": 5}, (6, 5, True)),
        ({"prompt_tokens": 12, "completion_tokens": 0}, (12, 125, True)),
        ({"prompt_tokens": 12, "completion_tokens": None}, (12, 125, True)),
        ({"prompt_tokens": 12}, (12, 125, True)),
        ({"completion_tokens": 5}, (6, 5, True)),
        ({}, (6, 125, True)),
        ({"prompt_tokens": 12, "completion_tokens": 5}, (12, 5, False)),
    )

    def bodies(self, usage):
        head = {"id": "c", "created": 1, "model": "m"}
        yield False, "application/json", json.dumps({
            **head, "object": "chat.completion", "usage": usage, "choices": [{
                "index": 0, "finish_reason": "stop", "message": {
                    "role": "assistant", "content": self._TEXT}}]})
        yield True, "text/event-stream", "".join(
            "data: %s\n\n" % json.dumps({
                **head, "object": "chat.completion.chunk", **fields})
            for fields in (
                {"choices": [{"index": 0, "delta": {
                    "role": "assistant", "content": self._TEXT}}]},
                {"choices": [{"index": 0, "delta": {},
                              "finish_reason": "stop"}]},
                {"choices": [], "usage": usage})) + "data: [DONE]\n\n"

    def test_whole_and_streamed_cost_alike(self):
        for number, (usage, expected) in enumerate(self._USAGES):
            for stream, content_type, body in self.bodies(usage):
                # A Responses request is answered by such a body otherwise.
                for api in ("chat", "messages", "gemini", "grpc"):
                    model = "gpt-broken-%d-%s-%s" % (number, api, stream)
                    self.upstream.set_script(model, {
                        "body": body, "content_type": content_type})
                    with self.subTest(usage=usage, api=api, stream=stream):
                        line = self.ask(api, model, stream)
                        told = (line["input_tokens"], line["output_tokens"],
                                line.get("usage_estimated", False))
                        self.assertEqual(told, expected, line)


class CutUsageTest(_UsageCase):
    """Streams that break off after, or before, the provider told usage."""

    @staticmethod
    def _chunk(delta, reason=None, **fields):
        return "data: %s\n\n" % json.dumps({
            "id": "c", "object": "chat.completion.chunk", "created": 1,
            "model": "m", **fields, "choices": [
                {"index": 0, "delta": delta, "finish_reason": reason}]})

    def check(self, body, apis, output_tokens, estimated):
        for api in apis:
            vendor = ("gemini" if "candidates" in body else
                      "claude" if "message_start" in body else "gpt")
            model = "%s-%s" % (vendor, api)
            self.upstream.set_script(model, {
                "body": body, "content_type": "text/event-stream"})
            with self.subTest(api=api):
                line = self.ask(api, model, stream=True)
                self.assertEqual(line["error_reason"], "STREAM_INTERRUPTED")
                self.assertEqual(line["output_tokens"], output_tokens, line)
                self.assertEqual(line.get("usage_estimated", False),
                                 estimated)

    def test_what_nobody_told_is_a_quarter_of_the_characters(self):
        """However many tokens there are in an event, and however alike."""
        texts = [self._TEXT[:length] for length in (204, 204, 130, 250, 212)]
        tokens = sum(map(len, texts)) // 4
        chat_events = [self._chunk({"content": text}) for text in texts]
        answers = [
            ("gpt-chat", self._chunk({"role": "assistant"}) +
             "".join(chat_events)),
            ("claude-messages", self._named(
                {"type": "message_start", "message": {
                    "id": "msg_1", "type": "message", "role": "assistant",
                    "model": "m", "content": [], "stop_reason": None,
                    "stop_sequence": None, "usage": {"input_tokens": 0,
                                                     "output_tokens": 0}}},
                {"type": "content_block_start", "index": 0,
                 "content_block": {"type": "text", "text": ""}},
                *[{"type": "content_block_delta", "index": 0,
                   "delta": {"type": "text_delta", "text": text}}
                  for text in texts])),
            ("gemini-gemini", "".join("data: %s\n\n" % json.dumps({
                "candidates": [{"index": 0, "content": {
                    "role": "model", "parts": [{"text": text}]}}],
                "modelVersion": "g"}) for text in texts)),
            ("gpt-responses", self._named(
                {"type": "response.created", "sequence_number": 0,
                 "response": {"id": "resp_1", "object": "response",
                              "status": "in_progress", "model": "m",
                              "output": []}},
                *[{"type": "response.output_text.delta", "item_id": "m",
                   "sequence_number": 1, "output_index": 0,
                   "content_index": 0, "delta": text} for text in texts])),
        ]
        for model, body in answers:
            self.upstream.set_script(model, {
                "body": body, "content_type": "text/event-stream"})
            with self.subTest(model=model):
                line = self.ask(model.partition("-")[2], model, stream=True)
                self.assertEqual(line["error_reason"], "STREAM_INTERRUPTED")
                self.assertTrue(line["usage_estimated"])
                self.assertAlmostEqual(line["output_tokens"], tokens,
                                       delta=tokens // 10)

    def check_cut(self, model, body, tokens):
        """Forwarded and translated, it is estimated alike."""
        self.upstream.set_script(model, {
            "body": body, "content_type": "text/event-stream"})
        for api in ("chat", "messages"):
            with self.subTest(model=model, api=api):
                line = self.ask(api, model, stream=True)
                self.assertEqual(line["error_reason"], "STREAM_INTERRUPTED")
                self.assertAlmostEqual(line["output_tokens"], tokens,
                                       delta=max(1, tokens // 50))

    def test_whatever_kinds_of_pieces_it_has(self):
        text = self._chunk({"content": "word"})
        reasoning = self._chunk({
            "role": "assistant", "content": "", "reasoning": "word",
            "reasoning_details": [{"type": "reasoning.text", "text": "word",
                                   "format": "x", "index": 0}]})
        self.check_cut("gpt-or", reasoning * 3 + text * 2000, 2003)
        arguments = self._chunk({"tool_calls": [
            {"index": 0, "function": {"arguments": "word"}}]})
        self.check_cut("gpt-calls", text + self._chunk({"tool_calls": [
            {"index": 0, "id": "call_1234567890", "type": "function",
             "function": {"name": "f", "arguments": ""}}]}) +
                       arguments * 2000, 2001)
        self.check_cut("claude-thinks", self._named(
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": None,
                "stop_sequence": None, "usage": {"input_tokens": 0,
                                                 "output_tokens": 0}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "thinking", "thinking": "",
                               "signature": ""}},
            *[{"type": "content_block_delta", "index": 0,
               "delta": {"type": "thinking_delta", "thinking": "word"}}] * 3,
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1,
             "content_block": {"type": "text", "text": ""}},
            *[{"type": "content_block_delta", "index": 1,
               "delta": {"type": "text_delta", "text": "word"}}] * 2000),
                       2003)

    def test_an_end_says_nothing(self):
        self.check_cut("gpt-end", self._chunk({"content": "word " * 2}) * 2 +
                       self._chunk({}, "stop") + self._chunk(
                           {}, usage={"prompt_tokens": -5}), 5)

    def usage(self, tokens):
        return {"prompt_tokens": 5, "completion_tokens": tokens,
                "total_tokens": 5 + tokens}

    def test_what_was_told_of_the_end_stands(self):
        begin = self._chunk({"role": "assistant", "content": self._TEXT})
        for end in (self._chunk({}, "stop", usage=self.usage(7)),
                    self._chunk({}, "stop") + "data: " + json.dumps({
                        "id": "c", "object": "chat.completion.chunk",
                        "created": 1, "model": "m", "choices": [],
                        "usage": self.usage(7)}) + "\n\n"):
            # Without its `[DONE]`.
            self.check(begin + end, ("chat", "messages", "grpc"), 7, False)

    def test_what_was_told_before_is_the_least(self):
        self.check(self._chunk({"role": "assistant", "content": "word"},
                               usage=self.usage(1000)),
                   ("chat", "messages", "grpc"), 1000, True)

    def test_and_anthropic_begins_with_the_input(self):
        begin = self._named(
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 9, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": self._TEXT}})
        end = self._named(
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
             "usage": {"output_tokens": 7}})
        self.check(begin + end, ("messages", "chat"), 7, False)
        self.check(begin, ("chat", "grpc"), 125, True)

    @staticmethod
    def _named(*events):
        return "".join("event: %s\ndata: %s\n\n" % (
            event["type"], json.dumps(event)) for event in events)

    def test_and_gemini_tells_as_it_goes(self):
        event = "data: %s\n\n" % json.dumps({
            "candidates": [{"index": 0, "content": {
                "role": "model", "parts": [{"text": "word"}]}}],
            "usageMetadata": {"promptTokenCount": 3,
                              "candidatesTokenCount": 1000,
                              "totalTokenCount": 1003}})
        self.check(event, ("gemini", "chat"), 1000, True)


if __name__ == "__main__":
    unittest.main()
