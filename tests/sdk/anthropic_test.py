"""Anthropic's own SDKs at the APIs for messages, tokens and models."""

import json
import unittest

from tests.sdk import sdk_case

_TOOL = {"name": "get_weather", "description": "Tells the weather.",
         "input_schema": sdk_case.SCHEMA}
_USER = [{"role": "user", "content": "Hello"}]
_MODELS = {"anthropic": "claude-sdk", "openai": "gpt-sdk",
           "gemini": "gemini-sdk", "ollama": "llama-sdk"}


def _texts(message):
    return [block["text"] for block in message["content"]
            if block["type"] == "text"]


def _calls(message):
    return [block for block in message["content"]
            if block["type"] == "tool_use"]


class Messages(sdk_case.SdkCase):

    api = "anthropic_messages"
    models = _MODELS

    def request(self, **fields):
        return {"model": self.model, "max_tokens": 50, "messages": _USER,
                **fields}

    def test_an_answer_is_read(self):
        self.script(text="Grüße, 世界", usage={
            "prompt_tokens": 40, "completion_tokens": 9, "cached_tokens": 30})
        got = self.do("message", request=self.request(system="Be brief."))
        self.assertEqual(_texts(got), ["Grüße, 世界"])
        self.assertTrue(got["request_id"])
        self.assertEqual((got["stop_reason"], got["role"]),
                         ("end_turn", "assistant"))
        # Ollama does not tell what it had kept.
        cached = 0 if self.vendor == "ollama" else 30
        usage = got["usage"]
        self.assertEqual((usage["input_tokens"], usage["output_tokens"],
                          usage["cache_read_input_tokens"]),
                         (40 - cached, 9, cached))
        self.assertIn("Be brief.", self.sent())

    def test_a_stream_is_read(self):
        self.script(text="one two three", chunk_bytes=3)
        events = self.do("message_stream", request=self.request())
        kinds = [event["type"] for event in events]
        self.assertEqual(kinds[:2], ["message_start", "content_block_start"])
        self.assertEqual(kinds[-3:], ["content_block_stop", "message_delta",
                                      "message_stop"])
        self.assertEqual("".join(
            event["delta"]["text"] for event in events
            if event["type"] == "content_block_delta"), "one two three")
        self.assertEqual(events[-2]["usage"]["output_tokens"], 5)
        self.assertEqual(events[-2]["delta"]["stop_reason"], "end_turn")

    def test_the_helper_puts_a_stream_together(self):
        self.script(text="Let me see.", tool_calls=[
            {"name": "get_weather", "arguments": '{"city":"Oslo"}'}])
        got = self.do("message_accumulate", request=self.request(
            tools=[_TOOL]))
        self.assertEqual(got["text"], "Let me see.")
        message = got["message"]
        self.assertEqual(_texts(message), ["Let me see."])
        self.assertEqual([call["input"] for call in _calls(message)],
                         [{"city": "Oslo"}])
        self.assertEqual(message["stop_reason"], "tool_use")

    def test_tools_are_called_and_answered(self):
        self.script(tool_calls=[
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"name": "get_weather", "arguments": '{"city": "Rome"}'}])
        request = self.request(tools=[_TOOL], tool_choice={"type": "any"})
        message = self.do("message", request=request)
        calls = _calls(message)
        self.assertEqual([call["input"] for call in calls],
                         [{"city": "Oslo"}, {"city": "Rome"}])
        self.script(text="Cold and warm.")
        history = [*_USER, {"role": "assistant", "content": [
            {key: call[key] for key in ("type", "id", "name", "input")}
            for call in calls]}, {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call["id"],
                 "content": "ok"} for call in calls]}]
        got = self.do("message", request={
            **request, "messages": history, "tool_choice": {"type": "auto"}})
        self.assertEqual(_texts(got), ["Cold and warm."])
        if self.vendor in ("openai", "anthropic"):  # Others go by names.
            for call in calls:
                self.assertIn(call["id"], self.sent())

    def test_structured_output_is_parsed(self):
        self.script(text=sdk_case.WEATHER_TEXT)
        self.assertEqual(self.do("message_parse", request=self.request()),
                         sdk_case.WEATHER)
        self.assertIn("celsius", self.sent())

    def test_an_image_arrives(self):
        self.script(text="A pixel.")
        got = self.do("message", request=self.request(messages=[
            {"role": "user", "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image", "source": {
                    "type": "base64", "media_type": "image/png",
                    "data": sdk_case.PIXEL}}]}]))
        self.assertEqual(_texts(got), ["A pixel."])
        self.assertIn(sdk_case.PIXEL, self.sent())

    def test_errors_are_the_sdks_own(self):
        for status, told, name, type_ in (
                (429, 429, "RateLimitError", "rate_limit_error"),
                (529, 529, "InternalServerError", "overloaded_error"),
                (400, 400, "BadRequestError", "invalid_request_error")):
            self.script(status=status)
            for deed in ("message", "message_stream"):
                with self.fails(name, told) as caught:
                    self.do(deed, request=self.request())
                self.assertEqual(caught.exception.body["error"]["type"],
                                 type_)

    def test_a_request_without_messages_is_refused(self):
        with self.fails("BadRequestError", 400):
            self.do("message", request=self.request(messages=[]))

    def test_an_error_in_the_middle_is_thrown(self):
        self.script(chunks=6, error_after_chunks=2)
        with self.assertRaises(sdk_case.SdkError) as caught:
            self.do("message_stream", request=self.request())
        self.assertIn("APIError", caught.exception.bases)

    def test_hanging_up_ends_the_call_upstream(self):
        self.script(chunks=1000, chunk_delay_ms=20)
        self.do("message_cancel", request=self.request(), count=6)
        self.upstream.wait_for("cancelled", self.model)
        self.assertEqual(self.upstream.stat(self.model, "served"), 0)


