"""The gRPC API, as matrix_apis.py has the others."""

import json

from tests.integration import grpc_caller
from tests.integration.matrix_reply import Refusal, Reply, parse_call

_SERVICE = "/llmgateway.v1.GatewayService/"


class Grpc:
    """gRPC."""

    name = "grpc"
    end = "OUTCOME_FINISHED"
    broken_end = "OUTCOME_TRUNCATED"
    finishes = ("FINISH_REASON_STOP", "FINISH_REASON_TOOL_CALLS")
    limited = ("RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED")
    invalid = ("INVALID_ARGUMENT", "INVALID_REQUEST")
    incapable = ("INVALID_ARGUMENT", "CAPABILITY_UNSUPPORTED")
    broken = ("UNAVAILABLE", "PROVIDER_UNAVAILABLE")
    unserved = ("UNIMPLEMENTED", "UNIMPLEMENTED")

    def __init__(self, address, caller):
        self._address = address
        self._caller = caller

    def request(self, model, text, tool=None, must=False):
        body = grpc_caller.prompt(model, text)
        if tool:
            body["tools"] = [{"function": {
                "name": tool.name,
                "parameters_schema": json.dumps(tool.schema)}}]
        if must:
            body["tool_choice"] = {"mode": "MODE_REQUIRED"}
        return body

    def go_on(self, request, reply, result):
        body = {**request, "messages": request["messages"] + [
            reply.turn, {"role": "ROLE_TOOL", "parts": [
                {"tool_result": {"tool_call_id": call.id, "name": call.name,
                                 "parts": [{"text": result}]}}
                for call in reply.calls]}]}
        body.pop("tool_choice", None)
        return body

    def _reply(self, call):
        reply = Reply((call.response, call.events, call.end))
        end = call.end
        if end["code"] != "OK":
            reply.refusal = Refusal(end["code"], end.get("reason"),
                                    end.get("retry_s"), end["message"])
        return reply

    def ask(self, request):
        call = self._caller.generate(self._address, request)
        reply = self._reply(call)
        if not reply.refusal:
            choice, = call.response["choices"]
            reply.turn = choice["message"]
            reply.finish = choice["finish_reason"]
            parts = reply.turn.get("parts", ())
            reply.text = "".join(part.get("text", "") for part in parts)
            reply.calls = [
                parse_call(part["tool_call"]["id"], part["tool_call"]["name"],
                           part["tool_call"]["arguments"])
                for part in parts if "tool_call" in part]
            reply.usage = self._usage(call.response["usage"])
        return reply

    def stream(self, request):
        call = self._caller.stream_all(self._address, request)
        reply = self._reply(call)
        pending = {}
        for event in call.events:
            self._read_event(event, reply, pending)
        reply.calls = [parse_call(*each) for each in pending.values()]
        return reply

    def _read_event(self, event, reply, pending):
        delta = event.get("delta", {})
        reply.add_piece(delta.get("text"))
        if "tool_call" in delta:
            piece = delta["tool_call"]
            known = pending.setdefault(delta.get("part_index", 0),
                                       ["", "", ""])
            for place, name in enumerate(("id", "name", "arguments")):
                known[place] += piece.get(name, "")
        if "choice_end" in event:
            reply.finish = event["choice_end"]["finish_reason"]
        if "end" in event:
            reply.ends.append(event["end"]["outcome"])
            reply.usage = self._usage(event["end"].get("usage", {}))
        reply.last = event

    @staticmethod
    def _usage(usage):
        return (int(usage.get("input_tokens", 0)),
                int(usage.get("output_tokens", 0)))

    def count(self, request):
        call = self._caller.call(self._address, _SERVICE + "CountTokens",
                                 {"request": request})
        reply = self._reply(call)
        if not reply.refusal:
            reply.count = int(call.response["input_tokens"])
            reply.source = call.response["source"]
        return reply

    def embed(self, model, texts):
        call = self._caller.call(self._address, _SERVICE + "Embed", {
            "model": model, "inputs": [{"text": text} for text in texts],
            "dimensions": 3})
        reply = self._reply(call)
        if not reply.refusal:
            reply.vectors = [each["values"]
                             for each in call.response["embeddings"]]
            reply.usage = self._usage(call.response.get("usage", {}))
        return reply
