"""The five APIs, so that a test can hold them all to the same.

    api = Chat(address)
    request = api.request("gpt-x", "Hello", tool=TOOL)
    reply = api.ask(request)              Reply
    reply.calls                            [Call(id, name, arguments)]
    api.ask(api.go_on(request, reply, "It is cold."))
    api.stream(request).ends              ["[DONE]"]

Each speaks its vendor's own words and reads them as the vendor's SDK would. A
refusal raises nothing: `reply.refusal` tells of it.
"""

import json

from tests.integration import http_calls
from tests.integration.matrix_grpc_api import Grpc
from tests.integration.matrix_reply import Call, Refusal, Reply, parse_call


class _HttpApi:

    # Sent with each request.
    headers = {}

    def __init__(self, address, _caller=None):
        self._address = address

    def post(self, path, body):
        return http_calls.ask(self._address, body, path=path,
                              headers=self.headers)

    def _read(self, answer, read):
        reply = Reply(answer.body)
        if answer.status == 200:
            read(answer, reply)
        else:
            wait = answer.headers.get("retry-after")
            words, message = self.error_words(answer.json())
            reply.refusal = Refusal(answer.status, words,
                                    None if wait is None else float(wait),
                                    message)
        return reply

    def ask(self, request):
        return self._read(self.send(request, False),
                          lambda answer, reply: self.read(answer.json(),
                                                          reply))

    def stream(self, request):
        return self._read(self.send(request, True), self._read_events)

    def _read_events(self, answer, reply):
        events = answer.events()
        pending = {}
        for event in events:
            self.read_event(event, reply, pending)
        reply.calls = [parse_call(*call) for call in pending.values()]
        reply.last = events[-1]


class Chat(_HttpApi):
    """OpenAI's chat completions."""

    name = "openai_chat"
    end = "[DONE]"
    broken_end = "error"
    finishes = ("stop", "tool_calls")
    limited = (429, ("rate_limit_error", "rate_limit_exceeded"))
    invalid = (400, ("invalid_request_error", None))
    incapable = (400, ("invalid_request_error", "unsupported_value"))
    broken = (502, ("server_error", "upstream_error"))
    unserved = (501, ("invalid_request_error", "unimplemented"))
    # What vendors that write errors in this form call a bad request.
    own_codes = {"azure_openai": "BadRequest",
                 "deepseek": "invalid_request_error"}

    def request(self, model, text, tool=None, must=False):
        body = http_calls.chat(model, text)
        if tool:
            body["tools"] = [{"type": "function", "function": {
                "name": tool.name, "parameters": tool.schema}}]
        if must:
            body["tool_choice"] = "required"
        return body

    def go_on(self, request, reply, result):
        body = {**request, "messages": request["messages"] + [reply.turn] + [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call in reply.calls]}
        body.pop("tool_choice", None)
        return body

    def send(self, request, stream):
        if stream:
            request = {**request, "stream": True,
                       "stream_options": {"include_usage": True}}
        return self.post("/v1/chat/completions", request)

    def read(self, body, reply):
        choice, = body["choices"]
        reply.turn = choice["message"]
        reply.text = reply.turn.get("content") or ""
        reply.finish = choice["finish_reason"]
        reply.calls = [
            parse_call(call["id"], call["function"]["name"],
                       call["function"]["arguments"])
            for call in reply.turn.get("tool_calls") or ()]
        reply.usage = self._usage(body["usage"])

    def read_event(self, event, reply, pending):
        if event is None:
            reply.ends.append("[DONE]")
            return
        if event.get("usage"):
            reply.usage = self._usage(event["usage"])
        if "error" in event:
            reply.ends.append("error")
        for choice in event.get("choices", ()):
            reply.add_piece(choice["delta"].get("content"))
            reply.finish = choice.get("finish_reason") or reply.finish
            for call in choice["delta"].get("tool_calls") or ():
                known = pending.setdefault(call["index"], ["", "", ""])
                function = call.get("function", {})
                known[0] += call.get("id") or ""
                known[1] += function.get("name") or ""
                known[2] += function.get("arguments") or ""

    @staticmethod
    def _usage(usage):
        return usage["prompt_tokens"], usage["completion_tokens"]

    @staticmethod
    def error_words(body):
        error = body["error"]
        return (error["type"], error["code"]), error["message"]

    def embed(self, model, texts):
        answer = self.post("/v1/embeddings", {
            "model": model, "input": texts, "dimensions": 3})
        return self._read(answer, self._read_vectors)

    @staticmethod
    def _read_vectors(answer, reply):
        body = answer.json()
        reply.vectors = [each["embedding"] for each in body["data"]]
        reply.usage = (body["usage"]["prompt_tokens"], 0)


