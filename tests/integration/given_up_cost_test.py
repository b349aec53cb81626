"""A provider that gives an answer up, and tells with that what it consumed,
has consumed it: whole and streamed, by whichever API (docs/cost.md)."""

import json
import unittest

from tests.integration import answer_case
from tests.integration.answer_case import APIS, JSON, STREAM, nanos_of, pieces
from tests.integration.ledger_case import of_type, read_ledger

_USAGE = (100, 700)


def _gemini():
    return {"modelVersion": "g", "candidates": [{
        "index": 0, "finishReason": "MALFORMED_FUNCTION_CALL",
        "content": {"role": "model", "parts": []}}],
            "usageMetadata": {"promptTokenCount": _USAGE[0],
                              "candidatesTokenCount": _USAGE[1]}}


def _chat(choice):
    return {"id": "c", "created": 1, "model": "m", "choices": [{
        "index": 0, "finish_reason": "insufficient_system_resource",
        **choice}], "usage": {"prompt_tokens": _USAGE[0],
                              "completion_tokens": _USAGE[1]}}


def _failed():
    return {"id": "resp_1", "object": "response", "created_at": 1,
            "status": "failed", "error": None, "model": "m", "output": [],
            "usage": {"input_tokens": _USAGE[0], "output_tokens": _USAGE[1]}}


class GivenUpCostTest(answer_case.AnswerCase):

    def check(self, vendor, content_type, body):
        owed = {}
        for api in APIS[vendor]:
            model = self.script(vendor, {
                "body": body, "content_type": content_type})
            stream = content_type == STREAM
            with self.subTest(vendor=vendor, api=api, stream=stream):
                _, _, line = self.ask(api, model, stream)
                self.assertEqual(line["error_reason"], "PROVIDER_UNAVAILABLE",
                                 line)
                owed[model] = line["attempt_count"]
        costs = {}
        for entry in of_type(read_ledger(self.ledger), "EXCHANGE"):
            costs.setdefault(entry["metadata"]["model_id"], []).append(
                entry["metadata"]["gateway"]["cost_usd_nanos"])
        for model, attempts in owed.items():
            self.assertEqual(costs[model], [nanos_of(*_USAGE)] * attempts)

    def check_stream(self, vendor, *events):
        self.check(vendor, STREAM, "".join(
            "%sdata: %s\n\n" % ("event: %s\n" % event["type"]
                                if "type" in event else "", json.dumps(event))
            for event in events))

    def test_gemini(self):
        self.check("gemini", JSON, json.dumps(_gemini()))
        self.check_stream("gemini", _gemini())

    def test_chat(self):
        self.check("gpt", JSON, json.dumps({
            "object": "chat.completion", **_chat({"message": {
                "role": "assistant", "content": ""}})}))
        self.check_stream("gpt", {
            "object": "chat.completion.chunk", **_chat({"delta": {}})})

    def test_responses(self):
        self.check("resp", JSON, json.dumps(_failed()))
        self.check_stream("resp", {
            "type": "response.failed", "sequence_number": 0,
            "response": _failed()})

    def test_what_an_error_interrupts_has_told_nothing(self):
        """A provider that fails bills nobody for what it had begun with."""
        begun = pieces("claude", [])[0].replace(
            '"stop_reason": null', '"stop_reason": null, "usage": '
            '{"input_tokens": 100, "output_tokens": 1}')
        error = {"type": "error", "error": {"type": "overloaded_error",
                                            "message": "Overloaded"}}
        for api in APIS["claude"]:
            model = self.script("claude", {
                "body": begun + "event: error\ndata: %s\n\n" %
                        json.dumps(error),
                "content_type": STREAM})
            with self.subTest(api=api):
                _, _, line = self.ask(api, model, stream=True)
                self.assertEqual(line.get("cost_usd_nanos", 0), 0, line)


if __name__ == "__main__":
    unittest.main()