class Betas(sdk_case.SdkCase):
    """What is not settled yet is asked for in the header."""

    api = "anthropic_messages"
    models = {"anthropic": "claude-sdk"}

    def test_betas_reach_anthropic(self):
        got = self.do("message_beta", betas=["one-2026-01-01", "two"],
                      request={"model": self.model, "max_tokens": 50,
                               "messages": _USER})
        self.assertTrue(_texts(got))
        headers = {name.lower(): value for name, value in
                   self.upstream.last(self.model)["headers"]}
        self.assertEqual(headers["anthropic-beta"].replace(" ", ""),
                         "one-2026-01-01,two")


class Thinking(sdk_case.SdkCase):
    """What Anthropic thinks comes back to it unchanged."""

    api = "anthropic_messages"
    models = {"anthropic": "claude-sdk"}

    def test_thinking_makes_the_round_trip(self):
        self.script(text="Yes.", reasoning={
            "text": "Let me think.", "signature": "c2lnbmVk"})
        request = {"model": self.model, "max_tokens": 2000,
                   "thinking": {"type": "enabled", "budget_tokens": 1024},
                   "messages": _USER}
        got = self.do("message", request=request)
        thought = got["content"][0]
        self.assertEqual((thought["thinking"], thought["signature"]),
                         ("Let me think.", "c2lnbmVk"))
        streamed = self.do("message_accumulate", request=request)
        self.assertEqual(streamed["message"]["content"][0]["signature"],
                         "c2lnbmVk")
        self.do("message", request={**request, "messages": [
            *_USER, {"role": "assistant", "content": [
                thought, {"type": "text", "text": "Yes."}]},
            {"role": "user", "content": "Why?"}]})
        self.assertEqual(json.loads(self.sent())["messages"][1]["content"][0],
                         thought)


class CountTokens(sdk_case.SdkCase):

    api = "anthropic_count_tokens"
    models = {"anthropic": "claude-sdk"}

    def test_tokens_are_counted(self):
        self.script(usage={"prompt_tokens": 321})
        got = self.do("count_tokens", request={
            "model": self.model, "messages": _USER, "system": "Be brief.",
            "tools": [_TOOL]})
        self.assertEqual(got["input_tokens"], 321)
        self.assertIn("Be brief.", self.sent())

    def test_errors_are_the_sdks_own(self):
        self.script(status=429)
        with self.fails("RateLimitError", 429):
            self.do("count_tokens", request={"model": self.model,
                                             "messages": _USER})


class Models(sdk_case.SdkCase):

    api = "anthropic_models"
    models = {"anthropic": "claude-sdk"}

    def setUp(self):
        super().setUp()
        self.script()

    def test_models_are_listed(self):
        listed = self.do("anthropic_models")
        self.assertIn(("claude-sdk", "model"),
                      [(model["id"], model["type"]) for model in listed])

    def test_a_model_is_found_by_its_name(self):
        got = self.do("anthropic_model", model="claude-sdk")
        self.assertEqual((got["id"], got["type"]), ("claude-sdk", "model"))

    def test_an_unknown_model_is_not_found(self):
        with self.fails("NotFoundError", 404):
            self.do("anthropic_model", model="no-such-model")


for _cases in (Messages, Betas, Thinking, CountTokens, Models):
    sdk_case.for_each_sdk(globals(), _cases)
del _cases


if __name__ == "__main__":
    unittest.main()
