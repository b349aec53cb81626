"""The same answer costs the same to the nano-dollar, whichever API it came by,
whole, streamed or left after its end, forwarded or translated; one that is left
in the middle costs what was delivered, by estimate, and so does one whose usage
nobody tells. The ledger says the same, and gatewayctl computes it anew."""

from fractions import Fraction
import itertools
import json
import os
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.testing.gateway_process import environment

_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
# Dollars for a million tokens, such that each product has a fraction.
_INPUT, _OUTPUT, _CACHED = "0.1234567", "0.7654321", "0.0123457"
_IMAGE_INPUT, _IMAGE_OUTPUT = "0.3456789", "2.1098765"
_USAGE = {"prompt_tokens": 1003, "completion_tokens": 507,
          "cached_tokens": 101, "image_input_tokens": 97,
          "image_output_tokens": 211}
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
_VENDORS = ("gpt", "claude", "gemini")
_APIS = ("chat", "messages", "responses", "gemini", "grpc")


def tells_images(model):
    """Anthropic does not say how much of a usage was images."""
    return not model.startswith("claude-")


def nanos_of(input_tokens, output_tokens, cached=0, images=(0, 0)):
    """By arithmetic of its own: nano-dollars, rounded half up once."""
    read, drawn = images
    exact = (Fraction(_INPUT) * (input_tokens - cached - read) +
             Fraction(_CACHED) * cached + Fraction(_IMAGE_INPUT) * read +
             Fraction(_OUTPUT) * (output_tokens - drawn) +
             Fraction(_IMAGE_OUTPUT) * drawn) * 1000
    return int(exact + Fraction(1, 2))


def nanos_of_usage(model):
    """What _USAGE costs."""
    images = ((_USAGE["image_input_tokens"], _USAGE["image_output_tokens"])
              if tells_images(model) else (0, 0))
    return nanos_of(_USAGE["prompt_tokens"], _USAGE["completion_tokens"],
                    _USAGE["cached_tokens"], images)


