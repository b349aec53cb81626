"""OpenAI's own SDKs at the Responses API."""

import json
import unittest

from tests.sdk import sdk_case

_TOOL = {"type": "function", "name": "get_weather",
         "description": "Tells the weather.", "parameters": sdk_case.SCHEMA,
         "strict": True}


class Responses(sdk_case.SdkCase):

    api = "openai_responses"
    models = {"openai": "gpt-sdk", "anthropic": "claude-sdk",
              "gemini": "gemini-sdk", "ollama": "llama-sdk"}

    def request(self, **fields):
        return {"model": self.model, "input": "Hello", **fields}

    def test_an_answer_is_read(self):
        self.script(text="Grüße, 世界", usage={
            "prompt_tokens": 40, "completion_tokens": 9, "cached_tokens": 30})
        got = self.do("respond", request=self.request(
            instructions="Be brief.", max_output_tokens=50))
        self.assertEqual(got["output_text"], "Grüße, 世界")
        self.assertEqual(got["status"], "completed")
        self.assertEqual(got["instructions"], "Be brief.")
        self.assertEqual(got["usage"]["total_tokens"], 49)
        if self.vendor != "ollama":  # Which does not tell.
            self.assertEqual(
                got["usage"]["input_tokens_details"]["cached_tokens"], 30)

    def test_a_stream_is_read(self):
        self.script(text="one two three", chunk_bytes=3)
        events = self.do("respond_stream", request=self.request())
        self.assertEqual([event["sequence_number"] for event in events],
                         list(range(len(events))))
        kinds = [event["type"] for event in events]
        self.assertEqual(kinds[:4], [
            "response.created", "response.in_progress",
            "response.output_item.added", "response.content_part.added"])
        self.assertEqual(kinds[-4:], [
            "response.output_text.done", "response.content_part.done",
            "response.output_item.done", "response.completed"])
        self.assertEqual("".join(
            event["delta"] for event in events
            if event["type"] == "response.output_text.delta"),
            "one two three")
        self.assertEqual(
            events[-1]["response"]["usage"]["output_tokens"], 5)

    def test_the_helper_puts_a_stream_together(self):
        self.script(text="Let me see.", tool_calls=[
            {"name": "get_weather", "arguments": '{"city":"Oslo"}'}])
        got = self.do("respond_accumulate", request=self.request(
            tools=[_TOOL]))
        self.assertEqual(got["output_text"], "Let me see.")
        call = got["output"][-1]
        self.assertEqual(call["type"], "function_call")
        self.assertEqual(json.loads(call["arguments"]), {"city": "Oslo"})

    def test_a_response_follows_another(self):
        self.script(tool_calls=[
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'}])
        first = self.do("respond", request=self.request(tools=[_TOOL]))
        call = first["output"][-1]
        self.script(text="Cold.")
        got = self.do("respond", request={
            "model": self.model, "previous_response_id": first["id"],
            "tools": [_TOOL], "input": [
                {"type": "function_call_output", "output": "-3",
                 "call_id": call["call_id"]}]})
        self.assertEqual(got["output_text"], "Cold.")
        self.assertEqual(got["previous_response_id"], first["id"])
        if self.vendor in ("openai", "anthropic"):  # Others go by names.
            self.assertIn(call["call_id"], self.sent())

    def test_a_response_that_was_not_stored_has_no_successor(self):
        first = self.do("respond", request=self.request(store=False))
        with self.fails("BadRequestError", 400):
            self.do("respond", request=self.request(
                previous_response_id=first["id"]))

    def test_tools_are_called_and_answered(self):
        self.script(tool_calls=[
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"name": "get_weather", "arguments": '{"city": "Rome"}'}])
        request = self.request(tools=[_TOOL], tool_choice="required")
        calls = self.do("respond", request=request)["output"]
        self.assertEqual([json.loads(call["arguments"]) for call in calls],
                         [{"city": "Oslo"}, {"city": "Rome"}])
        self.script(text="Cold and warm.")
        history = [{"role": "user", "content": "Hello"}, *calls] + [
            {"type": "function_call_output", "call_id": call["call_id"],
             "output": "ok"} for call in calls]
        got = self.do("respond", request={**request, "input": history,
                                          "tool_choice": "auto"})
        self.assertEqual(got["output_text"], "Cold and warm.")

    def test_structured_output_is_parsed(self):
        self.script(text=sdk_case.WEATHER_TEXT)
        self.assertEqual(self.do("respond_parse", request=self.request()),
                         sdk_case.WEATHER)
        self.assertIn("celsius", self.sent())

    def test_an_image_arrives(self):
        self.script(text="A pixel.")
        got = self.do("respond", request=self.request(input=[
            {"role": "user", "content": [
                {"type": "input_text", "text": "What is it?"},
                {"type": "input_image", "detail": "auto", "image_url":
                 "data:image/png;base64," + sdk_case.PIXEL}]}]))
        self.assertEqual(got["output_text"], "A pixel.")
        self.assertIn(sdk_case.PIXEL, self.sent())

    def test_an_answer_may_be_cut_short(self):
        self.script(finish_reason="length")
        last = self.do("respond_stream", request=self.request())[-1]
        self.assertEqual(last["type"], "response.incomplete")
        for got in (self.do("respond", request=self.request()),
                    last["response"]):
            self.assertEqual(got["status"], "incomplete")
            self.assertEqual(got["incomplete_details"]["reason"],
                             "max_output_tokens")

    def test_errors_are_the_sdks_own(self):
        for status, name, type_, code in (
                (429, "RateLimitError", "rate_limit_error",
                 "rate_limit_exceeded"),
                (503, "InternalServerError", "service_unavailable_error",
                 "server_is_overloaded"),
                (400, "BadRequestError", "invalid_request_error", None)):
            self.script(status=status)
            for deed in ("respond", "respond_stream"):
                with self.fails(name, status, type=type_, code=code):
                    self.do(deed, request=self.request())

    def test_an_error_in_the_middle_is_thrown(self):
        self.script(chunks=6, error_after_chunks=2)
        with self.fails("APIError", None):
            self.do("respond_stream", request=self.request())

    def test_hanging_up_ends_the_call_upstream(self):
        self.script(chunks=1000, chunk_delay_ms=20)
        self.do("respond_cancel", request=self.request(), count=6)
        self.upstream.wait_for("cancelled", self.model)
        self.assertEqual(self.upstream.stat(self.model, "served"), 0)


sdk_case.for_each_sdk(globals(), Responses)


if __name__ == "__main__":
    unittest.main()