class Responses(_HttpApi):
    """OpenAI's Responses."""

    name = "openai_responses"
    end = "response.completed"
    broken_end = "response.failed"
    finishes = ("completed", "completed")
    limited = Chat.limited
    invalid = Chat.invalid
    own_codes = Chat.own_codes
    incapable = Chat.incapable
    broken = Chat.broken
    error_words = staticmethod(Chat.error_words)

    def request(self, model, text, tool=None, must=False):
        body = {"model": model, "store": False,
                "input": [{"role": "user", "content": text}]}
        if tool:
            body["tools"] = [{"type": "function", "name": tool.name,
                              "parameters": tool.schema, "strict": False}]
        if must:
            body["tool_choice"] = "required"
        return body

    def go_on(self, request, reply, result):
        body = {**request, "input": request["input"] + reply.turn + [
            {"type": "function_call_output", "call_id": call.id,
             "output": result} for call in reply.calls]}
        body.pop("tool_choice", None)
        return body

    def send(self, request, stream):
        if stream:
            request = {**request, "stream": True}
        return self.post("/v1/responses", request)

    def read(self, body, reply):
        reply.turn = body["output"]
        reply.finish = body["status"]
        for item in body["output"]:
            if item["type"] == "message":
                reply.text += "".join(part.get("text", "")
                                      for part in item["content"])
            if item["type"] == "function_call":
                reply.calls.append(parse_call(
                    item["call_id"], item["name"], item["arguments"]))
        reply.usage = (body["usage"]["input_tokens"],
                       body["usage"]["output_tokens"])

    def read_event(self, event, reply, pending):
        kind = event["type"]
        if kind == "response.output_text.delta":
            reply.add_piece(event["delta"])
        if kind == "response.output_item.done":
            item = event["item"]
            if item["type"] == "function_call":
                pending[item["id"]] = (item["call_id"], item["name"],
                                       item["arguments"])
        if kind in ("response.completed", "response.incomplete",
                    "response.failed"):
            reply.ends.append(kind)
            reply.finish = event["response"]["status"]
            usage = event["response"].get("usage")
            if usage:
                reply.usage = usage["input_tokens"], usage["output_tokens"]


class Messages(_HttpApi):
    """Anthropic's messages."""

    name = "anthropic"
    end = "message_stop"
    broken_end = "error"
    finishes = ("end_turn", "tool_use")
    limited = (429, "rate_limit_error")
    invalid = (400, "invalid_request_error")
    incapable = (400, "invalid_request_error")
    broken = (502, "api_error")
    headers = {"anthropic-version": "2023-06-01"}

    def request(self, model, text, tool=None, must=False):
        body = {"model": model, "max_tokens": 64,
                "messages": [{"role": "user", "content": text}]}
        if tool:
            body["tools"] = [{"name": tool.name, "input_schema": tool.schema}]
        if must:
            body["tool_choice"] = {"type": "any"}
        return body

    def go_on(self, request, reply, result):
        body = {**request, "messages": request["messages"] + [
            {"role": "assistant", "content": reply.turn},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call.id,
                 "content": result} for call in reply.calls]}]}
        body.pop("tool_choice", None)
        return body

    def send(self, request, stream):
        if stream:
            request = {**request, "stream": True}
        return self.post("/v1/messages", request)

    def read(self, body, reply):
        reply.turn = body["content"]
        reply.finish = body["stop_reason"]
        for block in body["content"]:
            if block["type"] == "text":
                reply.text += block["text"]
            if block["type"] == "tool_use":
                reply.calls.append(Call(block["id"], block["name"],
                                        block["input"]))
        reply.usage = (body["usage"]["input_tokens"],
                       body["usage"]["output_tokens"])

    def read_event(self, event, reply, pending):
        kind = event["type"]
        usage = event.get("usage")
        if kind == "message_start":
            usage = event["message"]["usage"]
        if usage:
            before = reply.usage or (0, 0)
            reply.usage = (usage.get("input_tokens") or before[0],
                           usage["output_tokens"])
        if kind == "content_block_start":
            block = event["content_block"]
            if block["type"] == "tool_use":
                pending[event["index"]] = [block["id"], block["name"], ""]
        if kind == "content_block_delta":
            delta = event["delta"]
            reply.add_piece(delta.get("text"))
            if delta["type"] == "input_json_delta":
                pending[event["index"]][2] += delta["partial_json"]
        if kind == "message_delta":
            reply.finish = event["delta"]["stop_reason"]
        if kind in ("message_stop", "error"):
            reply.ends.append(kind)

    @staticmethod
    def error_words(body):
        return body["error"]["type"], body["error"]["message"]

    def count(self, request):
        request = dict(request)
        del request["max_tokens"]
        return self._read(
            self.post("/v1/messages/count_tokens", request),
            lambda answer, reply: setattr(
                reply, "count", answer.json()["input_tokens"]))


