"""The gRPC API: what it answers, and what it refuses and why."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt

_SERVICE = "/llmgateway.v1.GatewayService/"
_CONFIG = gateway_case.CONFIG.replace(
    "  - name: anthropic\n",
    '    models: ["gpt-x", "meta/llama-3:70b"]\n  - name: anthropic\n')


class _ApiCase(gateway_case.GatewayCase):

    config = _CONFIG
    calls_grpc = True

    def generate(self, request, **options):
        return self.caller.generate(self.gateway.grpc, request, **options)

    def call(self, method, request=None, **options):
        return self.caller.call(self.gateway.grpc, method, request, **options)


class AnswerTest(_ApiCase):

    def test_whole_and_streamed_answers_tell_the_same(self):
        for model in ("gpt-x", "claude-x"):
            self.upstream.set_script(model, {
                "text": "Grüße, 世界", "usage": {
                    "prompt_tokens": 50, "completion_tokens": 8,
                    "cached_tokens": 20}})
            whole = self.generate(prompt(model))
            stream = self.caller.stream_all(self.gateway.grpc, prompt(model))
            self.assertEqual((whole.text(), stream.text()),
                             ("Grüße, 世界",) * 2)
            end = stream.events[-1]["end"]
            self.assertEqual(whole.response["usage"], end["usage"])
            self.assertEqual(end["usage"]["input_tokens"], "50")
            self.assertEqual(end["usage"]["cached_input_tokens"], "20")
            self.assertEqual(whole.response["route"], end["route"])

    def test_the_old_name_runs_the_same_handler(self):
        call = self.call("/llmgateway.v1.PromptRouter/Route", prompt("gpt-x"))
        self.assertEqual(call.end["code"], "OK")
        self.assertEqual(call.response["model"], "gpt-x")

    def test_tokens_are_counted_by_who_can(self):
        for model in ("claude-x", "gpt-x"):
            with self.subTest(model=model):
                call = self.call(_SERVICE + "CountTokens",
                                 {"request": prompt(model, "a " * 400)})
                self.assertEqual(call.end["code"], "OK", call.end)
                self.assertEqual(call.response["source"], "SOURCE_PROVIDER")
                self.assertEqual(int(call.response["input_tokens"]), 12)

    def test_models_are_listed_and_found(self):
        call = self.call(_SERVICE + "ListModels", {"page_size": 1})
        self.assertEqual(len(call.response["models"]), 1)
        rest = self.call(_SERVICE + "ListModels", {
            "page_size": 1, "page_token": call.response["next_page_token"]})
        self.assertGreater(rest.response["models"][0]["name"],
                           call.response["models"][0]["name"])
        call = self.call(_SERVICE + "GetModel", {"name": "meta/llama-3:70b"})
        self.assertEqual(call.response["provider"], "openai")
        call = self.call(_SERVICE + "GetModel", {"name": "nobody"})
        self.assertEqual((call.end["code"], call.end["reason"]),
                         ("NOT_FOUND", "MODEL_NOT_FOUND"))

    def test_what_is_not_there_says_so(self):
        for method in (_SERVICE + "Nothing", "/no.such.Service/Call", "/x"):
            call = self.call(method, raw="")
            self.assertEqual(call.end["code"], "UNIMPLEMENTED", method)

    def test_unknown_fields_are_ignored(self):
        # Field 900 of the request, a text, behind a model and a message.
        request = (b"\x0a\x05gpt-x" b"\x12\x09\x08\x02\x12\x05\x0a\x03abc"
                   b"\xa2\x38\x03new")
        call = self.call(_SERVICE + "Generate", raw=request.hex())
        self.assertEqual(call.end["code"], "OK", call.end)


class RefusalTest(_ApiCase):
    """B-01, B-02: refused with the field's path, and never sent on."""

    def refuse(self, request, field, **options):
        before = self.upstream.stat("", "total.requests")
        for call in (self.generate(request, **options),
                     self.caller.stream_all(self.gateway.grpc, request,
                                            **options)):
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT", call.end)
            self.assertEqual(call.end["reason"], "INVALID_REQUEST")
            self.assertIn(field, call.end["fields"])
            self.assertEqual(call.events, [])
        self.assertEqual(self.upstream.stat("", "total.requests"), before)

    def test_fields_at_fault_are_named(self):
        message = prompt("m")["messages"][0]
        for change, field in (
                ({"model": ""}, "model"),
                ({"messages": []}, "messages"),
                ({"messages": [{"role": "ROLE_USER", "parts": []}]},
                 "messages[0].parts"),
                ({"messages": [message, {"parts": [{"text": "x"}]}]},
                 "messages[1].role"),
                ({"messages": [{**message, "parts": [{}]}]},
                 "messages[0].parts[0]"),
                ({"messages": [{**message, "role": 99}]},
                 "messages[0].role"),
                ({"max_output_tokens": 0}, "max_output_tokens"),
                ({"max_output_tokens": -5}, "max_output_tokens"),
                ({"sampling": {"temperature": "NaN"}},
                 "sampling.temperature"),
                ({"sampling": {"temperature": "Infinity"}},
                 "sampling.temperature"),
                ({"sampling": {"top_p": -0.5}}, "sampling.top_p"),
                ({"labels": {"k" * 65: "v"}}, "labels[%s]" % ("k" * 65)),
                ({"tools": [{"function": {"name": ""}}]},
                 "tools[0].function.name")):
            with self.subTest(field=field, change=change):
                self.refuse({**prompt("gpt-x"), **change}, field)

    def test_every_field_at_fault_is_named_at_once(self):
        call = self.generate({"max_output_tokens": -1, "labels": {"": "v"}})
        self.assertLessEqual({"model", "messages", "max_output_tokens"},
                             set(call.end["fields"]))

    def test_bytes_that_are_no_request_are_refused(self):
        for raw in (b"\x0a\xff", b"\xff" * 20, b"\x0a\x02\xc3\x28",
                    b"\x0a\x03\xed\xa0\x80", b"\x12" * 7):
            call = self.call(_SERVICE + "Generate", raw=raw.hex())
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT",
                             (raw, call.end))

    def test_nesting_without_end_is_refused(self):
        # Groups within an unknown field, deeper than protobuf reads.
        call = self.call(_SERVICE + "Generate", raw="a338" * 5000)
        self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
        self.assertEqual(self.generate(prompt("gpt-x")).end["code"], "OK")

    def test_odd_but_valid_text_arrives_whole(self):
        text = "\ufeffa\u0000b \u202e\U0001f600 \u2028 {}%n"
        for model in ("gpt-odd", "claude-odd"):
            call = self.generate(prompt(model, text))
            self.assertEqual(call.end["code"], "OK", call.end)
            sent = json.loads(self.upstream.last_body(model))
            content = sent["messages"][0]["content"]
            if not isinstance(content, str):
                content = content[0]["text"]
            self.assertEqual(content, text)

    def test_a_message_over_the_limit_is_refused(self):
        call = self.generate(prompt("gpt-x", "a" * (5 << 20)))
        self.assertEqual(call.end["code"], "RESOURCE_EXHAUSTED")
        self.assertEqual(self.generate(prompt("gpt-x")).end["code"], "OK")

    def test_an_unknown_provider_is_not_found(self):
        call = self.generate(prompt("gpt-x", provider_id="nobody"))
        self.assertEqual((call.end["code"], call.end["reason"]),
                         ("NOT_FOUND", "PROVIDER_NOT_FOUND"))
        self.assertEqual(call.end["metadata"]["provider"], "nobody")


