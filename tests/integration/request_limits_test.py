"""Limits of a request hold at every API, also where its bytes only go through.

Each is told in the vendor's own form, naming the field.
"""

import json
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls

MESSAGES_LIMIT = 4
LABELS_LIMIT = 3
TOOLS_LIMIT = 2
NAME_LIMIT = 256
# What a record holds of a text.
RECORD_LIMIT = 1024

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"


def gemini(model):
    return "/v1beta/models/%s:generateContent" % model


def tool(i):
    return {"type": "function", "function": {"name": "f%d" % i,
                                             "parameters": {"type": "object"}}}


class RequestLimitsTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG.replace(
        "routing:", "limits: {{messages_limit: %d, tools_limit: %d, "
        "labels_limit: %d}}\nrouting:"
        % (MESSAGES_LIMIT, TOOLS_LIMIT, LABELS_LIMIT)).replace(
            "  - name: anthropic\n",
            "  - name: gemini\n"
            '    gemini: {{base_url: "http://{upstream}", '
            'api_key: "env:OPENAI_KEY"}}\n'
            "  - name: anthropic\n").replace(
                "  model_rules:\n",
                "  model_rules:\n"
                '    - {{prefix: "gemini-", targets: [gemini]}}\n')

    def refusal(self, path, body):
        """What a 400 says, as text."""
        answer = http_calls.ask(self.gateway.http, body, path=path)
        self.assertEqual(answer.status, 400, answer.body)
        return answer.body.decode()

    def served(self, path, body):
        answer = http_calls.ask(self.gateway.http, body, path=path)
        self.assertEqual(answer.status, 200, answer.body)

    @staticmethod
    def message(count):
        return [{"role": "user", "content": "hi"}] * count

    def test_labels_are_counted(self):
        for path, body in ((CHAT, {"messages": self.message(1)}),
                           (RESPONSES, {"input": "hi"})):
            labels = {"label-%d" % i: "x" for i in range(LABELS_LIMIT)}
            body = {"model": "gpt-x", **body, "metadata": labels}
            self.served(path, body)
            labels["one-more"] = "x"
            self.assertIn("metadata", self.refusal(path, body))

    def test_the_range_of_numbers_is_left_to_whoever_takes_them(self):
        turns = {"messages": self.message(1)}
        for path, field, value, said in (
                (CHAT, "max_tokens", -1, "invalid_value"),
                (CHAT, "n", 0, "invalid_value"),
                (CHAT, "n", 1000, "invalid_value"),
                (MESSAGES, "max_tokens", -1, "anthropic: 400: max_tokens")):
            model = "gpt-x" if path == CHAT else "claude-x"
            body = {"model": model, **turns, field: value}
            with self.subTest(path=path, field=field, value=value):
                self.assertIn(said, self.refusal(path, body))
                self.assertEqual(json.loads(self.upstream.last_body(model)),
                                 body)
        # Translated, there is nobody to leave it to.
        for field in ("max_tokens", "n"):
            self.assertNotIn("anthropic", self.refusal(
                CHAT, {"model": "claude-x", **turns, field: -1}))

    def test_chat_counts_messages(self):
        for count in (1, MESSAGES_LIMIT):
            self.served(CHAT, {"model": "gpt-x",
                               "messages": self.message(count)})
        for body in ({}, {"messages": []},
                     {"messages": self.message(MESSAGES_LIMIT + 1)},
                     {"messages": "hi"}, {"messages": None}):
            said = json.loads(self.refusal(CHAT, {"model": "gpt-x", **body}))
            self.assertEqual(said["error"]["param"], "messages", body)

    def test_chat_counts_tools(self):
        body = {"model": "gpt-x", "messages": self.message(1)}
        self.served(CHAT, {**body, "tools": [tool(0), tool(1)]})
        said = json.loads(self.refusal(
            CHAT, {**body, "tools": [tool(i) for i in range(TOOLS_LIMIT + 1)]}))
        self.assertEqual(said["error"]["param"], "tools")

    def test_chat_looks_at_types(self):
        body = {"model": "gpt-x", "messages": self.message(1)}
        for field, value in (("model", 7), ("stream", "yes"),
                             ("max_tokens", "many"), ("n", "two")):
            said = json.loads(self.refusal(CHAT, {**body, field: value}))
            self.assertEqual(said["error"]["param"], field)
        said = json.loads(self.refusal(CHAT, {"messages": self.message(1)}))
        self.assertEqual(said["error"]["param"], "model")

    def test_messages_are_counted_at_anthropics_api(self):
        body = {"model": "claude-x", "max_tokens": 8}
        self.served(MESSAGES, {**body,
                               "messages": self.message(MESSAGES_LIMIT)})
        for more in ({}, {"messages": []},
                     {"messages": self.message(MESSAGES_LIMIT + 1)}):
            said = json.loads(self.refusal(MESSAGES, {**body, **more}))
            self.assertEqual(said["error"]["type"], "invalid_request_error")
            self.assertIn("messages", said["error"]["message"], more)

    def test_contents_are_counted_at_geminis_api(self):
        for more in ({}, {"contents": []},
                     {"contents": [{"parts": [{"text": "hi"}]}]
                      * (MESSAGES_LIMIT + 1)}):
            said = json.loads(self.refusal(gemini("gpt-x"), more))
            self.assertEqual(said["error"]["status"], "INVALID_ARGUMENT")
            self.assertIn("contents", json.dumps(said), more)

    def test_functions_are_counted_at_geminis_api(self):
        one = [{"parts": [{"text": "hi"}]}]
        def entry(count):
            return {"functionDeclarations": [
                {"name": "f%d" % i} for i in range(count)]}
        for tools in (entry(TOOLS_LIMIT), [entry(1), {"googleSearch": {}}]):
            self.served(gemini("gemini-x"), {"contents": one, "tools": tools})
        for tools in (entry(TOOLS_LIMIT + 1), [entry(TOOLS_LIMIT + 1)],
                      [entry(TOOLS_LIMIT), {"googleSearch": {}}],
                      [entry(1)] * (TOOLS_LIMIT + 1)):
            said = json.loads(self.refusal(
                gemini("gemini-x"), {"contents": one, "tools": tools}))
            self.assertIn("tools", json.dumps(said), tools)

    def test_a_whole_request_to_count_is_counted_too(self):
        path = gemini("gemini-x").replace(":generateContent", ":countTokens")
        turns = [{"parts": [{"text": "hi"}]}] * (MESSAGES_LIMIT + 1)
        for body in ({"contents": turns},
                     {"generateContentRequest": {"contents": turns}},
                     {"generate_content_request": {"contents": turns}}):
            self.assertIn("contents", self.refusal(path, body), body)

    def test_input_is_counted_at_the_responses_api(self):
        said = json.loads(self.refusal(
            RESPONSES, {"model": "gpt-x",
                        "input": self.message(MESSAGES_LIMIT + 1)}))
        self.assertEqual(said["error"]["param"], "input")

    def test_an_input_that_asks_nothing_is_refused_at_the_responses_api(self):
        for more in ({}, {"input": []}, {"input": ""}, {"input": None}):
            said = json.loads(self.refusal(RESPONSES,
                                           {"model": "gpt-x", **more}))
            self.assertEqual(said["error"]["param"], "input", more)
        # A prompt that OpenAI has stored needs none.
        body = {"model": "gpt-x", "prompt": {"id": "pmpt_1"}}
        self.served(RESPONSES, body)
        self.assertEqual(json.loads(self.upstream.last_body("gpt-x")), body)

    def test_anthropics_api_asks_for_the_output_limit(self):
        body = {"model": "claude-x", "messages": self.message(1)}
        for more in ({}, {"max_tokens": None}):
            said = json.loads(self.refusal(MESSAGES, {**body, **more}))
            self.assertEqual(said["error"]["message"],
                             "max_tokens: is required", more)
        self.served("/v1/messages/count_tokens", body)

    def test_no_api_takes_a_name_of_any_length(self):
        name = "m" * (NAME_LIMIT + 1)
        self.served(CHAT, {"model": "m" * NAME_LIMIT,
                           "messages": self.message(1)})
        for path, body in ((CHAT, {"messages": self.message(1)}),
                           (MESSAGES, {"messages": self.message(1),
                                       "max_tokens": 8}),
                           (RESPONSES, {"input": "hi"})):
            said = self.refusal(path, {"model": name, **body})
            self.assertIn("model", said)
            self.assertIn("256", said)
        for path, body in (
                (gemini("m" * 5000), {"contents": [{"parts": [{"text": "a"}]}]}),
                (EMBEDDINGS, {"model": "m" * 5000, "input": "a"})):
            self.assertIn("model", self.refusal(path, body))

    def test_a_record_holds_the_beginning_of_a_long_name(self):
        # Unless refused at the scan, names are refused once they are known.
        answer = http_calls.ask(
            self.gateway.http, {"model": "m" * 8_000_000, "input": "a"},
            path=EMBEDDINGS, headers={"x-request-id": "r-long"})
        self.assertEqual(answer.status, 400)
        record = self.gateway.wait_for_access(request_id="r-long")
        self.assertLess(len(json.dumps(record)), 4 * RECORD_LIMIT)

    def test_a_number_that_is_too_large_is_called_that(self):
        turns = '"messages":[{"role":"user","content":"hi"}]'
        for path, model, rest, field in (
                (CHAT, "claude-x", turns, "temperature"),
                (CHAT, "claude-x", turns, "max_tokens"),
                (MESSAGES, "gpt-x", turns + ',"max_tokens":9', "temperature"),
                (RESPONSES, "claude-x", '"input":"hi"', "temperature"),
                (EMBEDDINGS, "gpt-x", '"input":"hi"', "dimensions")):
            with self.subTest(path=path, field=field):
                said = self.refusal(path, (
                    '{"model":"%s",%s,"%s":1e999}' % (model, rest, field)
                ).encode())
                self.assertIn(field + ": the number is out of range", said)

    def test_it_goes_on_where_nobody_reads_it(self):
        body = (b'{"model":"gpt-range","messages":[{"role":"user",'
                b'"content":"hi"}],"unknown":1e999,"more":{"x":[-1e999]}}')
        http_calls.ask(self.gateway.http, body, path=CHAT)
        self.assertEqual(self.upstream.last_body("gpt-range"), body)

    def test_a_repeated_key_of_embeddings_is_refused(self):
        for key, again in (("model", '"gpt-dear"'), ("input", '"b"'),
                           ("user", "null"), ("input_type", '"query"')):
            said = json.loads(self.refusal(EMBEDDINGS, (
                '{"model":"gpt-x","input":"a","user":"u","input_type":"x",'
                '"%s":%s}' % (key, again)).encode()))
            self.assertEqual(said["error"]["param"], key)

    def test_a_lone_surrogate_in_a_schema_is_refused_where_it_is_read(self):
        schema = '{"type":"object","description":"\\ud800"}'
        turns = '"messages":[{"role":"user","content":"hi"}]'
        for path, model, rest, field in (
                (CHAT, "claude-x", turns + ',"tools":[{"type":"function",'
                 '"function":{"name":"f","parameters":%s}}]',
                 "tools[0].function.parameters"),
                (MESSAGES, "gpt-x", turns + ',"max_tokens":9,"tools":[{'
                 '"name":"f","input_schema":%s}]', "tools[0].input_schema"),
                (RESPONSES, "claude-x", '"input":"hi","tools":[{'
                 '"type":"function","name":"f","parameters":%s}]',
                 "tools[0].parameters"),
                (gemini("gpt-x"), "gpt-x", '"contents":[{"parts":[{"text":"hi"'
                 '}]}],"tools":[{"functionDeclarations":[{"name":"f",'
                 '"parametersJsonSchema":%s}]}]',
                 "tools[0].functionDeclarations[0].parametersJsonSchema")):
            with self.subTest(path=path):
                said = self.refusal(path, (
                    '{"model":"%s",%s}' % (model, rest % schema)).encode())
                self.assertIn(field + ": has a lone surrogate", said)

    def test_inputs_of_embeddings_are_counted_as_they_are_read(self):
        said = self.refusal(EMBEDDINGS, {"model": "gpt-x",
                                         "input": [""] * 1_000_000})
        # The first that is too many, and not all of them.
        self.assertIn("input[2048]", said)

    def test_parts_are_counted_as_they_are_read(self):
        parts = [{"type": "text", "text": ""}] * 150_000
        messages = [{"role": "user", "content": parts}]
        # A model of another vendor has them read; forwarded they would not be.
        self.assertIn("too many parts", self.refusal(
            MESSAGES,
            {"model": "gpt-x", "max_tokens": 8, "messages": messages}))


if __name__ == "__main__":
    unittest.main()
