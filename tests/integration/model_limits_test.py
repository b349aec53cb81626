"""Requests that are translated ask of a model only what it takes."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat

_CONFIG = gateway_case.CONFIG.replace(
    "  - name: anthropic\n",
    "  - name: anthropic\n"
    "    model_capabilities:\n"
    "      - {{model: claude-opus-4-8-small, output_tokens_limit: 7000}}\n"
).replace(
    "routing:\n",
    "  - name: gemini\n"
    "    gemini:\n"
    '      base_url: "http://{upstream}"\n'
    '      api_key: "env:OPENAI_KEY"\n'
    "  - name: strict\n"
    "    anthropic:\n"
    '      base_url: "http://{upstream}"\n'
    '      api_key: "env:LOGIN_TOKEN"\n'
    '      version: "2026-10-21"\n'
    "routing:\n").replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{prefix: "gemini-", targets: [gemini]}}\n'
        '    - {{prefix: "strict-", targets: [strict]}}\n')

_ENV = {**gateway_case.ENV, "LOGIN_TOKEN": "sk-ant-oat01-0123456789abcdef"}

_OLD = "2023-06-01"
_NEW = "2026-10-21"

_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}},
           "required": ["a"], "additionalProperties": False}


class _LimitsCase(gateway_case.GatewayCase):

    config = _CONFIG
    env = _ENV

    def sent(self, model, **fields):
        """What a chat completion becomes at Anthropic, and what was told."""
        answer = ask(self.gateway.http, {**chat(model), **fields})
        self.assertEqual(answer.status, 200, answer.body)
        return (json.loads(self.upstream.last(model)["body"]),
                answer.headers.get("x-llmgateway-warnings", ""))

    def header(self, model, name):
        return [value for key, value in self.upstream.last(model)["headers"]
                if key.lower() == name]


class EffortTest(_LimitsCase):

    def test_a_model_that_takes_it_is_asked_for_it(self):
        body, told = self.sent("claude-opus-5", reasoning_effort="high")
        self.assertEqual(body["output_config"], {"effort": "high"})
        self.assertNotIn("effort", told)

    def test_a_level_that_a_model_lacks_becomes_the_next(self):
        body, told = self.sent("claude-opus-4-6", reasoning_effort="xhigh")
        self.assertEqual(body["output_config"], {"effort": "max"})
        self.assertIn("reasoning.effort: became max", told)
        body, told = self.sent("claude-opus-4-5", reasoning_effort="xhigh")
        self.assertEqual(body["output_config"], {"effort": "high"})

    def test_a_model_with_budgets_gets_a_budget(self):
        body, told = self.sent("claude-sonnet-4-5", reasoning_effort="medium")
        self.assertNotIn("output_config", body)
        self.assertEqual(body["thinking"],
                         {"type": "enabled", "budget_tokens": 8192})
        self.assertGreater(body["max_tokens"], 8192)
        self.assertIn("reasoning.effort: became a budget", told)

    def test_a_model_that_cannot_think_is_not_asked_to(self):
        body, told = self.sent("claude-3-5-haiku-20241022",
                               reasoning_effort="high")
        self.assertNotIn("thinking", body)
        self.assertNotIn("output_config", body)
        self.assertIn("reasoning.effort: left out", told)

    def test_a_model_that_always_thinks_is_told_to_think_little(self):
        body, told = self.sent("claude-opus-5-5", reasoning_effort="none")
        self.assertNotIn("thinking", body)
        self.assertEqual(body["output_config"], {"effort": "low"})
        self.assertIn("always thinks", told)
        body, told = self.sent("claude-sonnet-4-5", reasoning_effort="none")
        self.assertEqual(body["thinking"], {"type": "disabled"})


    def test_a_model_that_thinks_only_when_told_is_told(self):
        for model in ("claude-opus-4-6", "claude-sonnet-4-6",
                      "claude-opus-4-7", "claude-opus-4-8"):
            with self.subTest(model=model):
                body, told = self.sent(model, reasoning_effort="high")
                self.assertEqual(body["thinking"], {"type": "adaptive"})
                self.assertEqual(body["output_config"], {"effort": "high"})
                self.assertNotIn("reasoning", told)
        body, told = self.sent("claude-opus-4-5", reasoning_effort="medium")
        self.assertEqual(body["thinking"],
                         {"type": "enabled", "budget_tokens": 8192})
        self.assertEqual(body["output_config"], {"effort": "medium"})
        self.assertNotIn("reasoning", told)

    def test_one_that_thinks_anyway_is_not(self):
        for model in ("claude-sonnet-5", "claude-opus-5", "claude-opus-5-5"):
            body, _ = self.sent(model, reasoning_effort="high")
            self.assertNotIn("thinking", body, model)

    def test_no_effort_and_the_least_turn_no_thinking_on(self):
        for model in ("claude-opus-4-5", "claude-opus-4-7",
                      "claude-sonnet-4-5"):
            body, _ = self.sent(model, reasoning_effort="minimal")
            self.assertNotIn("thinking", body, model)
            body, _ = self.sent(model, reasoning_effort="none")
            self.assertEqual(body["thinking"], {"type": "disabled"}, model)
            body, _ = self.sent(model)
            self.assertNotIn("thinking", body, model)

    def test_no_temperature_goes_beside_thinking(self):
        body, told = self.sent("claude-opus-4-6", reasoning_effort="low",
                               temperature=0.3)
        self.assertEqual(body["thinking"], {"type": "adaptive"})
        self.assertNotIn("temperature", body)
        self.assertIn("sampling.temperature: left out", told)

    def test_a_budget_waits_for_the_end_of_calls_without_thoughts(self):
        # The format refuses thinking where the turn that called has none.
        call = {"id": "c1", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}
        turns = [{"role": "user", "content": "Hello"},
                 {"role": "assistant", "tool_calls": [call]},
                 {"role": "tool", "tool_call_id": "c1", "content": "1"}]
        for model in ("claude-opus-4-5", "claude-sonnet-4-5"):
            body, told = self.sent(model, messages=turns,
                                   reasoning_effort="high")
            self.assertNotIn("thinking", body, model)
            self.assertIn("reasoning.effort: ", told)
            body, _ = self.sent(
                model, reasoning_effort="high",
                messages=turns + [{"role": "assistant", "content": "1"},
                                  {"role": "user", "content": "Again"}])
            self.assertEqual(body["thinking"]["type"], "enabled", model)
        body, _ = self.sent("claude-opus-4-7", messages=turns,
                            reasoning_effort="high")
        self.assertEqual(body["thinking"], {"type": "adaptive"})


class OutputLimitTest(_LimitsCase):

    def test_without_a_limit_the_models_own_is_asked_for(self):
        for model, limit in (("claude-3-haiku-20240307", 4096),
                             ("claude-3-5-haiku-20241022", 8192),
                             ("claude-opus-4-1", 32000),
                             ("claude-haiku-4-5", 64000),
                             ("claude-opus-4-7", 128000),
                             ("claude-opus-5-5", 128000)):
            with self.subTest(model=model):
                body, told = self.sent(model)
                self.assertEqual(body["max_tokens"], limit)
                self.assertNotIn("max_output_tokens", told)

    def test_thinking_has_room_in_it(self):
        body, _ = self.sent("claude-opus-4-1", reasoning_effort="high")
        self.assertEqual(body["max_tokens"], 32000)
        self.assertLessEqual(body["thinking"]["budget_tokens"], 16000)

    def test_the_callers_is_kept(self):
        body, told = self.sent("claude-opus-5-5", max_completion_tokens=77)
        self.assertEqual(body["max_tokens"], 77)
        self.assertNotIn("max_output_tokens", told)

    def test_the_configured_one_goes_before(self):
        body, told = self.sent("claude-opus-4-8-small")
        self.assertEqual(body["max_tokens"], 7000)
        self.assertNotIn("max_output_tokens", told)

    def test_of_a_model_that_nobody_knows_little_is_asked_and_told(self):
        body, told = self.sent("claude-x")
        self.assertEqual(body["max_tokens"], 4096)
        self.assertIn("max_output_tokens: ", told)

    def test_it_fits_into_the_window_where_it_has_to(self):
        # Before Sonnet 4.5 a prompt is refused that does not fit into the
        # window beside the limit.
        turns = [{"role": "user", "content": "x" * 400000}]
        body, told = self.sent("claude-opus-4-1", messages=turns)
        self.assertEqual(body["max_tokens"], 4096)
        self.assertIn("max_output_tokens: ", told)
        body, _ = self.sent("claude-opus-4-5", messages=turns)
        self.assertEqual(body["max_tokens"], 64000)


class ThinkingTest(_LimitsCase):

    def sent_by_gemini(self, model, **thinking):
        answer = ask(
            self.gateway.http,
            {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
             "generationConfig": {"thinkingConfig": thinking}},
            path="/v1beta/models/%s:generateContent" % model)
        self.assertEqual(answer.status, 200, answer.body)
        return (json.loads(self.upstream.last(model)["body"]),
                answer.headers.get("x-llmgateway-warnings", ""))

    def test_a_budget_becomes_an_effort_where_thinking_is_adaptive(self):
        body, told = self.sent_by_gemini("claude-opus-4-8",
                                         thinkingBudget=9000)
        self.assertEqual(body["thinking"]["type"], "adaptive")
        self.assertEqual(body["output_config"], {"effort": "medium"})
        self.assertIn("reasoning.budget_tokens", told)

    def test_adaptive_thinking_becomes_a_budget_where_budgets_are(self):
        body, told = self.sent_by_gemini("claude-sonnet-4-5",
                                         thinkingBudget=-1)
        self.assertEqual(body["thinking"]["type"], "enabled")
        self.assertIn("reasoning.mode: became a budget", told)

    def test_a_level_turns_it_on_and_what_is_to_be_shown_is_asked_for(self):
        for model in ("claude-opus-4-7", "claude-opus-5"):
            body, _ = self.sent_by_gemini(model, includeThoughts=True,
                                          thinkingLevel="HIGH")
            self.assertEqual(
                body["thinking"],
                {"type": "adaptive", "display": "summarized"}, model)
            self.assertEqual(body["output_config"], {"effort": "high"})

    def test_each_keeps_its_own(self):
        body, _ = self.sent_by_gemini("claude-sonnet-4-5", thinkingBudget=2048)
        self.assertEqual(body["thinking"]["type"], "enabled")
        self.assertEqual(body["thinking"]["budget_tokens"], 2048)
        body, _ = self.sent_by_gemini("claude-opus-4-8", thinkingBudget=-1)
        self.assertEqual(body["thinking"]["type"], "adaptive")


class SamplingTest(_LimitsCase):

    def test_parameters_that_a_model_refuses_are_left_out(self):
        body, told = self.sent("claude-opus-5", temperature=0.5, top_p=0.9)
        self.assertNotIn("temperature", body)
        self.assertNotIn("top_p", body)
        self.assertIn("sampling.temperature: left out", told)
        self.assertIn("sampling.top_p: left out", told)

    def test_more_than_the_most_is_left_out_like_any_other(self):
        # No loss of the one value that the model would choose anyway.
        body, told = self.sent("claude-opus-4-7", temperature=1.5)
        self.assertNotIn("temperature", body)
        self.assertIn("sampling.temperature: left out", told)
        body, told = self.sent("claude-3-5-haiku-20241022", temperature=1.5)
        self.assertEqual(body["temperature"], 1)
        self.assertIn("sampling.temperature: became 1", told)

    def test_what_is_the_default_anyway_is_not_dropped(self):
        body, told = self.sent("claude-opus-5", temperature=1, top_p=1)
        self.assertNotIn("temperature", body)
        self.assertNotIn("sampling", told)

    def test_of_two_that_exclude_one_another_one_is_sent(self):
        body, told = self.sent("claude-sonnet-4-5", temperature=0.5,
                               top_p=0.9)
        self.assertEqual(body["temperature"], 0.5)
        self.assertNotIn("top_p", body)
        self.assertIn("sampling.top_p: left out", told)
        body, told = self.sent("claude-3-5-haiku-20241022", temperature=0.5,
                               top_p=0.9)
        self.assertEqual((body["temperature"], body["top_p"]), (0.5, 0.9))
        self.assertNotIn("sampling", told)


class SchemaTest(_LimitsCase):

    FORM = {"type": "json_schema", "json_schema": {
        "name": "n", "schema": _SCHEMA}}

    def test_a_model_that_takes_schemas_gets_it(self):
        body, _ = self.sent("claude-sonnet-4-5", response_format=self.FORM)
        self.assertEqual(body["output_config"]["format"]["schema"], _SCHEMA)

    def test_another_is_made_to_call_a_tool(self):
        model = "claude-sonnet-4-20250514"
        self.upstream.set_script(model, {"tool_calls": [
            {"name": "n", "arguments": '{"a":1}'}]})
        answer = ask(self.gateway.http,
                     chat(model, response_format=self.FORM))
        body = json.loads(self.upstream.last(model)["body"])
        self.assertNotIn("output_config", body)
        self.assertEqual(body["tools"][0]["input_schema"], _SCHEMA)
        self.assertEqual(body["tool_choice"]["type"], "tool")
        self.assertEqual(answer.text(), '{"a":1}')
        self.assertIn("response_format",
                      answer.headers["x-llmgateway-warnings"])


class VersionTest(_LimitsCase):

    def message(self, model, version, **fields):
        answer = ask(self.gateway.http,
                     {"model": model, "max_tokens": 64, **fields,
                      "messages": [{"role": "user", "content": "Hello"}]},
                     path="/v1/messages",
                     headers={"anthropic-version": version} if version else {})
        self.assertEqual(answer.status, 200, answer.body)

    def test_a_forwarded_request_keeps_its_callers_version(self):
        self.message("claude-x", _NEW)
        self.assertEqual(self.header("claude-x", "anthropic-version"), [_NEW])
        self.message("strict-x", _OLD, temperature=0.5)
        self.assertEqual(self.header("strict-x", "anthropic-version"), [_OLD])
        self.message("strict-x", None)
        self.assertEqual(self.header("strict-x", "anthropic-version"), [_NEW])

    def test_one_that_is_written_has_a_version_that_allows_it(self):
        self.sent("strict-x")
        self.assertEqual(self.header("strict-x", "anthropic-version"), [_NEW])
        self.sent("strict-x", temperature=0.5)
        self.assertEqual(self.header("strict-x", "anthropic-version"), [_OLD])
        self.sent("claude-x")
        self.assertEqual(self.header("claude-x", "anthropic-version"), [_OLD])



class ForcedToolTest(_LimitsCase):

    TOOL = {"type": "function", "function": {
        "name": "find", "parameters": {"type": "object", "properties": {}}}}

    def forced(self, model, **fields):
        return self.sent(model, tools=[self.TOOL], tool_choice="required",
                         **fields)

    def test_a_model_that_cannot_be_made_to_call_is_asked(self):
        body, told = self.forced("claude-opus-5-5")
        self.assertEqual(body["tool_choice"]["type"], "auto")
        self.assertIn("tool_choice: became auto", told)
        body, _ = self.forced("claude-fable-5-1")
        self.assertEqual(body["tool_choice"]["type"], "auto")

    def test_others_are_made_to(self):
        for model in ("claude-opus-4-8", "claude-haiku-5-5", "claude-fable-5"):
            body, told = self.forced(model)
            self.assertEqual(body["tool_choice"]["type"], "any", model)
            self.assertNotIn("tool_choice", told)

    def test_within_a_budget_a_call_goes_before_thinking(self):
        body, told = self.forced("claude-sonnet-4-5",
                                 reasoning_effort="medium", max_tokens=20000)
        self.assertEqual(body["tool_choice"]["type"], "any")
        self.assertNotIn("thinking", body)
        # What becomes of it in the end, and no budget before that.
        self.assertIn("reasoning.effort: left out: made to call a tool", told)
        self.assertEqual(told.count("reasoning"), 1, told)


class PrefillTest(_LimitsCase):

    TURNS = [{"role": "user", "content": "Count to three."},
             {"role": "assistant", "content": "One, two"}]

    def test_a_model_that_refuses_it_is_asked_to_go_on(self):
        for model, fields in (("claude-opus-4-6", {}),
                              ("claude-sonnet-4-5",
                               {"reasoning_effort": "low"})):
            body, told = self.sent(model, messages=self.TURNS, **fields)
            self.assertEqual(
                [turn["role"] for turn in body["messages"]],
                ["user", "assistant", "user"], model)
            self.assertIn("messages: the model does not go on", told)

    def test_others_go_on_by_themselves(self):
        body, told = self.sent("claude-sonnet-4-5", messages=self.TURNS)
        self.assertEqual(body["messages"][-1]["role"], "assistant")
        self.assertNotIn("messages", told)


class LoginTokenTest(_LimitsCase):

    def test_it_is_shown_as_a_bearer_with_its_beta(self):
        self.sent("strict-x")
        self.assertEqual(self.header("strict-x", "authorization"),
                         ["Bearer " + _ENV["LOGIN_TOKEN"]])
        self.assertEqual(self.header("strict-x", "x-api-key"), [])
        self.assertEqual(self.header("strict-x", "anthropic-beta"),
                         ["oauth-2025-04-20"])
        self.sent("claude-x")
        self.assertEqual(self.header("claude-x", "authorization"), [])
        self.assertEqual(self.header("claude-x", "x-api-key"),
                         [_ENV["ANTHROPIC_KEY"]])


class ScopeTest(_LimitsCase):

    def ask_with(self, text, model="claude-x"):
        answer = ask(
            self.gateway.http,
            ('{"model":"%s","max_tokens":9,%s}' % (model, text)).encode(),
            path="/v1/messages", headers={"anthropic-version": _OLD})
        self.assertEqual(answer.status, 200, answer.body)
        return self.upstream.last(model)["body"]

    def test_whose_agent_asks_is_not_told_to_the_provider(self):
        messages = '"messages":[{"role":"user","content":"Hello"}]'
        expected = '{"model":"claude-x","max_tokens":9,%s}' % messages
        for text in (messages + ',"agent_type":"coder","project_id":"p"',
                     messages + ' , "agent_type" : "coder"',
                     '"agent_type":"coder",' + messages,
                     '"agent_type":"c","project_id":null,' + messages,
                     '"project_id":"p",' + messages + ',"agent_type":"c"'):
            with self.subTest(text=text):
                self.assertEqual(json.loads(self.ask_with(text)),
                                 json.loads(expected))
        self.assertEqual(
            self.ask_with(messages + ',"agent_type":"coder"'), expected)
        body = json.loads(self.ask_with(
            messages + ',"agent_type":"coder"', "gpt-x"))
        self.assertNotIn("agent_type", body)


    def test_whose_it_is_is_recorded_though_only_bytes_go_through(self):
        ask(self.gateway.http,
            {"model": "claude-x", "max_tokens": 9, "agent_type": "coder",
             "project_id": "p-7", "metadata": {"user_id": "u-1"},
             "messages": [{"role": "user", "content": "Hello"}]},
            path="/v1/messages", headers={"anthropic-version": _OLD,
                                          "x-request-id": "scope-1"})
        entry = self.gateway.wait_for_access(request_id="scope-1")
        self.assertEqual((entry["agent_type"], entry["project_id"],
                          entry["user"]), ("coder", "p-7", "u-1"))

    def test_labels_are_recorded_alike_read_or_forwarded(self):
        labels = {"team": "blue", "ticket": "T-1"}
        for n, model in enumerate(("gpt-x", "claude-x")):
            for path, body in (
                    ("/v1/chat/completions", chat(model)),
                    ("/v1/responses", {"model": model, "input": "Hello"})):
                name = "labels-%d-%s" % (n, path[-4:])
                ask(self.gateway.http, {**body, "metadata": labels}, path=path,
                    headers={"x-request-id": name})
                entry = self.gateway.wait_for_access(request_id=name)
                self.assertEqual(entry["labels"], labels, name)


class GeminiTest(_LimitsCase):

    def test_every_model_that_hears_is_given_sound(self):
        for model in ("gemini-2.5-flash", "gemini-2.5-flash-lite",
                      "gemini-3-flash-preview", "gemini-flash-latest",
                      "gemini-2.0-flash-001", "gemini-2.5-pro"):
            with self.subTest(model=model):
                sound = {"inlineData": {"mimeType": "audio/wav",
                                        "data": "aGk="}}
                answer = ask(
                    self.gateway.http,
                    {"contents": [{"role": "user", "parts": [sound]}]},
                    path="/v1beta/models/%s:generateContent" % model)
                self.assertEqual(answer.status, 200, answer.body)
                answer = ask(self.gateway.http, {
                    "model": model, "messages": [{
                        "role": "user", "content": [{
                            "type": "input_audio", "input_audio": {
                                "data": "aGk=", "format": "wav"}}]}]})
                self.assertEqual(answer.status, 200, answer.body)

    PROMPT = [{"role": "user", "parts": [{"text": "Hello"}]}]

    def ask_gemini(self, model, body, stream=False):
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return ask(self.gateway.http, body,
                   path="/v1beta/models/%s:%s" % (model, method))

    def test_names_that_move_get_signatures(self):
        call = {"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}
        for model in ("gemini-flash-latest", "gemini-pro-latest",
                      "gemini-flash-lite-latest"):
            answer = ask(self.gateway.http, {
                "model": model, "messages": [
                    {"role": "user", "content": "Hello"},
                    {"role": "assistant", "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c", "content": "1"}]})
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn("skip_thought_signature_validator",
                          self.upstream.last(model)["body"])

    def test_names_that_move_are_asked_for_no_minimum(self):
        body, told = self.sent("gemini-flash-latest",
                               reasoning_effort="minimal")
        self.assertEqual(
            body["generationConfig"]["thinkingConfig"]["thinkingLevel"], "LOW")
        self.assertIn("reasoning.effort: became low", told)

    def test_a_single_object_is_a_list_of_one(self):
        answer = self.ask_gemini("gpt-x", {
            "contents": {"parts": {"text": "Hello"}},
            "tools": {"functionDeclarations": {"name": "f"}}})
        self.assertEqual(answer.status, 200, answer.body)
        body = json.loads(self.upstream.last("gpt-x")["body"])
        self.assertEqual(body["tools"][0]["function"]["name"], "f")
        self.assertEqual(body["messages"][0]["content"], "Hello")

    def test_pictures_are_asked_only_of_who_draws(self):
        answer = self.ask_gemini("gpt-x", {
            "contents": self.PROMPT,
            "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}})
        self.assertEqual(answer.status, 200, answer.body)
        body = json.loads(self.upstream.last("gpt-x")["body"])
        self.assertEqual(body["modalities"], ["text"])
        self.assertIn("modalities",
                      answer.headers["x-llmgateway-warnings"])

    def test_arguments_in_pieces_become_a_call(self):
        def event(parts, **more):
            return "data: %s\r\n\r\n" % json.dumps({"candidates": [
                {"index": 0, "content": {"role": "model", "parts": parts},
                 **more}], "responseId": "r", "modelVersion": "m"})
        self.upstream.set_script("gemini-x", {
            "content_type": "text/event-stream",
            "body": "".join([
                event([{"functionCall": {"name": "f", "willContinue": True}}]),
                event([{"functionCall": {"partialArgs": [
                    {"jsonPath": "$.city", "stringValue": "Os",
                     "willContinue": True}], "willContinue": True}}]),
                event([{"functionCall": {"partialArgs": [
                    {"jsonPath": "$.city", "stringValue": "lo"},
                    {"jsonPath": "$.days", "numberValue": 3}],
                                         "willContinue": True}}]),
                event([{"functionCall": {}}]),
                event([], finishReason="STOP")])})
        answer = ask(self.gateway.http, chat("gemini-x", stream=True))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotIn(b'"error"', answer.body)
        calls = [call for chunk in answer.events() if chunk
                 for choice in chunk["choices"]
                 for call in choice["delta"].get("tool_calls", ())]
        self.assertEqual("".join(call["function"].get("arguments", "")
                                 for call in calls),
                         '{"city":"Oslo","days":3}')
        self.assertEqual(calls[0]["function"]["name"], "f")
        self.assertIn(b'"finish_reason":"tool_calls"', answer.body)


if __name__ == "__main__":
    unittest.main()
