"""A request that needs what a model is known to lack goes to one that has it,
or is refused, and is so at every API alike: whether it would be translated or
forwarded unread."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat

_POOR = """\
      - {{model: poor, image_input: false, document_input: false, tools: false,
         reasoning: false, streaming: false, strict_schema: false}}
"""

_PROVIDER = """\
  - name: {name}
    {name}:
      base_url: "http://{{upstream}}{path}"
      api_key: "env:OPENAI_KEY"
    model_capabilities:
{poor}"""

_VENDORS = {"openai": "/v1", "anthropic": "", "gemini": ""}

_CONFIG = "providers:\n" + "".join(
    _PROVIDER.format(name=name, path=path, poor=_POOR)
    for name, path in _VENDORS.items()) + (
        "routing:\n  model_rules:\n" + "".join(
            '    - {{exact: "%s-both", targets: [%s/poor],'
            " fallbacks: [%s/rich]}}\n"
            '    - {{exact: "%s-alone", targets: [%s/poor]}}\n' % (5 * (name,))
            for name in _VENDORS) +
        "  default_target: openai\n")

_PDF = "JVBERi0="
_PNG = "iVBORw0="
_PARAMETERS = {"type": "object", "properties": {}}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}},
           "required": ["a"], "additionalProperties": False}

# What is asked for, and what of a refusal names it.
_NEEDS = {"reasoning": "does not reason",
          "document": "does not read documents",
          "picture": "does not read pictures",
          "tools": "does not call tools",
          "stream": "does not stream"}


class _Http:
    """One of the HTTP APIs: `ask` returns whether the call was answered, and
    the bytes of the answer."""

    headers = {}

    def __init__(self, case):
        self._address = case.gateway.http

    def ask(self, model, need):
        path, body = self.request(model, need)
        answer = ask(self._address, body, path=path, headers=self.headers)
        return answer.status == 200, answer.body.decode()


class _Chat(_Http):

    def request(self, model, need):
        part = {
            "document": {"type": "file", "file": {
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64," + _PDF}},
            "picture": {"type": "image_url", "image_url": {
                "url": "data:image/png;base64," + _PNG}}}.get(need)
        fields = {
            "reasoning": {"reasoning_effort": "high"},
            "tools": {"tools": [{"type": "function", "function": {
                "name": "f", "parameters": _PARAMETERS}}]},
            "stream": {"stream": True}}.get(need, {})
        return ("/v1/chat/completions",
                chat(model, [part] if part else "Hello", **fields))


class _Responses(_Http):

    def request(self, model, need):
        part = {
            "document": {"type": "input_file", "filename": "a.pdf",
                         "file_data": "data:application/pdf;base64," + _PDF},
            "picture": {"type": "input_image", "image_url":
                        "data:image/png;base64," + _PNG}}.get(need)
        fields = {
            "reasoning": {"reasoning": {"effort": "high"}},
            "tools": {"tools": [{"type": "function", "name": "f",
                                 "parameters": _PARAMETERS}]},
            "stream": {"stream": True}}.get(need, {})
        return "/v1/responses", {"model": model, "store": False, "input": [
            {"role": "user", "content": [part] if part else "Hello"}],
                                 **fields}


class _Messages(_Http):

    headers = {"anthropic-version": "2023-06-01"}

    def request(self, model, need):
        def part(kind, media_type, data):
            return {"type": kind, "source": {
                "type": "base64", "media_type": media_type, "data": data}}
        content = {
            "document": [part("document", "application/pdf", _PDF)],
            "picture": [part("image", "image/png", _PNG)]}.get(need, "Hello")
        fields = {
            "reasoning": {"thinking": {"type": "enabled",
                                       "budget_tokens": 1024}},
            "tools": {"tools": [{"name": "f", "input_schema": _PARAMETERS}]},
            "stream": {"stream": True}}.get(need, {})
        return "/v1/messages", {
            "model": model, "max_tokens": 2000, **fields,
            "messages": [{"role": "user", "content": content}]}


class _Gemini(_Http):

    def request(self, model, need):
        parts = [{
            "document": {"inlineData": {"mimeType": "application/pdf",
                                        "data": _PDF}},
            "picture": {"inlineData": {"mimeType": "image/png",
                                       "data": _PNG}}}.get(
                                           need, {"text": "Hello"})]
        fields = {
            "reasoning": {"generationConfig": {
                "thinkingConfig": {"thinkingBudget": 1024}}},
            "tools": {"tools": [{"functionDeclarations": [
                {"name": "f", "description": "f"}]}]}}.get(need, {})
        verb = ("streamGenerateContent?alt=sse" if need == "stream" else
                "generateContent")
        return ("/v1beta/models/%s:%s" % (model, verb),
                {"contents": [{"role": "user", "parts": parts}], **fields})


class _Grpc:

    def __init__(self, case):
        self._case = case

    def request(self, model, need):
        parts = [{
            "document": {"document": {"data": _PDF,
                                      "media_type": "application/pdf"}},
            "picture": {"image": {"data": _PNG,
                                  "media_type": "image/png"}}}.get(
                                      need, {"text": "Hello"})]
        fields = {
            "reasoning": {"reasoning": {"effort": "EFFORT_HIGH"}},
            "tools": {"tools": [{"function": {"name": "f"}}]}}.get(need, {})
        return {**prompt(model, **fields), "messages": [
            {"role": "ROLE_USER", "parts": parts}]}

    def ask(self, model, need):
        request = self.request(model, need)
        address = self._case.gateway.grpc
        caller = self._case.caller
        call = (caller.stream(address, request) if need == "stream" else
                caller.start_generate(address, request))
        end = call.wait()
        return end["code"] == "OK", end.get("message", "")


_APIS = (_Chat, _Responses, _Messages, _Gemini, _Grpc)


class _LackingCase(gateway_case.GatewayCase):

    config = _CONFIG
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def asked(self, model):
        return self.upstream.stat(model, "requests")


class NeedsTest(_LackingCase):

    def test_without_a_need_the_first_target_serves(self):
        for api in _APIS:
            for vendor in _VENDORS:
                with self.subTest(api=api.__name__, vendor=vendor):
                    before = self.asked("poor")
                    answered, body = api(self).ask(vendor + "-both", None)
                    self.assertTrue(answered, body)
                    self.assertEqual((self.asked("poor"), self.asked("rich")),
                                     (before + 1, 0))

    def test_a_target_that_lacks_it_is_passed_over(self):
        for api in _APIS:
            for vendor in _VENDORS:
                for need in _NEEDS:
                    with self.subTest(api=api.__name__, vendor=vendor,
                                      need=need):
                        before = self.asked("rich")
                        answered, body = api(self).ask(vendor + "-both", need)
                        self.assertTrue(answered, body)
                        self.assertEqual(
                            (self.asked("poor"), self.asked("rich")),
                            (0, before + 1))

    def test_where_nobody_has_it_the_request_is_refused(self):
        for api in _APIS:
            for vendor in _VENDORS:
                for need, words in _NEEDS.items():
                    with self.subTest(api=api.__name__, vendor=vendor,
                                      need=need):
                        answered, body = api(self).ask(vendor + "-alone", need)
                        self.assertFalse(answered, body)
                        self.assertIn(
                            "the model 'poor' of %s %s" % (vendor, words), body)
        self.assertEqual(self.asked("poor"), 0)


class ExplainTest(_LackingCase):

    def explained(self, model, need):
        request = _Grpc(self).request(model, need)
        call = self.caller.call(
            self.gateway.admin, "/llmgateway.v1.AdminService/ExplainRoute",
            {"request": request})
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def test_explain_route_goes_where_the_call_goes(self):
        for need, words in _NEEDS.items():
            if need == "stream":  # No request says whether it is.
                continue
            with self.subTest(need=need):
                told = self.explained("openai-both", need)
                self.assertEqual(told["route"]["model"], "rich")
                step = told["steps"][-2]
                self.assertEqual(step["rule"], "target:openai/poor")
                self.assertIn(words, step["detail"])
                told = self.explained("openai-alone", need)
                self.assertNotIn("route", told)
                self.assertEqual(told["failure"],
                                 "ERROR_REASON_CAPABILITY_UNSUPPORTED")
                self.assertIn(words, told["failure_message"])
        self.assertEqual(self.explained("openai-both", None)["route"]["model"],
                         "poor")


class SchemaTest(_LackingCase):
    """A schema is no need, since it is made up for: what would be forwarded is
    read for it, and written anew."""

    def setUp(self):
        super().setUp()
        for model in ("poor", "rich"):
            self.upstream.set_script(model, {"text": '{"a": 1}'})

    def sent(self, provider, request, path, **headers):
        answer = ask(self.gateway.http, request, path=path, headers={
            **headers, "x-llmgateway-provider": provider})
        self.assertEqual(answer.status, 200, answer.body)
        return (json.loads(self.upstream.last(request["model"])["body"]),
                answer.headers.get("x-llmgateway-warnings", ""))

    def test_chat_completions(self):
        form = {"type": "json_schema", "json_schema": {
            "name": "s", "strict": True, "schema": _SCHEMA}}
        sent, told = self.sent("openai", chat("rich", response_format=form),
                               "/v1/chat/completions")
        self.assertEqual((sent["response_format"], told), (form, ""))
        sent, told = self.sent("openai", chat("poor", response_format=form),
                               "/v1/chat/completions")
        self.assertNotEqual(sent.get("response_format"), form)
        self.assertIn("response_format", told)

    def test_messages(self):
        form = {"format": {"type": "json_schema", "schema": _SCHEMA}}

        def sent(model):
            return self.sent(
                "anthropic", {
                    "model": model, "max_tokens": 64, "output_config": form,
                    "messages": [{"role": "user", "content": "Hello"}]},
                "/v1/messages", **{"anthropic-version": "2023-06-01"})
        body, told = sent("rich")
        self.assertEqual((body["output_config"], told), (form, ""))
        body, told = sent("poor")
        self.assertNotIn("output_config", body)
        self.assertIn("response_format", told)


if __name__ == "__main__":
    unittest.main()
