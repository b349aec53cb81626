"""What a vendor says of its failures reaches the callers of its own API."""

import json
import re
import time
import unittest

from tests.integration.http_calls import ask, chat
from tests.integration.vendor_case import VendorCase, prompt


class ErrorsTest(VendorCase):

    def refuse(self, model, status, **error):
        self.play(model, json.dumps({"error": error}), status)

    def test_a_code_and_a_parameter_that_nobody_knows_reach_openais_callers(
            self):
        self.refuse("gpt-x", 400, message="m", type="invalid_request_error",
                    param="reasoning.summary", code="a_code_of_tomorrow")
        error = self.chat("gpt-x").error()
        self.assertEqual(error["code"], "a_code_of_tomorrow")
        self.assertEqual(error["param"], "reasoning.summary")

    def test_they_survive_failures_that_have_a_code_of_ours(self):
        self.refuse("gpt-x", 503, message="m", type="server_error",
                    param="p", code="region_is_down")
        error = self.chat("gpt-x").error()
        self.assertEqual((error["code"], error["param"]),
                         ("region_is_down", "p"))

    def test_a_code_that_is_a_number_and_no_status_is_its_digits(self):
        self.refuse("gpt-x", 429, message="m", code=1113)
        self.assertEqual(self.chat("gpt-x").error()["code"], "1113")

    def test_a_wrong_key_of_the_gateways_is_not_told_as_the_callers(self):
        self.refuse("gpt-x", 401, message="m", type="invalid_request_error",
                    code="invalid_api_key")
        self.assertEqual(self.chat("gpt-x").error()["code"], "upstream_auth")

    def test_a_type_that_nobody_knows_reaches_anthropics_callers(self):
        self.play("claude-x", '{"type":"error","error":'
                  '{"type":"novel_error","message":"m"}}', 400)
        answer = self.message("claude-x")
        self.assertEqual((answer.status, answer.error()["type"]),
                         (400, "novel_error"))

    def test_other_apis_have_it_among_their_details(self):
        self.refuse("gpt-x", 400, message="m", type="invalid_request_error",
                    param="tools", code="a_code_of_tomorrow")
        answer = ask(self.gateway.http, prompt(),
                     path="/v1beta/models/gpt-x:generateContent")
        metadata = answer.error()["details"][0]["metadata"]
        self.assertEqual(metadata["provider_code"], "a_code_of_tomorrow")
        self.assertEqual(metadata["provider_param"], "tools")
        self.assertEqual(metadata["http_status"], "400")
        self.assertEqual(metadata["provider"], "openai")
        answer = self.message("gpt-x")
        self.assertEqual(answer.error()["type"], "invalid_request_error")

    def test_the_quota_that_gemini_calls_spent_is_named(self):
        self.play("gemini-x", json.dumps({"error": {
            "message": "m", "code": 429, "status": "RESOURCE_EXHAUSTED",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "RequestsPerMinute"}]}]}}), 429)
        answer = ask(self.gateway.http, prompt(),
                     path="/v1beta/models/gemini-x:generateContent")
        self.assertEqual(
            answer.error()["details"][0]["metadata"]["provider_quota_id"],
            "RequestsPerMinute")

    def test_a_tier_without_a_rule_is_named_at_geminis_api(self):
        answer = ask(self.gateway.http, prompt(),
                     path="/v1beta/models/tier:fast:generateContent")
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.error()["details"][0]["metadata"],
                         {"model": "tier:fast"})

    def test_openrouter_tells_the_reason_of_the_vendor_behind_it(self):
        raw = json.dumps({"error": {
            "message": "tool_choice is not allowed here", "type": "bad",
            "param": "tool_choice", "code": "tool_choice_unsupported"}})
        self.refuse("gpt-x", 400, message="Provider returned error", code=400,
                    metadata={"raw": raw, "provider_name": "Foo"})
        answer = self.chat("gpt-x")
        self.assertIn("tool_choice is not allowed here",
                      answer.error()["message"])
        self.assertEqual(answer.error()["param"], "tool_choice")
        self.refuse("gpt-x", 502, message="Provider returned error", code=502,
                    metadata={"raw": "upstream connect error"})
        self.assertIn("upstream connect error",
                      self.chat("gpt-x").error()["message"])


class ErrorsByGrpcTest(VendorCase):

    calls_grpc = True

    def test_the_code_and_the_parameter_are_in_the_error_info(self):
        self.play("gpt-x", '{"error":{"message":"m","type":"t",'
                  '"param":"tools","code":"a_code_of_tomorrow"}}', 400)
        call = self.caller.generate(
            self.gateway.grpc,
            {"model": "gpt-x", "messages": [
                {"role": "ROLE_USER", "parts": [{"text": "Hello"}]}]})
        self.assertEqual(call.end["metadata"]["provider_code"],
                         "a_code_of_tomorrow")
        self.assertEqual(call.end["metadata"]["provider_param"], "tools")