class Gemini(_HttpApi):
    """Gemini's generateContent."""

    name = "gemini"
    end = "STOP"
    broken_end = "error"
    finishes = ("STOP", "STOP")
    limited = (429, "RESOURCE_EXHAUSTED")
    invalid = (400, "INVALID_ARGUMENT")
    incapable = (400, "INVALID_ARGUMENT")
    broken = (502, "UNAVAILABLE")

    def request(self, model, text, tool=None, must=False):
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        if tool:
            body["tools"] = [{"functionDeclarations": [
                {"name": tool.name, "parametersJsonSchema": tool.schema}]}]
        if must:
            body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
        return model, body

    def go_on(self, request, reply, result):
        model, body = request
        body = {**body, "contents": body["contents"] + [
            reply.turn, {"role": "user", "parts": [
                {"functionResponse": {
                    "name": call.name, "response": {"output": result},
                    **({"id": call.id} if call.id else {})}}
                for call in reply.calls]}]}
        body.pop("toolConfig", None)
        return model, body

    def send(self, request, stream):
        model, body = request
        return self.post("/v1beta/models/%s:%s" % (
            model, "streamGenerateContent?alt=sse" if stream
            else "generateContent"), body)

    def read(self, body, reply):
        candidate, = body["candidates"]
        reply.turn = candidate["content"]
        self._read_candidate(candidate, reply)
        reply.usage = self._usage(body["usageMetadata"])

    def read_event(self, event, reply, pending):
        if "error" in event:
            reply.ends.append("error")
            return
        if "usageMetadata" in event:
            reply.usage = self._usage(event["usageMetadata"])
        for candidate in event.get("candidates", ()):
            self._read_candidate(candidate, reply)
            if "finishReason" in candidate:
                reply.ends.append(candidate["finishReason"])
        for call in reply.calls:
            pending[len(pending)] = (call.id, call.name,
                                     json.dumps(call.arguments))
        reply.calls = []

    @staticmethod
    def _read_candidate(candidate, reply):
        for part in candidate.get("content", {}).get("parts", ()):
            reply.add_piece(part.get("text"))
            call = part.get("functionCall")
            if call:
                reply.calls.append(Call(call.get("id"), call["name"],
                                        call["args"]))
        reply.finish = candidate.get("finishReason") or reply.finish

    @staticmethod
    def _usage(usage):
        return (usage.get("promptTokenCount", 0),
                usage.get("candidatesTokenCount", 0))

    @staticmethod
    def error_words(body):
        return body["error"]["status"], body["error"]["message"]

    def count(self, request):
        model, body = request
        return self._read(
            self.post("/v1beta/models/%s:countTokens" % model, body),
            lambda answer, reply: setattr(
                reply, "count", answer.json()["totalTokens"]))


APIS = (Grpc, Chat, Responses, Messages, Gemini)