class _EqualityCase(gateway_case.GatewayCase):

    calls_grpc = True
    _numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="cost")
        cls.addClassCleanup(folder.cleanup)
        cls.ledger = os.path.join(folder.name, "ledger.db")
        cls.config = gateway_case.PROVIDERS + """\
  - name: gemini
    gemini: {{base_url: "http://{upstream}", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
    - {{prefix: "gemini-", targets: [gemini]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
prices:
  models:
    - {{model: "*", input: "%s", output: "%s", cached_input: "%s",
       image_input: "%s", image_output: "%s"}}
ledger: {{path: "%s"}}
""" % (_INPUT, _OUTPUT, _CACHED, _IMAGE_INPUT, _IMAGE_OUTPUT, cls.ledger)
        super().setUpClass()

    def request_of(self, api, model, stream):
        return {
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

    def each_model(self):
        for vendor in _VENDORS:
            for api in _APIS:
                yield api, "%s-%s-%d" % (vendor, api, next(self._numbers))

    def line_of(self, model):
        """The only line of the access log about the model's call."""
        line = self.gateway.wait_for_access(model=model)
        self.assertEqual(len(self.gateway.access_lines(model=model)), 1)
        return line


class CostEqualityTest(_EqualityCase):

    def expect(self, model):
        line = self.line_of(model)
        self.assertEqual(
            (line["input_tokens"], line["output_tokens"]),
            (_USAGE["prompt_tokens"], _USAGE["completion_tokens"]))
        self.assertNotIn("usage_estimated", line)
        for count in ("image_input_tokens", "image_output_tokens"):
            self.assertEqual(line.get(count),
                             _USAGE[count] if tells_images(model) else None)
        self.assertEqual(line["cost_usd_nanos"], nanos_of_usage(model))
        return line["cost_usd_nanos"]

    def check_told(self, usage, nanos, model):
        self.assertEqual(usage["cost_usd_nanos"], str(nanos))
        parts = usage["cost_breakdown"]
        self.assertEqual(sum(int(part) for part in parts.values()), nanos)
        images = {"image_input_nanos", "image_output_nanos"}
        self.assertEqual(set(parts) - images, {"input_nanos", "output_nanos",
                                               "cached_input_nanos"})
        self.assertEqual(set(parts) & images,
                         images if tells_images(model) else set())

    def test_whole_and_streamed_through_each_api(self):
        costs = set()
        for stream in (False, True):
            for api, model in self.each_model():
                self.upstream.set_script(model, {"text": "Hi", "usage": _USAGE})
                with self.subTest(api=api, model=model, stream=stream):
                    told = self.ask(api, model, stream)
                    nanos = self.expect(model)
                    costs.add((tells_images(model), nanos))
                    if api == "grpc":
                        self.check_told(told["usage"], nanos, model)
                        self.check_told(told["attempts"][0]["usage"], nanos,
                                        model)
                    else:
                        self.check_details(told, nanos)
        self.assertEqual(len(costs), 2, costs)

    def ask(self, api, model, stream):
        if api == "grpc":
            if stream:
                call = self.caller.stream_all(self.gateway.grpc,
                                              grpc_caller.prompt(model))
                return call.events[-1]["end"]
            return self.caller.generate(self.gateway.grpc,
                                        grpc_caller.prompt(model)).response
        path, body = self.request_of(api, model, stream)
        answer = http_calls.ask(self.gateway.http, body, path=path,
                                headers={"x-llmgateway-details": "true"})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.body.decode()

    def check_details(self, text, nanos):
        """What an answer by HTTP tells of its cost, without a float."""
        begin = text.index('"cost_usd":')
        told = json.loads("{" + self.object_from(text[begin:]),
                          parse_float=Fraction, parse_int=Fraction)
        self.assertEqual(told["cost_usd"] * 10 ** 9, nanos)
        self.assertEqual(sum(told["cost_breakdown"].values()) * 10 ** 9, nanos)

    @staticmethod
    def object_from(text):
        """Up to the end of the breakdown, which is an object of numbers."""
        return text[:text.index("}") + 1] + "}"

    def test_left_after_its_end(self):
        for api, model in self.each_model():
            self.upstream.set_script(model, {"text": "Hi", "usage": _USAGE})
            with self.subTest(api=api, model=model):
                if api == "grpc":
                    call = self.caller.stream(self.gateway.grpc,
                                              grpc_caller.prompt(model))
                    while "end" not in call.next_event():
                        pass
                    call.cancel()
                    call.wait()
                else:
                    path, body = self.request_of(api, model, stream=True)
                    with RawConnection(self.gateway.http) as connection:
                        connection.send(http_calls.request_bytes(body,
                                                                 path=path))
                        connection.read_head()
                        while connection.read_chunk():
                            pass
                        connection.reset()
                self.expect(model)


class CancelledCostTest(_EqualityCase):
    """What was delivered is paid for, by an estimate that says so."""

    def leave(self, api, model):
        if api == "grpc":
            call = self.caller.stream(self.gateway.grpc,
                                      grpc_caller.prompt(model))
            for _ in range(10):
                call.next_event()
            call.cancel()
            call.wait()
            return
        path, body = self.request_of(api, model, stream=True)
        with RawConnection(self.gateway.http) as connection:
            connection.send(http_calls.request_bytes(body, path=path))
            self.assertEqual(connection.read_head()[0], 200)
            for _ in range(5):
                connection.read_chunk()
            connection.reset()

    def test_left_in_the_middle(self):
        for api, model in self.each_model():
            self.upstream.set_script(model, _ENDLESS)
            with self.subTest(api=api, model=model):
                self.leave(api, model)
                line = self.line_of(model)
                self.assertEqual(line["status"], "CANCELLED")
                self.assertTrue(line["usage_estimated"], line)
                self.assertGreater(line["input_tokens"], 0)
                self.assertGreater(line["output_tokens"], 0)
                self.assertEqual(
                    line["cost_usd_nanos"],
                    nanos_of(line["input_tokens"], line["output_tokens"]))


class UntoldCostTest(_EqualityCase):
    """An answer whose usage nobody tells costs what it says, by one estimate:
    a quarter of its characters, whole and streamed, through each API."""

    _TEXT = "\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8 \u00e9 \"x\"\n" * 30
    _NAME = "search_the_knowledge_base_for_relevant_documents"
    _CALLS = 8

    def tokens_of(self, characters):
        return -(-characters // 4)

    def ask(self, api, model, stream):
        if api == "grpc":
            ask = self.caller.stream_all if stream else self.caller.generate
            ask(self.gateway.grpc, grpc_caller.prompt(model))
            return
        path, body = self.request_of(api, model, stream)
        self.assertEqual(
            http_calls.ask(self.gateway.http, body, path=path).status, 200)

    def check(self, vendor, tokens, whole, events):
        """Each form with its escapes, and without."""
        for api, stream, escape in itertools.product(
                _APIS, (False, True), (False, True)):
            # OpenAI answers its own API in another form.
            if (vendor, api) == ("gpt", "responses"):
                continue
            write = lambda value: json.dumps(value, ensure_ascii=escape)
            body = ("".join("%sdata: %s\n\n" % (
                "event: %s\n" % each["type"] if "type" in each else "",
                write(each)) for each in events) + (
                    "data: [DONE]\n\n" if vendor == "gpt" else "")
                    if stream else write(whole))
            model = "%s-untold-%d" % (vendor, next(self._numbers))
            self.upstream.set_script(model, {
                "body": body, "content_type": "text/event-stream" if stream
                else "application/json"})
            with self.subTest(api=api, vendor=vendor, stream=stream,
                              escape=escape):
                self.ask(api, model, stream)
                line = self.line_of(model)
                self.assertEqual(line["status"], "OK", line)
                self.assertEqual(line["output_tokens"], tokens)
                self.assertTrue(line["usage_estimated"])

    def check_chat(self, tokens, message, deltas):
        frame = {"id": "c", "created": 1, "model": "m"}
        self.check(
            "gpt", tokens,
            {**frame, "object": "chat.completion", "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", **message}}]},
            [{**frame, "object": "chat.completion.chunk", "choices": [{
                "index": 0, "finish_reason": None, "delta": delta}]}
             for delta in deltas] +
            [{**frame, "object": "chat.completion.chunk", "choices": [{
                "index": 0, "finish_reason": "stop", "delta": {}}]}])

    def check_gemini(self, tokens, parts):
        def event(parts, **fields):
            return {"modelVersion": "g", "candidates": [{
                "index": 0, **fields,
                "content": {"role": "model", "parts": parts}}]}
        self.check("gemini", tokens, event(parts, finishReason="STOP"),
                   [event([part]) for part in parts] +
                   [event([{"text": ""}], finishReason="STOP")])

    def test_text_counts_by_its_characters(self):
        tokens = self.tokens_of(len(self._TEXT))
        pieces = [self._TEXT[at:at + 7] for at in range(0, len(self._TEXT), 7)]
        self.check_chat(tokens, {"content": self._TEXT},
                        [{"content": piece} for piece in pieces])
        self.check_gemini(tokens, [{"text": piece} for piece in pieces])
        message = {"id": "msg_1", "type": "message", "role": "assistant",
                   "model": "m", "stop_sequence": None}
        self.check("claude", tokens, {
            **message, "stop_reason": "end_turn", "usage": {"input_tokens": 30},
            "content": [{"type": "text", "text": self._TEXT}]}, [
                {"type": "message_start", "message": {
                    **message, "content": [], "stop_reason": None,
                    "usage": {"input_tokens": 30, "output_tokens": 1}}},
                {"type": "content_block_start", "index": 0,
                 "content_block": {"type": "text", "text": ""}},
                *({"type": "content_block_delta", "index": 0,
                   "delta": {"type": "text_delta", "text": piece}}
                  for piece in pieces),
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {
                    "stop_reason": "end_turn"}, "usage": {}},
                {"type": "message_stop"}])

    def test_calls_count_by_their_names_and_arguments(self):
        tokens = self.tokens_of(self._CALLS * len(self._NAME + "{}"))
        call = lambda i, **fields: {
            **fields, "id": "c%d" % i, "type": "function",
            "function": {"name": self._NAME, "arguments": "{}"}}
        self.check_chat(
            tokens, {"content": None,
                     "tool_calls": [call(i) for i in range(self._CALLS)]},
            [{"tool_calls": [call(i, index=i)]} for i in range(self._CALLS)])
        arguments = {"a": self._TEXT, "b": [1, {"c": " "}]}
        size = len(json.dumps(arguments, ensure_ascii=False,
                              separators=(",", ":")))
        self.check_gemini(
            self.tokens_of(3 * (len(self._NAME) + size)),
            [{"functionCall": {"name": self._NAME, "args": arguments}}] * 3)

    def test_code_and_pictures_of_gemini(self):
        code = self._TEXT
        self.check_gemini(self.tokens_of(2 * len(code)), [
            {"executableCode": {"language": "PYTHON", "code": code}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK",
                                     "output": code}}])
        picture = {"mimeType": "image/png", "data": "AAAA" * 3000}
        self.check_gemini(1001, [{"text": "Look"}, {"inlineData": picture}])


