"""What an answer tells of its cost in several places - the tier that served, its
input, what of that was cached - costs the same by each API, whole and streamed,
forwarded and translated (docs/cost.md)."""

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
from tests.integration.http_calls import chat
from tests.testing.gateway_process import environment

_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_JSON = "application/json"
_STREAM = "text/event-stream"
_APIS = ("chat", "messages", "gemini", "grpc")


def _sse(*events):
    return "".join("%sdata: %s\n\n" % (
        "event: %s\n" % event["type"] if "type" in event else "",
        json.dumps(event)) for event in events)


def _chat_stream(*tiers):
    """Of three pieces that each tell a tier, or nothing."""
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    pieces = [({"content": "a"}, None, {}), ({"content": "b"}, None, {}),
              ({}, "stop", {"usage": usage})]
    return _sse(*({
        "id": "c", "object": "chat.completion.chunk", "created": 1,
        "model": "m", **more, **({} if tier == "" else {"service_tier": tier}),
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for (delta, reason, more), tier in zip(pieces, tiers))
    ) + "data: [DONE]\n\n"


def _messages_stream(start, end):
    """With this usage at its beginning and its end."""
    return _sse(
        {"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [], "stop_reason": None, "usage": start}},
        {"type": "content_block_start", "index": 0,
         "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "text_delta", "text": "ab"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
         "usage": end},
        {"type": "message_stop"})


def _gemini(usage):
    return {"modelVersion": "g", "usageMetadata": usage, "candidates": [{
        "index": 0, "finishReason": "STOP",
        "content": {"role": "model", "parts": [{"text": "ab"}]}}]}


class _PiecesCase(gateway_case.GatewayCase):

    calls_grpc = True

    def name_of(self, model, api):
        """So that each call has a line of the access log that is its own."""
        return "%s-%s" % (model, api)

    def ask(self, api, model, stream):
        if api == "grpc":
            prompt = grpc_caller.prompt(model)
            if stream:
                self.caller.stream_all(self.gateway.grpc, prompt)
            else:
                self.caller.generate(self.gateway.grpc, prompt)
            return
        path, body = {
            "chat": (http_calls.CHAT, chat(model, stream=stream)),
            "messages": ("/v1/messages", chat(model, stream=stream,
                                              max_tokens=1000)),
            "gemini": ("/v1beta/models/%s:%s" % (
                model, "streamGenerateContent?alt=sse" if stream
                else "generateContent"), {
                    "contents": [{"parts": [{"text": "Hello"}]}]}),
        }[api]
        answer = http_calls.ask(self.gateway.http, body, path=path)
        self.assertEqual(answer.status, 200, answer.body)

    def expect(self, nanos, model, body, estimated=False):
        """Of a stream, or of a whole answer."""
        stream = not body.startswith("{")
        for api in _APIS:
            name = self.name_of(model, api)
            self.upstream.set_script(name, {
                "body": body, "content_type": _STREAM if stream else _JSON})
            with self.subTest(api=api, model=name):
                self.ask(api, name, stream)
                line = self.gateway.wait_for_access(model=name)
                self.assertEqual(line["cost_usd_nanos"], nanos, line)
                self.assertEqual(line.get("usage_estimated", False), estimated)
                self.assertTrue(line.get("cost_known", True), line)


class ToldInPiecesTest(_PiecesCase):

    config = gateway_case.PROVIDERS + """\
  - name: gemini
    gemini: {{base_url: "http://{upstream}", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
    - {{prefix: "gemini-", targets: [gemini]}}
  default_target: openai
prices:
  models:
    - model: "*"
      input: "1"
      output: "2"
      cached_input: "0.1"
      audio_input: "10"
      image_input: "100"
      steps:
        - {{service_tier: priority, input: "10", output: "20"}}
        - {{service_tier: flex, input: "0.5", output: "1"}}
"""

    def test_the_tier_that_is_told_last_served(self):
        for number, (nanos, tiers) in enumerate((
                (2_000_000, ("default", "default", "priority")),
                (200_000, ("priority", "priority", "default")),
                (100_000, (None, "auto", "flex")),
                (100_000, ("auto", "flex", None)),
                (100_000, (None, "flex", "")))):
            self.expect(nanos, "gpt-tier-%d" % number, _chat_stream(*tiers))
        usage = {"input_tokens": 100, "output_tokens": 50}
        self.expect(2_000_000, "claude-tier", _messages_stream(
            {**usage, "service_tier": "standard"},
            {**usage, "service_tier": "priority"}))

    def test_input_that_was_told_is_not_taken_back(self):
        start = {"input_tokens": 500, "cache_read_input_tokens": 200,
                 "output_tokens": 1}
        for number, end in enumerate((
                {}, {"input_tokens": 0},
                {"input_tokens": 0, "cache_read_input_tokens": 0,
                 "cache_creation_input_tokens": 0})):
            self.expect(620_000, "claude-zeros-%d" % number, _messages_stream(
                start, {**end, "output_tokens": 50}))

    def test_sound_and_images_that_were_cached_cost_what_is_cached(self):
        usage = {
            "promptTokenCount": 4000, "candidatesTokenCount": 1,
            "cachedContentTokenCount": 1500, "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 1000},
                {"modality": "AUDIO", "tokenCount": 1200},
                {"modality": "IMAGE", "tokenCount": 1800}],
            "cacheTokensDetails": [
                {"modality": "AUDIO", "tokenCount": 1100},
                {"modality": "IMAGE", "tokenCount": 400}]}
        # 1,000 of text, 100 of sound, 1,400 of images, and one of output.
        nanos = 1500 * 100 + 1000 * 1000 + 100 * 10_000 + 1400 * 100_000 + 2000
        self.expect(nanos, "gemini-whole", json.dumps(_gemini(usage)))
        self.expect(nanos, "gemini-stream", _sse(_gemini(usage)))

    def test_a_call_says_as_much_whole_as_in_pieces(self):
        block = {"type": "tool_use", "id": "toolu_1", "name": "look",
                 "input": {"q": "h\u00e9", "n": [1, 2.5]}}
        # `look{"q":"hé","n":[1,2.5]}` has 26 characters, and "Hello" with its
        # frame six tokens.
        nanos = 6 * 1000 + 7 * 2000
        self.expect(nanos, "claude-call", json.dumps({
            "id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "stop_reason": "tool_use", "content": [block]}),
            estimated=True)
        self.expect(nanos, "claude-called", _sse(
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0,
             "content_block": {**block, "input": {}}},
            {"type": "content_block_delta", "index": 0, "delta": {
                "type": "input_json_delta",
                "partial_json": json.dumps(block["input"], ensure_ascii=False,
                                           separators=(",", ":"))}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"}), estimated=True)


class AnthropicsMultipliersTest(_PiecesCase):
    """Fast mode and inference in the US have the prices that are shipped, and
    the ledger knows them by their names."""

    _USAGE = {"input_tokens": 101, "cache_read_input_tokens": 203,
              "cache_creation_input_tokens": 307, "cache_creation": {
                  "ephemeral_5m_input_tokens": 200,
                  "ephemeral_1h_input_tokens": 107},
              "output_tokens": 53, "service_tier": "standard"}
    # In dollars for a million tokens, in the order of the counts.
    _TOKENS = (101, 203, 200, 107, 53)
    _OPUS = ("5", "0.5", "6.25", "10", "25")
    _SONNET = ("2", "0.2", "2.5", "4", "10")
    _dates = itertools.count(20270101)

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="multipliers")
        cls.addClassCleanup(folder.cleanup)
        cls.ledger = os.path.join(folder.name, "ledger.db")
        cls.config = gateway_case.PROVIDERS + """\
routing: {{default_target: anthropic}}
ledger: {{path: "%s"}}
""" % cls.ledger
        super().setUpClass()

    def name_of(self, model, api):
        del api
        return "%s-%d" % (model, next(self._dates))

    def nanos(self, prices, multiplier):
        """By arithmetic of its own: rounded half up once."""
        exact = sum(Fraction(price) * count for price, count in zip(
            prices, self._TOKENS)) * Fraction(multiplier) * 1000
        return int(exact + Fraction(1, 2))

    def reprice(self):
        done = subprocess.run(
            [_GATEWAYCTL, "ledger", "reprice", self.ledger, "--prices",
             "gateway", "--output", "json"], text=True, check=False,
            capture_output=True, timeout=60,
            env=environment({"GATEWAY_ADMIN": self.gateway.admin}))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return json.loads(done.stdout)

    def test_each_multiplies_all_prices(self):
        fast, in_us = {"speed": "fast"}, {"inference_geo": "us"}
        sum_nanos = 0
        for model, prices, told, multiplier in (
                ("claude-opus-4-8", self._OPUS, {
                    "speed": "standard", "inference_geo": "global"}, "1"),
                ("claude-opus-4-8", self._OPUS, fast, "2"),
                ("claude-opus-4-6", self._OPUS, fast, "6"),
                ("claude-opus-4-8", self._OPUS, in_us, "1.1"),
                ("claude-sonnet-5", self._SONNET, in_us, "1.1"),
                ("claude-opus-4-7", self._OPUS, {**fast, **in_us}, "6.6"),
                ("claude-opus-5", self._OPUS, {**fast, **in_us}, "2.2")):
            nanos = self.nanos(prices, multiplier)
            start = {**self._USAGE, **told}
            end = {"output_tokens": self._USAGE["output_tokens"]}
            self.expect(nanos, model, _messages_stream(start, end))
            self.expect(nanos, model, json.dumps({
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "ab"}],
                "usage": start}))
            sum_nanos += 2 * len(_APIS) * nanos
        found = self.reprice()
        self.assertTrue(found["agrees"], found)
        self.assertEqual(found["unpriced"], 0, found)
        self.assertEqual(found["recorded_usd_nanos"], sum_nanos)
        self.assertEqual(found["repriced_usd_nanos"], sum_nanos)


if __name__ == "__main__":
    unittest.main()
