"""Answers as each vendor writes them, whole and streamed, for tests of what
becomes of those that are none, or that break off."""

import http.client
import itertools
import json
import os
import tempfile

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import chat

JSON = "application/json"
STREAM = "text/event-stream"

# Each with the APIs that it is asked through; its own, which forwards its
# bytes, is the first. OpenAI's two formats are two vendors here.
APIS = {
    "gpt": ("chat", "messages", "gemini", "grpc"),
    "resp": ("responses",),
    "claude": ("messages", "chat", "responses", "gemini", "grpc"),
    "gemini": ("gemini", "chat", "messages", "responses", "grpc"),
}

# Dollars for a million tokens.
_INPUT, _OUTPUT = "0.3", "1.7"


def nanos_of(input_tokens, output_tokens):
    return 300 * input_tokens + 1700 * output_tokens


def whole(vendor, text, usage=None):
    """The body of a whole answer; `usage` are its tokens of both kinds."""
    count = lambda *names: dict(zip(names, usage)) if usage else None
    if vendor == "gpt":
        body = {"id": "c", "object": "chat.completion", "created": 1,
                "model": "m", "choices": [{
                    "index": 0, "message": {
                        "role": "assistant", "content": text},
                    "finish_reason": "stop"}],
                "usage": count("prompt_tokens", "completion_tokens"),
                "system_fingerprint": "fp_1"}
    elif vendor == "resp":
        body = {"id": "resp_1", "object": "response", "created_at": 1,
                "status": "completed", "error": None,
                "instructions": "be " * 500, "model": "m", "output": [{
                    "id": "msg_1", "type": "message", "role": "assistant",
                    "status": "completed", "content": [{
                        "type": "output_text", "text": text,
                        "annotations": []}]}],
                "usage": count("input_tokens", "output_tokens"),
                "metadata": {}}
    elif vendor == "claude":
        body = {"id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn", "stop_sequence": None,
                "usage": count("input_tokens", "output_tokens"),
                "container": None}
    else:
        body = {"candidates": [{
                    "content": {"role": "model", "parts": [{"text": text}]},
                    "finishReason": "STOP", "index": 0}],
                "usageMetadata": count("promptTokenCount",
                                       "candidatesTokenCount"),
                "modelVersion": "g"}
    return json.dumps(body, ensure_ascii=False)


def pieces(vendor, texts):
    """The events of a stream up to its last piece of text, each as bytes."""
    if vendor == "gpt":
        events = [{"id": "c", "object": "chat.completion.chunk", "created": 1,
                   "model": "m", "choices": [{
                       "index": 0, "delta": {"content": text},
                       "finish_reason": None}]} for text in texts]
    elif vendor == "resp":
        events = [
            {"type": "response.created", "sequence_number": 0, "response": {
                "id": "resp_1", "object": "response", "created_at": 1,
                "status": "in_progress", "model": "m", "output": []}},
            {"type": "response.output_item.added", "sequence_number": 1,
             "output_index": 0, "item": {
                 "id": "msg_1", "type": "message", "role": "assistant",
                 "status": "in_progress", "content": []}},
            {"type": "response.content_part.added", "sequence_number": 2,
             "item_id": "msg_1", "output_index": 0, "content_index": 0,
             "part": {"type": "output_text", "text": "", "annotations": []}}]
        events += [{"type": "response.output_text.delta",
                    "sequence_number": 3 + i, "item_id": "msg_1",
                    "output_index": 0, "content_index": 0, "delta": text}
                   for i, text in enumerate(texts)]
    elif vendor == "claude":
        events = [
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}}]
        events += [{"type": "content_block_delta", "index": 0,
                    "delta": {"type": "text_delta", "text": text}}
                   for text in texts]
    else:
        events = [{"modelVersion": "g", "candidates": [{
            "index": 0,
            "content": {"role": "model", "parts": [{"text": text}]}}]}
                  for text in texts]
    return ["%sdata: %s\n\n" % (
        "event: %s\n" % event["type"] if "type" in event else "",
        json.dumps(event, ensure_ascii=False)) for event in events]


class AnswerCase(gateway_case.GatewayCase):

    calls_grpc = True
    resilience = 'circuit_breaker: {{mode: "off"}}'
    _numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="answers")
        cls.addClassCleanup(folder.cleanup)
        cls.ledger = os.path.join(folder.name, "ledger.db")
        cls.config = gateway_case.PROVIDERS + """\
  - name: gemini
    gemini: {{base_url: "http://{upstream}", api_key: "env:OPENAI_KEY"}}
  - name: second
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{prefix: "gpt-both-", targets: [openai, second]}}
    - {{prefix: "claude-both-", targets: [anthropic, second]}}
    - {{prefix: "gemini-both-", targets: [gemini, second]}}
    - {{prefix: "claude-", targets: [anthropic]}}
    - {{prefix: "gemini-", targets: [gemini]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 2, backoff_base: 1ms, backoff_limit: 5ms}}
  credential_cooling: {{default_cooling: 0s}}
  %s
prices:
  models:
    - {{model: "*", input: "%s", output: "%s"}}
ledger: {{path: "%s"}}
""" % (cls.resilience, _INPUT, _OUTPUT, cls.ledger)
        super().setUpClass()

    def script(self, vendor, *steps, kind=""):
        """Returns a model of the vendor's for which these are played."""
        model = "%s-%s%d" % ("gpt" if vendor == "resp" else vendor, kind,
                             next(self._numbers))
        self.upstream.set_script(model, list(steps))
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
                "model": model, "input": "Hello", "stream": stream,
                "store": False}),
        }[api]

    def ask(self, api, model, stream=False):
        """Returns the status, as a number or gRPC's word, what was said, and
        the line of the access log."""
        if api == "grpc":
            ask = self.caller.stream_all if stream else self.caller.generate
            call = ask(self.gateway.grpc, grpc_caller.prompt(model))
            told = (call.end["code"], call.end.get("message", ""))
        else:
            path, body = self.request_of(api, model, stream)
            try:
                answer = http_calls.ask(self.gateway.http, body, path=path)
                told = (answer.status, answer.body.decode())
            except http.client.IncompleteRead as broken:
                told = (200, broken.partial.decode())
        return (*told, self.gateway.wait_for_access(model=model))