class TimeTest(VendorCase):

    def test_answers_of_vendors_that_tell_no_time_have_that_of_the_call(self):
        for model in ("claude-x", "gemini-x"):
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    answer = self.chat(model, stream=stream)
                    found = re.search(rb'"created":(\d+)', answer.body)
                    self.assertAlmostEqual(int(found[1]), time.time(),
                                           delta=600)
                    answer = ask(self.gateway.http, {
                        "model": model, "input": "Hello", "stream": stream},
                        path="/v1/responses")
                    found = re.search(rb'"created_at":(\d+)', answer.body)
                    self.assertAlmostEqual(int(found[1]), time.time(),
                                           delta=600)


class OverloadTest(VendorCase):

    START = ('event: message_start\ndata: {"type":"message_start","message":'
             '{"id":"m","type":"message","role":"assistant","model":"c",'
             '"content":[],"stop_reason":null,"usage":{"input_tokens":1,'
             '"output_tokens":1}}}\n\n')
    TEXT = ('event: content_block_start\ndata: {"type":"content_block_start",'
            '"index":0,"content_block":{"type":"text","text":""}}\n\n'
            'event: content_block_delta\ndata: {"type":"content_block_delta",'
            '"index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n')
    ERROR = ('event: error\ndata: {"type":"error","error":{"type":'
             '"overloaded_error","message":"Overloaded"}}\n\n')

    def play_events(self, model, events):
        self.play(model, events, content_type="text/event-stream")

    def test_at_the_start_of_a_stream_it_is_a_status(self):
        self.play_events("claude-x", self.START + self.ERROR)
        answer = self.message("claude-x", stream=True)
        self.assertEqual(answer.status, 529)
        self.assertEqual(answer.error()["type"], "overloaded_error")
        answer = self.chat("claude-x", stream=True)
        self.assertEqual((answer.status, answer.error()["code"]),
                         (503, "server_is_overloaded"))

    def test_in_the_middle_it_keeps_its_name(self):
        self.play_events("claude-x", self.START + self.TEXT + self.ERROR)
        answer = self.message("claude-x", stream=True)
        self.assertEqual(answer.status, 200)
        self.assertIn(b'event: error\ndata: {"type":"error","error":'
                      b'{"type":"overloaded_error"', answer.body)
        self.assertIn(b"server_is_overloaded",
                      self.chat("claude-x", stream=True).body)


class UsageTest(VendorCase):

    def usage_of(self, model):
        answer = ask(self.gateway.http, chat(model),
                     headers={"x-request-id": "usage-" + model})
        self.assertEqual(answer.status, 200, answer.body)
        return self.gateway.wait_for_access(request_id="usage-" + model)

    def play_usage(self, model, total):
        self.play(model, json.dumps({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": "hi"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5,
                      "total_tokens": total,
                      "completion_tokens_details": {"reasoning_tokens": 3}}}))

    def test_reasoning_beside_the_completion_is_output_too(self):
        self.play_usage("grok-outside", 18)
        self.assertEqual(self.usage_of("grok-outside")["output_tokens"], 8)
        self.play_usage("gpt-inside", 15)
        self.assertEqual(self.usage_of("gpt-inside")["output_tokens"], 5)
        answer = self.message("grok-outside")
        self.assertEqual(answer.json()["usage"]["output_tokens"], 8)


class ServiceTierTest(VendorCase):

    def test_no_vendors_tier_appears_at_anothers_api(self):
        self.play("claude-x", json.dumps({
            "id": "m", "type": "message", "role": "assistant", "model": "c",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1,
                      "service_tier": "batch"}}))
        self.assertNotIn("service_tier", self.chat("claude-x").json())
        self.play("gpt-x", json.dumps({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "service_tier": "on_demand",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": "hi"}}]}))
        self.assertIsNone(
            self.message("gpt-x").json()["usage"]["service_tier"])


class LastEventTest(VendorCase):

    CHUNK = ('data: {"id":"x","object":"chat.completion.chunk","created":1,'
             '"model":"m","choices":[{"index":0,"delta":{"content":"hi"},'
             '"finish_reason":"stop"}]}\n\n')

    def test_an_end_without_its_blank_line_is_the_end(self):
        for end in ("data: [DONE]", "data: [DONE]\n", "data: [DONE]\r\n"):
            with self.subTest(end=end):
                self.play("gpt-x", self.CHUNK + end,
                          content_type="text/event-stream")
                answer = self.chat("gpt-x", stream=True)
                self.assertTrue(answer.body.endswith(b"\n\n"), answer.body)
                self.assertEqual(answer.events()[-1], None)
                self.assertNotIn(b'"error"', answer.body)
                self.assertIn(b"message_stop",
                              self.message("gpt-x", stream=True).body)

    def test_an_event_that_was_cut_is_not(self):
        self.play("gpt-x", self.CHUNK + 'data: {"id":"x","obj',
                  content_type="text/event-stream")
        self.assertIn(b'"error"', self.chat("gpt-x", stream=True).body)


if __name__ == "__main__":
    unittest.main()