class LedgerCostTest(_EqualityCase):
    """What gatewayctl computes of a ledger is what it says."""

    def reprice(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "ledger", "reprice", self.ledger, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment({"GATEWAY_ADMIN": self.gateway.admin}))

    def test_repricing_gives_the_recorded_sums(self):
        expected = 0
        for api, model in self.each_model():
            for script in ({"text": "Hi", "usage": _USAGE}, {"status": 503}):
                self.upstream.set_script(model, script)
                if api == "grpc":
                    self.caller.stream_all(self.gateway.grpc,
                                           grpc_caller.prompt(model))
                else:
                    path, body = self.request_of(api, model, stream=True)
                    http_calls.ask(self.gateway.http, body, path=path)
            expected += nanos_of_usage(model)
        done = self.reprice("--prices", "gateway", "--output", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        found = json.loads(done.stdout)
        self.assertTrue(found["agrees"])
        self.assertEqual(found["recorded_usd_nanos"], expected)
        self.assertEqual(found["repriced_usd_nanos"], expected)
        self.assertEqual(found["exchanges"], 2 * len(_VENDORS) * len(_APIS))
        # By what is built in it is another sum, and that is said.
        done = self.reprice()
        self.assertEqual(done.returncode, 1)
        self.assertIn("DOES NOT AGREE", done.stdout)


if __name__ == "__main__":
    unittest.main()
