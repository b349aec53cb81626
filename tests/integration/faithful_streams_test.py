"""What a provider streams arrives: whole, in words that the callers' own
clients understand, and with one end."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat

_CONFIG = gateway_case.CONFIG.replace(
    "routing:\n",
    "  - name: gemini\n"
    "    gemini:\n"
    '      base_url: "http://{upstream}"\n'
    '      api_key: "env:OPENAI_KEY"\n'
    "routing:\n").replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{prefix: "gemini-", targets: [gemini]}}\n')


def _events(*events, named=True):
    return "".join(
        ("event: %s\n" % event["type"] if named else "")
        + "data: %s\n\n" % json.dumps(event) for event in events)


class _StreamCase(gateway_case.GatewayCase):

    config = _CONFIG

    def play(self, model, body, content_type="text/event-stream", **script):
        """These very bytes are the answer."""
        self.upstream.set_script(model, {
            "body": body, "content_type": content_type, **script})

    def chat(self, model, stream=True, **fields):
        return ask(self.gateway.http, chat(model, stream=stream, **fields))

    def respond(self, model, **fields):
        return ask(self.gateway.http,
                   {"model": model, "input": "Hello", "stream": True,
                    **fields}, path="/v1/responses")

    def gemini(self, model):
        return ask(self.gateway.http,
                   {"contents": [{"role": "user",
                                  "parts": [{"text": "Hello"}]}]},
                   path="/v1beta/models/%s:streamGenerateContent?alt=sse"
                   % model)


_RESPONSE = {"id": "resp_q", "object": "response", "created_at": 1,
             "model": "gpt-x", "status": "in_progress", "output": []}
_BEGUN = [
    {"type": "response.created", "sequence_number": 0, "response": _RESPONSE},
    {"type": "response.in_progress", "sequence_number": 1,
     "response": _RESPONSE},
    {"type": "response.output_text.delta", "sequence_number": 2,
     "item_id": "m", "output_index": 0, "content_index": 0, "delta": "He"}]
_FAILED = {"type": "response.failed", "sequence_number": 3, "response": {
    **_RESPONSE, "status": "failed", "output": [{"type": "message"}],
    "error": {"code": "image_parse_error", "message": "boom"}}}


class EchoedRequestTest(_StreamCase):
    """Responses begin with what was asked, twice, and that may be long."""

    def test_long_instructions_are_not_held_against_a_stream(self):
        long = {**_RESPONSE, "instructions": "x" * (512 << 10)}
        events = [{**event, "response": long} if "response" in event else event
                  for event in _BEGUN]
        events.append({"type": "response.completed", "sequence_number": 3,
                       "response": {**long, "status": "completed"}})
        self.play("gpt-x", _events(*events))
        answer = self.respond("gpt-x", instructions=long["instructions"])
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.events(), events)


class BrokenResponsesTest(_StreamCase):
    """Forwarded streams of Responses that do not come to a good end."""

    def end_of(self, *events, named=True, **fields):
        """What follows the events that were forwarded."""
        self.play("gpt-x", _events(*_BEGUN, *events, named=named))
        got = self.respond("gpt-x", **fields).events()
        self.assertEqual(got[:len(_BEGUN)], _BEGUN)
        return got[len(_BEGUN):]

    def test_one_that_is_cut_fails_under_its_own_id_and_number(self):
        for named in (True, False):
            error, failed = self.end_of(named=named)
            self.assertEqual((error["type"], error["sequence_number"]),
                             ("error", 3))
            self.assertEqual((failed["type"], failed["sequence_number"]),
                             ("response.failed", 4))
            self.assertEqual(failed["response"]["id"], "resp_q")
            self.assertEqual(failed["response"]["status"], "failed")

    def test_an_error_of_the_vendors_is_told_with_the_next_numbers(self):
        ends = self.end_of({"type": "error", "sequence_number": 3, "error": {
            "type": "weird_type", "code": "weird_code", "message": "m",
            "param": "foo"}})
        self.assertEqual([event["type"] for event in ends],
                         ["error", "response.failed"])
        self.assertEqual(ends[0]["error"]["code"], "weird_code")
        self.assertEqual([event["sequence_number"] for event in ends], [3, 4])
        self.assertEqual(ends[1]["response"]["id"], "resp_q")

    def test_the_vendors_own_failure_is_forwarded_and_is_the_end(self):
        self.assertEqual(self.end_of(_FAILED), [_FAILED])

    def test_it_shows_no_key_of_the_gateways(self):
        key = gateway_case.ENV["OPENAI_KEY"]
        failed = json.loads(json.dumps(_FAILED).replace("boom", key))
        (told,) = self.end_of(failed)
        self.assertEqual(told["response"]["error"]["message"], "*" * len(key))

    def test_one_that_goes_on_in_the_background_has_not_failed(self):
        (error,) = self.end_of(background=True)
        self.assertEqual(error["type"], "error")

    def test_a_failure_before_any_content_is_an_error_of_the_call(self):
        self.play("gpt-x", _events(*_BEGUN[:2], _FAILED))
        answer = self.respond("gpt-x")
        self.assertGreaterEqual(answer.status, 400)
        self.assertEqual(answer.error()["message"], "openai: boom")


class LargeEventsTest(_StreamCase):
    """Pictures come in one event each."""

    PICTURE = "iVBORw0KGgo" + "A" * 1500001

    def play_picture(self, model):
        self.play(model, "data: %s\n\n" % json.dumps({
            "candidates": [{"index": 0, "finishReason": "STOP", "content": {
                "role": "model", "parts": [{"inlineData": {
                    "mimeType": "image/png", "data": self.PICTURE}}]}}],
            "responseId": "r", "modelVersion": model}))

    def test_a_picture_is_forwarded(self):
        self.play_picture("gemini-p")
        answer = self.gemini("gemini-p")
        self.assertEqual(answer.status, 200, answer.body[:200])
        part = answer.events()[0]["candidates"][0]["content"]["parts"][0]
        self.assertEqual(part["inlineData"]["data"], self.PICTURE)

    def test_a_picture_is_translated(self):
        self.play_picture("gemini-p")
        answer = self.chat("gemini-p")
        self.assertEqual(answer.status, 200, answer.body[:200])
        self.assertIn(self.PICTURE, answer.body.decode())

    def test_the_end_of_a_response_repeats_all_of_it(self):
        done = {"type": "response.completed", "sequence_number": 3,
                "response": {**_RESPONSE, "status": "completed", "output": [
                    {"type": "image_generation_call", "id": "ig_1",
                     "status": "completed", "result": self.PICTURE}]}}
        self.play("gpt-x", _events(*_BEGUN, done))
        answer = self.respond("gpt-x")
        self.assertEqual(answer.events(), [*_BEGUN, done])


class LargeEventsShareABudgetTest(_StreamCase):

    config = _CONFIG + "runtime: {{answer_buffer_bytes_limit: 1MiB}}\n"

    def test_what_they_hold_is_bounded_for_all_together(self):
        self.play("gpt-x", "data: {%s" % (" " * (4 << 20)))
        answer = self.chat("gpt-x")
        self.assertEqual(answer.status, 503, answer.body[:200])
        self.assertIn("hold too much memory", answer.error()["message"])
        # What has failed holds nothing.
        self.upstream.set_script("gpt-x", {"text": "well again"})
        self.assertEqual(self.chat("gpt-x").text(), "well again")


_USER = {"role": "user", "content": "Hello"}
_FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}


class SignedCallsTest(_StreamCase):
    """Gemini signs its calls, and wants the signatures back."""

    MODEL = "gemini-3-flash-preview"
    SIGNATURE = "R1NJRw=="

    def setUp(self):
        super().setUp()
        self.answer = {
            "candidates": [{"index": 0, "finishReason": "STOP", "content": {
                "role": "model", "parts": [
                    {"functionCall": {"name": "f", "args": {}},
                     "thoughtSignature": self.SIGNATURE}]}}],
            "responseId": "r", "modelVersion": self.MODEL}

    def play_call(self, stream):
        if stream:
            self.play(self.MODEL, "data: %s\n\n" % json.dumps(self.answer))
        else:
            self.play(self.MODEL, json.dumps(self.answer), "application/json")

    def sent(self, model):
        return json.loads(self.upstream.last_body(model))

    def expect_signature(self):
        """Among what was sent last."""
        parts = [part for content in self.sent(self.MODEL)["contents"]
                 for part in content["parts"]]
        (call,) = [part for part in parts if "functionCall" in part]
        self.assertEqual(call["thoughtSignature"], self.SIGNATURE)
        self.assertNotIn("thought", json.dumps(
            [part for part in parts if part is not call]))

    def each(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                self.play_call(stream)
                yield stream

    def ask_messages(self, *turns, stream):
        answer = ask(self.gateway.http, {
            "model": self.MODEL, "max_tokens": 64, "stream": stream,
            "messages": [_USER, *turns],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
                     path="/v1/messages",
                     headers={"anthropic-version": "2023-06-01"})
        self.assertEqual(answer.status, 200, answer.body)
        if not stream:
            return answer.json()["content"]
        return [event["content_block"] for event in answer.events()
                if event["type"] == "content_block_start"]

    def test_at_anthropics_api_as_a_signed_thought(self):
        for stream in self.each():
            content = self.ask_messages(stream=stream)
            self.assertEqual([block["type"] for block in content],
                             ["redacted_thinking", "tool_use"])
            self.ask_messages(
                {"role": "assistant", "content": content},
                {"role": "user", "content": [
                    {"type": "tool_result", "content": "1",
                     "tool_use_id": content[1]["id"]}]}, stream=stream)
            self.expect_signature()

    def ask_responses(self, *items, stream):
        answer = ask(self.gateway.http, {
            "model": self.MODEL, "input": [_USER, *items], "stream": stream,
            "store": False, "tools": [{"type": "function", **_FUNCTION}]},
                     path="/v1/responses")
        self.assertEqual(answer.status, 200, answer.body)
        return (answer.events()[-1]["response"] if stream
                else answer.json())["output"]

    def test_at_the_responses_api_as_a_signed_item(self):
        for stream in self.each():
            output = self.ask_responses(stream=stream)
            self.assertEqual([item["type"] for item in output],
                             ["reasoning", "function_call"])
            self.ask_responses(
                *output, {"type": "function_call_output", "output": "1",
                          "call_id": output[1]["call_id"]}, stream=stream)
            self.expect_signature()

    def test_it_is_not_shown_to_others(self):
        self.play_call(stream=False)
        content = self.ask_messages(stream=False)
        turns = [_USER, {"role": "assistant", "content": content},
                 {"role": "user", "content": [
                     {"type": "tool_result", "content": "1",
                      "tool_use_id": content[1]["id"]}]}]
        for model in ("claude-x", "gpt-x"):
            answer = ask(self.gateway.http, {
                "model": model, "max_tokens": 64, "messages": turns},
                         path="/v1/messages",
                         headers={"anthropic-version": "2023-06-01"})
            self.assertEqual(answer.status, 200, answer.body)
            self.assertNotIn("seal:", json.dumps(self.sent(model)))
        output = self.ask_responses(stream=False)
        answer = ask(self.gateway.http, {
            "model": "gpt-x", "store": False, "input": [
                _USER, *output, {
                    "type": "function_call_output", "output": "1",
                    "call_id": output[1]["call_id"]}]}, path="/v1/responses")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotIn("seal:", json.dumps(self.sent("gpt-x")))
        self.assertIn(output[1]["call_id"], json.dumps(self.sent("gpt-x")))


if __name__ == "__main__":
    unittest.main()
