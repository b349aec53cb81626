"""The HTTP API as OpenAI's clients see it."""

import gzip
import http.client
import json
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_CONFIG = gateway_case.CONFIG.replace(
    "  - name: anthropic\n",
    '    models: ["gpt-x", "meta/llama-3:70b", "ft:gpt-x:org::id"]\n'
    '    model_aliases: {{nick: "gpt-nick"}}\n'
    "  - name: anthropic\n").replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{alias: "fast", targets: [openai/gpt-real]}}\n')

# Everything that a JSON writer may do and a forwarder must not undo.
_ODD_BODY = (
    '{ "messages" :[{"role":"user","content":"a\\u00e9\\ud83d\\ude00 \\/"}],'
    '\t"temperature":1.0e0,\r\n "vendor_field":{"deep":[1,2.50,null]},'
    ' "model" : "%s" , "seed":12345678901234567890 }')


class _ApiCase(gateway_case.GatewayCase):

    config = _CONFIG

    def ask(self, body, **options):
        return ask(self.gateway.http, body, **options)

    def ask_upstream(self, body):
        """What the mock itself answers."""
        return ask(self.upstream.address, body)

    def log_of(self, answer):
        return self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])

    def assert_refused(self, answer, status, type_="invalid_request_error",
                       code=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(set(answer.json()), {"error"})
        error = answer.error()
        self.assertEqual(set(error), {"message", "type", "param", "code"})
        self.assertEqual((error["type"], error["code"]), (type_, code))
        self.assertTrue(error["message"])
        return error


class SameDialectTest(_ApiCase):
    """Where the provider speaks OpenAI's form too, bytes are forwarded."""

    def test_request_and_answer_pass_byte_for_byte(self):
        body = (_ODD_BODY % "gpt-odd").encode()
        answer = self.ask(body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.upstream.last_body("gpt-odd"), body)
        self.assertEqual(answer.body, self.ask_upstream(body).body)

    def test_an_alias_changes_the_models_name_alone(self):
        for asked, sent in (("fast", "gpt-real"), ("nick", "gpt-nick")):
            self.ask((_ODD_BODY % asked).encode())
            self.assertEqual(self.upstream.last_body(sent),
                             (_ODD_BODY % sent).encode())
            line = self.gateway.wait_for_access(model=asked)
            self.assertEqual(line["model_served"], sent)

    def test_a_stream_passes_but_for_the_usage_nobody_asked_for(self):
        body = chat("gpt-quiet", stream=True)
        answer = self.ask(body)
        asked = json.loads(self.upstream.last_body("gpt-quiet"))
        self.assertEqual(asked.pop("stream_options"),
                         {"include_usage": True})
        self.assertEqual(asked, body)
        with_usage = self.ask_upstream(
            {**body, "stream_options": {"include_usage": True}}).body
        blocks = with_usage.split(b"\n\n")
        usage = [block for block in blocks if b'"choices":[]' in block]
        self.assertEqual(len(usage), 1)
        blocks.remove(usage[0])
        self.assertEqual(answer.body, b"\n\n".join(blocks))

    def test_a_stream_passes_whole_if_usage_was_asked_for(self):
        body = chat("gpt-usage", stream=True,
                    stream_options={"include_usage": True})
        answer = self.ask(body)
        self.assertEqual(json.loads(self.upstream.last_body("gpt-usage")),
                         body)
        self.assertEqual(answer.body, self.ask_upstream(body).body)
        self.assertEqual(answer.events()[-2]["usage"]["prompt_tokens"], 12)

    def test_other_stream_options_are_kept(self):
        for options in ({"include_obfuscation": False}, {},
                        {"include_usage": False, "x": 1}):
            self.ask(chat("gpt-opt", stream=True, stream_options=options))
            sent = json.loads(self.upstream.last_body("gpt-opt"))
            self.assertEqual(sent["stream_options"],
                             {**options, "include_usage": True})

    def test_usage_in_the_log_is_what_was_served(self):
        self.upstream.set_script("gpt-count", {"usage": {
            "prompt_tokens": 901, "completion_tokens": 77,
            "cached_tokens": 512, "reasoning_tokens": 33}})
        for stream in (False, True):
            line = self.log_of(self.ask(chat("gpt-count", stream=stream)))
            self.assertEqual(
                [line[name] for name in
                 ("input_tokens", "output_tokens", "cached_input_tokens",
                  "reasoning_tokens")], [901, 77, 512, 33])
        self.assertEqual(
            self.upstream.stat("gpt-count", "usage.prompt_tokens"), 2 * 901)

    def test_the_credential_is_the_gateways_own(self):
        self.ask(chat("gpt-key"), headers={
            "authorization": "Bearer the-callers-own", "cookie": "a=b",
            "x-internal-tenant": "forged"})
        headers = {key.lower(): value for key, value in
                   self.upstream.last("gpt-key")["headers"]}
        self.assertEqual(headers["authorization"],
                         "Bearer " + gateway_case.ENV["OPENAI_KEY"])
        self.assertNotIn("cookie", headers)
        self.assertNotIn("x-internal-tenant", headers)

    def test_whatever_the_answer_holds_is_forwarded(self):
        for script in (
                {"tool_calls": [{"name": "f", "arguments": '{"a":1}'}]},
                {"refusal": "I will not."}, {"choices": 3},
                {"text": "Grüße, 世界 😀 \u2028"},
                {"reasoning": {"text": "Hmm."}, "text": "Yes."},
                {"finish_reason": "length"}, {"text": ""}):
            self.upstream.set_script("gpt-any", script)
            for stream in (False, True):
                body = chat("gpt-any", stream=stream,
                            **({"stream_options": {"include_usage": True}}
                               if stream else {}))
                self.assertEqual(self.ask(body).body,
                                 self.ask_upstream(body).body, script)


class CrossDialectTest(_ApiCase):
    """Asked in OpenAI's form, answered by a provider with a form of its own."""

    def test_an_answer_is_translated(self):
        self.upstream.set_script("claude-x", {
            "text": "Bonjour", "usage": {"prompt_tokens": 40,
                                         "completion_tokens": 9,
                                         "cached_tokens": 30}})
        answer = self.ask({"model": "claude-x", "max_tokens": 50, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"}]})
        self.assertEqual(answer.status, 200)
        sent = json.loads(self.upstream.last_body("claude-x"))
        self.assertEqual(sent["max_tokens"], 50)
        self.assertIn("Be brief.", json.dumps(sent["system"]))
        self.assertEqual([one["role"] for one in sent["messages"]], ["user"])
        got = answer.json()
        self.assertEqual(got["object"], "chat.completion")
        self.assertEqual(got["choices"][0]["message"]["content"], "Bonjour")
        self.assertEqual(got["choices"][0]["finish_reason"], "stop")
        self.assertEqual(got["usage"]["prompt_tokens"], 40)
        self.assertEqual(got["usage"]["completion_tokens"], 9)
        self.assertEqual(
            got["usage"]["prompt_tokens_details"]["cached_tokens"], 30)
        line = self.log_of(answer)
        self.assertEqual((line["provider"], line["input_tokens"],
                          line["output_tokens"]), ("anthropic", 40, 9))

    def test_a_stream_is_translated(self):
        self.upstream.set_script("claude-s", {"text": "one two three"})
        for usage in (False, True):
            answer = self.ask(chat("claude-s", stream=True, stream_options={
                "include_usage": usage}))
            events = answer.events()
            self.assertIsNone(events[-1])
            self.assertEqual(answer.text(), "one two three")
            told = [event for event in events if event and event.get("usage")]
            self.assertEqual(len(told), 1 if usage else 0)
            self.assertEqual(self.log_of(answer)["output_tokens"], 3)

    def test_tool_calls_are_translated(self):
        self.upstream.set_script("claude-t", {
            "tool_calls": [{"name": "find", "arguments": '{"q":"x"}'}]})
        body = chat("claude-t", tools=[{"type": "function", "function": {
            "name": "find", "parameters": {"type": "object"}}}])
        choice = self.ask(body).json()["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]["function"]
        self.assertEqual(call["name"], "find")
        self.assertEqual(json.loads(call["arguments"]), {"q": "x"})


class ModelsTest(_ApiCase):

    def test_lists_the_models(self):
        answer = ask(self.gateway.http, path="/v1/models")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["object"], "list")
        ids = [one["id"] for one in answer.json()["data"]]
        self.assertIn("meta/llama-3:70b", ids)
        self.assertTrue(all(one["object"] == "model"
                            for one in answer.json()["data"]))

    def test_gets_a_model_whatever_its_name(self):
        for path in ("meta/llama-3:70b", "meta%2Fllama-3%3A70b",
                     "ft:gpt-x:org::id"):
            answer = ask(self.gateway.http, path="/v1/models/" + path)
            self.assertEqual(answer.status, 200, path)
            self.assertIn(":", answer.json()["id"])

    def test_an_unknown_model_is_not_found(self):
        for name in ("nobody", "meta", "%00", "a%2"):
            answer = ask(self.gateway.http, path="/v1/models/" + name)
            self.assertIn(answer.status, (400, 404), name)
            self.assertEqual(answer.error()["type"], "invalid_request_error")


class BadRequestTest(_ApiCase):
    """B-01 and B-02 at this API: refused with a reason, and never sent."""

    def refuse(self, body, status=400, **expected):
        before = self.upstream.stat("", "total.requests")
        answer = self.ask(body)
        error = self.assert_refused(answer, status, **expected)
        self.assertEqual(self.upstream.stat("", "total.requests"), before)
        self.assertEqual(self.log_of(answer)["error_reason"],
                         "INVALID_REQUEST")
        return error

    def test_malformed_json(self):
        for body in (b"", b"{", b'{"model":', b"[]", b"null", b'"x"',
                     b'{"model":"gpt-x","messages":[]', b"\xef\xbb\xbf{",
                     b'{"model":"gpt-x","messages":[],}',
                     b'{"model":"gpt-x","messages":[]}{}',
                     b'{"model":"gpt-x" "messages":[]}'):
            with self.subTest(body=body):
                self.refuse(body)

    def test_a_missing_or_senseless_model(self):
        messages = chat("gpt-x")["messages"]
        for fields in ({}, {"model": ""}, {"model": None}, {"model": 7},
                       {"model": ["gpt-x"]}):
            with self.subTest(fields=fields):
                error = self.refuse({**fields, "messages": messages})
                self.assertIn("model", error["message"])

    def test_wrong_types_name_the_field(self):
        for field, value in (("stream", "yes"), ("max_tokens", "many"),
                             ("messages", "Hello"), ("n", "two"),
                             ("stream_options", 3)):
            with self.subTest(field=field):
                error = self.refuse({**chat("gpt-x"), field: value})
                self.assertIn(field, error["message"] + str(error["param"]))

    def test_a_repeated_policy_field_is_refused_by_name(self):
        whole = '{"model":"gpt-x","messages":[],"max_tokens":1,"stream":false,'
        for key, again in (("model", '"model":"gpt-dear"'),
                           ("model", '"mod\\u0065l":"gpt-dear"'),
                           ("stream", '"str\\u0065am":true'),
                           ("max_tokens", '"max_tok\\u0065ns":9'),
                           ("messages", '"messages":[]')):
            with self.subTest(again=again):
                error = self.refuse((whole + again + "}").encode())
                self.assertIn(key, error["message"] + str(error["param"]))

    def test_invalid_utf8(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe4\xb8"):
            for body in (b'{"model":"gpt-x","messages":[{"role":"user",'
                         b'"content":"' + bad + b'"}]}',
                         b'{"model":"gpt-' + bad + b'","messages":[]}'):
                with self.subTest(body=body):
                    self.refuse(body)

    def test_a_lone_surrogate_is_refused_or_kept_as_it_was(self):
        body = (b'{"model":"gpt-sur","messages":[{"role":"user",'
                b'"content":"\\ud800"}]}')
        answer = self.ask(body)
        if answer.status == 200:
            self.assertEqual(self.upstream.last_body("gpt-sur"), body)
        else:
            self.assert_refused(answer, 400)

    def test_deep_nesting_is_refused_where_it_is_read(self):
        for depth in (2000, 100000):
            self.refuse(b'{"model":"claude-x","messages":' + b"[" * depth +
                        b"]" * depth + b"}")

    def test_deep_nesting_is_harmless_where_it_is_forwarded(self):
        body = (b'{"model":"gpt-x","messages":[{"role":"user",'
                b'"content":"x"}],"x":' + b"[" * 5000 + b"]" * 5000 + b"}")
        self.assertIn(self.ask(body).status, (200, 400))
        self.assertEqual(self.ask(chat("gpt-x")).status, 200)

    def test_unknown_paths_and_methods(self):
        for method, path, status in (
                ("GET", "/", 404),
                ("GET", "/v1/chat/completions", 405),
                ("POST", "/v1/models", 405),
                ("POST", "/v1/nothing", 404),
                ("DELETE", "/v1/models/gpt-x", 405),
                ("PUT", "/v1/chat/completions", 405),
                ("POST", "/v1/chat/completions/", 404)):
            with self.subTest(method=method, path=path):
                answer = ask(self.gateway.http, path=path, method=method)
                self.assertEqual(answer.status, status)
                self.assertEqual("allow" in answer.headers, status == 405)
                self.assertEqual(answer.error()["type"],
                                 "invalid_request_error")

    def test_an_encoded_body_is_refused_at_every_api(self):
        body = gzip.compress(json.dumps(chat("gpt-x")).encode())
        for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses",
                     "/v1/embeddings", "/v1/messages/count_tokens",
                     "/v1beta/models/gpt-x:generateContent"):
            with self.subTest(path=path):
                answer = ask(self.gateway.http, body, path=path,
                             headers={"content-encoding": "gzip"})
                self.assertEqual(answer.status, 415)
                self.assertEqual(answer.headers["accept-encoding"], "identity")
                self.assertIn("gzip", answer.json()["error"]["message"])
        answer = ask(self.gateway.operations, body, path="/readyz",
                     headers={"content-encoding": "gzip"})
        self.assertEqual((answer.status, answer.headers["allow"]),
                         (405, "GET, HEAD"))

    def test_a_connection_survives_refusals(self):
        connection = http.client.HTTPConnection(self.gateway.http)
        self.addCleanup(connection.close)
        for body, status in ((b"{", 400), (chat("gpt-x"), 200),
                             ({"model": 1}, 400), (chat("gpt-x"), 200)):
            answer = ask(self.gateway.http, body, connection=connection)
            self.assertEqual(answer.status, status)


class UpstreamWaitTest(_ApiCase):

    # Of OpenAI there is no credential that would cool: it rests itself.
    config = _CONFIG.replace('      api_key: "env:OPENAI_KEY"\n', "")

    def test_that_of_a_provider_is_told(self):
        self.upstream.set_script("gpt-429", {"status": 429,
                                             "retry_after": "77"})
        for stream in (False, True):
            answer = self.ask(chat("gpt-429", stream=stream))
            self.assert_refused(answer, 429, "rate_limit_error",
                                "rate_limit_exceeded")
            self.assertIn(int(answer.headers["retry-after"]), range(70, 78))
            # Nobody has waited so long: that is the caller's to do.
            self.assertNotIn("x-should-retry", answer.headers)

    def test_so_is_that_of_a_credential(self):
        self.upstream.set_script("claude-429", {"status": 429,
                                                "retry_after": "77"})
        for attempts in (1, 0):
            answer = self.ask(chat("claude-429"))
            self.assertEqual(answer.status, 429)
            self.assertIn(int(answer.headers["retry-after"]), range(70, 78))
            self.assertNotIn("x-should-retry", answer.headers)
            self.assertEqual(self.upstream.stat("claude-429", "requests"), 1)


class RequestIdTest(_ApiCase):

    def test_a_good_id_is_kept_everywhere(self):
        name = "Team.A:job_7-" + "x" * 100
        answer = self.ask(chat("gpt-id"), headers={"x-request-id": name})
        self.assertEqual(answer.headers["x-request-id"], name)
        self.assertEqual(len(self.gateway.access_lines(request_id=name) or
                             [self.log_of(answer)]), 1)
        headers = {key.lower(): value for key, value in
                   self.upstream.last("gpt-id")["headers"]}
        self.assertEqual(headers["x-request-id"], name)

    def test_a_bad_id_is_replaced(self):
        for name in ("", "a b", "x" * 129, "a\"b", "é", "a/b"):
            answer = self.ask(chat("gpt-id"), headers={
                "x-request-id": name.encode("utf-8")})
            made_up = answer.headers["x-request-id"]
            self.assertRegex(made_up, "^[0-9a-f]{32}$")

    def test_ids_are_on_errors_and_lists_too(self):
        for options in ({"body": b"{"}, {"path": "/nowhere"},
                        {"path": "/v1/models"}, {"path": "/v1/models/x"}):
            answer = ask(self.gateway.http, headers={"x-request-id": "me"},
                         **options)
            self.assertEqual(answer.headers["x-request-id"], "me")


class PathTest(_ApiCase):

    def test_a_record_has_the_path_as_it_was_asked(self):
        for path, operation in (
                ("/v1/chat/completions?x=secret", "POST /v1/chat/completions"),
                ("/v1beta/models/gpt%2Dx:generateContent?x=y",
                 "POST /v1beta/models/{model}:generateContent"),
                ("/v1/models/gpt-x:countTokens",
                 "POST /v1beta/models/{model}:countTokens"),
                ("/v1beta/models/" + "x" * 2000 + ":generateContent",
                 "POST /v1beta/models/{model}:generateContent")):
            with self.subTest(path=path[:40]):
                line = self.log_of(ask(self.gateway.http, {}, path=path))
                self.assertEqual(line["path"], path.split("?")[0][:1024])
                self.assertEqual(line["operation"], operation)


class LimitTest(_ApiCase):

    config = _CONFIG + (
        "listeners:\n"
        '  grpc: {{address: "127.0.0.1:0"}}\n'
        '  http: {{address: "127.0.0.1:0", body_bytes_limit: 64KiB}}\n'
        '  admin: {{address: "127.0.0.1:0"}}\n'
        '  operations: {{address: "127.0.0.1:0"}}\n')

    def test_a_body_at_the_limit_passes_and_one_over_it_does_not(self):
        frame = len(json.dumps(chat("gpt-x", "")))
        answer = self.ask(chat("gpt-x", "a" * (65536 - frame)))
        self.assertEqual(answer.status, 200)
        answer = self.ask(chat("gpt-x", "a" * (65536 - frame + 1)))
        self.assert_refused(answer, 413)
        self.assertIn("65536", answer.error()["message"])

    def test_far_too_large_bodies_are_told_why(self):
        answer = self.ask(chat("gpt-x", "a" * 5_000_000))
        self.assert_refused(answer, 413)


class StrictTest(_ApiCase):

    config = _CONFIG.replace("  default_target: openai\n",
                             "  default_target: openai\n  strict: true\n")

    def test_a_model_that_no_rule_knows_is_not_found(self):
        for stream in (False, True):
            answer = self.ask(chat("mystery", stream=stream))
            error = self.assert_refused(answer, 404, code="model_not_found")
            self.assertIn("mystery", error["message"])
        self.assertEqual(self.ask(chat("claude-x")).status, 200)


class AuthTest(_ApiCase):

    config = _CONFIG + (
        "auth:\n  callers:\n    api_keys:\n"
        '      - {{id: team-a, key: "env:TEAM_A"}}\n'
        '      - {{id: team-b, key: "env:TEAM_B"}}\n')
    env = {**gateway_case.ENV, "TEAM_A": "sk-a-0123456789abcdef",
           "TEAM_B": "sk-b-0123456789abcdef"}

    def test_a_key_lets_in_and_names_the_caller(self):
        for headers, caller in (
                ({"authorization": "Bearer sk-a-0123456789abcdef"}, "team-a"),
                ({"authorization": "bearer sk-b-0123456789abcdef"}, "team-b"),
                ({"x-api-key": "sk-b-0123456789abcdef"}, "team-b")):
            answer = self.ask(chat("gpt-x"), headers=headers)
            self.assertEqual(answer.status, 200, headers)
            self.assertEqual(self.log_of(answer)["caller"], caller)

    def test_no_key_or_a_wrong_one_is_refused(self):
        for headers in ({}, {"authorization": "Bearer "},
                        {"authorization": "Bearer sk-a-0123456789abcdeX"},
                        {"authorization": "sk-a-0123456789abcdef"},
                        {"authorization": "Basic sk-a-0123456789abcdef"},
                        {"x-api-key": "nope"},
                        {"x-api-key": "k" * 50000}):
            for options in ({"body": chat("gpt-x")},
                            {"body": chat("gpt-x", stream=True)},
                            {"path": "/v1/models"},
                            {"path": "/v1/models/gpt-x"}):
                answer = ask(self.gateway.http, headers=headers, **options)
                self.assert_refused(answer, 401, code="invalid_api_key")

    def test_the_callers_key_goes_no_further(self):
        self.ask(chat("gpt-x"),
                 headers={"x-api-key": "sk-b-0123456789abcdef"})
        self.assertNotIn("sk-b-0123", json.dumps(self.upstream.last("gpt-x")))


class QuickstartTest(unittest.TestCase):
    """No key, no network: the mock inside the gateway."""

    def test_the_mock_answers_whole_and_streamed(self):
        with GatewayProcess("providers: [{name: mock, mock: {}}]\n"
                            "routing: {default_target: mock}\n") as gateway:
            answers = [ask(gateway.http, chat("mock-model", stream=stream))
                       for stream in (False, True)]
            self.assertEqual(answers[0].text(), answers[1].text())
            self.assertIn("mock", answers[0].text())
            ids = [one["id"] for one in
                   ask(gateway.http, path="/v1/models").json()["data"]]
            self.assertTrue(any("mock" in one for one in ids))


if __name__ == "__main__":
    unittest.main()
