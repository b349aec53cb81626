"""What becomes of each feature at each provider, asked by gRPC.

The expectations stand in docs/providers.md itself: each cell of its table of
features whose row is checked here is a test, such as `test_gemini_vision`. What
is asked for must reach the provider in its own words, or be refused, or be told
as left out: nothing is dropped in silence.
"""

import base64
import json
import re
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import matrix_providers
from tests.integration.grpc_caller import prompt

_PAGE = "docs/providers.md"
_HEADING = "## Features by provider"
_BYTES = base64.b64encode(b"bytes of a file that is a marker").decode()
_SIGNATURE = base64.b64encode(b"a signature that must come back").decode()
_SCHEMA = {"type": "object", "properties": {"zebra": {"type": "integer"}},
           "required": ["zebra"], "additionalProperties": False}
_TOOL = {"function": {"name": "find", "parameters_schema": json.dumps(
    {"type": "object", "properties": {"q": {"type": "string"}}})}}


def _call(text):
    return {"name": "find", "arguments": json.dumps({"q": text})}


def _with_part(model, part):
    request = prompt(model, "Look at it.")
    request["messages"][0]["parts"].append(part)
    return request


class ProviderFeaturesTest(gateway_case.GatewayCase):

    calls_grpc = True
    env = matrix_providers.ENV

    @classmethod
    def setUpClass(cls):
        folder = cls.enter_class(
            tempfile.TemporaryDirectory(prefix="features"))
        cls.config = matrix_providers.config_template(folder)
        super().setUpClass()

    def generate(self, request):
        return self.caller.generate(self.gateway.grpc, request)

    def sent(self, provider, model):
        return self.upstream.last_body(model).decode() if (
            provider.is_upstream) else ""

    def becomes(self, provider, request, field, pattern):
        """What became of the request: `yes`, `told`, `refused` or `-`."""
        call = self.generate(request)
        if call.end["code"] != "OK":
            self.assertEqual(call.end["reason"], "CAPABILITY_UNSUPPORTED",
                             call.end)
            return "refused"
        sent = self.sent(provider, request["model"])
        arrived = re.search(pattern, sent) is not None
        told = any(field in warning.get("field", "")
                   for warning in call.response.get("warnings", ()))
        self.assertFalse(arrived and told, (sent, call.response))
        return "yes" if arrived else "told" if told else "-"

    def check_vision(self, provider, model):
        return self.becomes(provider, _with_part(model, {"image": {
            "data": _BYTES, "media_type": "image/png"}}), "messages", _BYTES)

    def test_what_a_known_model_cannot_see_is_refused(self):
        deepseek, = [provider for provider in matrix_providers.PROVIDERS
                     if provider.name == "deepseek"]
        self.assertEqual(self.check_vision(deepseek, "deepseek-v4-flash"),
                         "refused")
        self.assertEqual(
            self.upstream.stat("deepseek-v4-flash", "requests"), 0)

    def check_documents(self, provider, model):
        return self.becomes(provider, _with_part(model, {"document": {
            "data": _BYTES, "media_type": "application/pdf"}}), "messages",
            _BYTES)

    def check_audio(self, provider, model):
        return self.becomes(provider, _with_part(model, {"audio": {
            "data": _BYTES, "format": "wav"}}), "messages", _BYTES)

    def check_parallel_tools(self, provider, model):
        self.upstream.set_script(model, [
            {"tool_calls": [_call("Oslo"), _call("Rome")],
             "reasoning": {"text": "Hmmm."}}, {"text": "Both."}])
        request = prompt(model, tools=[_TOOL])
        if not provider.is_upstream:
            return self.becomes(provider, request, "tools", "Rome")
        first = self.generate(request)
        self.assertEqual(first.end["code"], "OK", first.end)
        turn = first.response["choices"][0]["message"]
        calls = [part["tool_call"] for part in turn["parts"]
                 if "tool_call" in part]
        self.assertEqual([json.loads(call["arguments"])["q"]
                          for call in calls], ["Oslo", "Rome"])
        self.assertEqual(len({call["id"] for call in calls}), 2)
        request["messages"] += [turn, {"role": "ROLE_TOOL", "parts": [
            {"tool_result": {"tool_call_id": call["id"], "name": "find",
                             "parts": [{"text": "result %d" % place}]}}
            for place, call in enumerate(calls)]}]
        return self.becomes(provider, request, "tool_calls",
                            "result 0.*result 1")

    def check_json_schema(self, provider, model):
        text = '{"zebra": 1}'
        self.upstream.set_script(model, {"text": text})
        call = self.generate(prompt(model, response_format={
            "kind": "KIND_JSON_SCHEMA", "name": "animal",
            "schema": json.dumps(_SCHEMA)}))
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertTrue(call.response["output_valid"], call.response)
        if provider.name == "mock":
            return "yes"
        sent = self.sent(provider, model)
        self.assertEqual(provider.is_upstream, "zebra" in sent)
        for pattern, mark in (
                ('"json_schema"|JsonSchema"|"format":{', "native"),
                ('"tool_choice"', "tool"), ('"json_object"', "JSON mode")):
            if re.search(pattern, sent):
                return mark
        return "prompt"

    def check_reasoning(self, provider, model):
        self.upstream.set_script(model, {"text": "Yes.", "reasoning": {
            "text": "Hmmm."}})
        if provider.is_upstream:
            self.assertIn('{"reasoning": {"text": "Hmmm."', json.dumps(
                self.generate(prompt(model)).response["choices"]))
        return self.becomes(
            provider, prompt(model, reasoning={"effort": "EFFORT_HIGH"}),
            "reasoning", '"(reasoning|reasoning_effort|think|thinking|'
            'thinkingConfig|output_config)"')

    def check_signatures(self, provider, model):
        self.upstream.set_script(model, [
            {"reasoning": {"text": "Hmmm.", "signature": _SIGNATURE},
             "tool_calls": [_call("Oslo")]}, {"text": "Yes."}])
        request = prompt(model, tools=[_TOOL])
        first = self.generate(request)
        if first.end["code"] != "OK":
            return "-"
        turn = first.response["choices"][0]["message"]
        if _SIGNATURE not in json.dumps(turn):
            return "-"
        call, = [part["tool_call"] for part in turn["parts"]
                 if "tool_call" in part]
        request["messages"] += [turn, {"role": "ROLE_TOOL", "parts": [
            {"tool_result": {"tool_call_id": call["id"], "name": "find",
                             "parts": [{"text": "Rain."}]}}]}]
        return self.becomes(provider, request, "reasoning",
                            re.escape(_SIGNATURE))

    def check_count_tokens(self, provider, model):
        call = self.caller.call(
            self.gateway.grpc, "/llmgateway.v1.GatewayService/CountTokens",
            {"request": prompt(model)})
        return {"SOURCE_PROVIDER": "own", "SOURCE_ESTIMATE": "estimate"}[
            call.response["source"]]

    def check_embeddings(self, provider, model):
        call = self.caller.call(
            self.gateway.grpc, "/llmgateway.v1.GatewayService/Embed",
            {"model": model, "inputs": [{"text": "Hello"}]})
        if call.end["code"] == "UNIMPLEMENTED":
            return "refused"
        self.assertEqual(call.end["code"], "OK", call.end)
        return "yes" if call.response["embeddings"][0]["values"] else "-"

    def check_cache_marks(self, provider, model):
        request = prompt(model)
        request["messages"][0]["parts"][0]["cache_hint"] = {}
        return self.becomes(provider, request, "cache_hint", "cache_control")

    def check_logprobs(self, provider, model):
        return self.becomes(
            provider, prompt(model, sampling={"logprobs": True}), "logprobs",
            '(?i)"(response)?logprobs":true')

    def check_n(self, provider, model):
        self.upstream.set_script(model, {"choices": 2})
        request = prompt(model, sampling={"choice_count": 2})
        mark = self.becomes(provider, request, "choice_count",
                            '"(n|candidateCount)":2')
        if mark == "yes":
            self.assertEqual(
                len(self.generate(request).response["choices"]), 2)
        return mark

    def check_seed(self, provider, model):
        return self.becomes(
            provider, prompt(model, sampling={"seed": "4711"}), "seed",
            '"seed":4711')


def _table(page):
    """The first table: {feature: {provider: mark}}. A `*` is a footnote's."""
    lines = page[page.index(_HEADING):].splitlines()
    rows = [[cell.strip(" `*") for cell in line.strip("|").split("|")]
            for line in lines if line.startswith("|")]
    head = rows[0]
    result = {}
    for row in rows[2:]:
        if len(row) != len(head):
            break
        result[row[0].lower().replace(" ", "_")] = dict(zip(head[1:], row[1:]))
    return result


def _add_all():
    with open(_PAGE, encoding="utf-8") as file:
        rows = _table(file.read())
    checks = {name[6:]: check for name, check
              in vars(ProviderFeaturesTest).items()
              if name.startswith("check_")}
    for feature, check in checks.items():
        for provider in matrix_providers.PROVIDERS:
            _add(feature, check, provider,
                 rows[feature][provider.name])


def _add(feature, check, provider, mark):

    def test(self):
        model = provider.model(feature)
        self.assertEqual(check(self, provider, model), mark)

    test.__name__ = "test_%s_%s" % (provider.name, feature)
    setattr(ProviderFeaturesTest, test.__name__, test)


_add_all()


if __name__ == "__main__":
    unittest.main()