class MetadataTest(_ApiCase):
    """B-04: what callers write beside the request goes no further."""

    config = _CONFIG + (
        'auth: {{callers: {{api_keys: '
        '[{{id: team-a, key: "env:TEAM_A"}}]}}}}\n')
    env = {**gateway_case.ENV, "TEAM_A": "sk-a-0123456789abcdef"}
    _KEY = ["authorization", "Bearer sk-a-0123456789abcdef"]

    def test_a_key_lets_in_and_names_the_caller(self):
        for key in (self._KEY, ["x-api-key", "sk-a-0123456789abcdef"]):
            call = self.generate(prompt("gpt-x"), metadata=[key])
            self.assertEqual(call.end["code"], "OK")
            line = self.gateway.wait_for_access(
                request_id=call.trailer("x-request-id"))
            self.assertEqual(line["caller"], "team-a")
            self.assertEqual(line["path"], _SERVICE + "Generate")
            self.assertEqual("/" + line["operation"], line["path"])

    def test_no_key_or_a_wrong_one_is_refused(self):
        for metadata in ([], [["authorization", "Bearer nope"]],
                         [["authorization", "sk-a-0123456789abcdef"]]):
            for method, request in (("Generate", prompt("gpt-x")),
                                    ("CountTokens",
                                     {"request": prompt("gpt-x")}),
                                    ("ListModels", {}),
                                    ("GetModel", {"name": "gpt-x"})):
                call = self.call(_SERVICE + method, request,
                                 metadata=metadata)
                self.assertEqual(
                    (call.end["code"], call.end["reason"]),
                    ("UNAUTHENTICATED", "API_KEY_INVALID"))

    def test_forged_metadata_stays_outside(self):
        call = self.generate(prompt("gpt-x"), metadata=[
            self._KEY, ["x-internal-tenant", "forged"], ["cookie", "a=b"],
            ["x-forwarded-for", "10.0.0.1"], ["x-many", "v"]])
        self.assertEqual(call.end["code"], "OK")
        seen = json.dumps(self.upstream.last("gpt-x")["headers"]).lower()
        for word in ("forged", "a=b", "10.0.0.1", "x-many", "sk-a-"):
            self.assertNotIn(word, seen)

    def test_too_much_metadata_is_refused(self):
        # On a connection of its own, which the library may give up for it.
        call = self.generate(prompt("gpt-x"), channel="large", metadata=[
            self._KEY, ["x-large", "a" * 20000]])
        self.assertEqual(call.end["code"], "RESOURCE_EXHAUSTED")
        call = self.generate(prompt("gpt-x"), metadata=[self._KEY])
        self.assertEqual(call.end["code"], "OK")

    def test_request_ids_are_kept_or_replaced(self):
        for given, kept in (("job-7:a.b_c", True), ("x" * 128, True),
                            ("x" * 129, False), ("a b", False)):
            call = self.generate(prompt("gpt-x"), metadata=[
                self._KEY, ["x-request-id", given]])
            got = call.trailer("x-request-id")
            if kept:
                self.assertEqual(got, given)
            else:
                self.assertRegex(got, "^[0-9a-f]{32}$")


if __name__ == "__main__":
    unittest.main()
