"""OpenAI's own SDKs at the chat API."""

import json
import unittest

from tests.sdk import sdk_case

_TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Tells the weather.",
    "parameters": sdk_case.SCHEMA, "strict": True}}
_USER = [{"role": "user", "content": "Hello"}]


def _text(chunks):
    return "".join(chunk["choices"][0]["delta"].get("content") or ""
                   for chunk in chunks if chunk["choices"])


class Chat(sdk_case.SdkCase):

    api = "openai_chat"
    models = {"openai": "gpt-sdk", "anthropic": "claude-sdk",
              "gemini": "gemini-sdk", "ollama": "llama-sdk"}

    def request(self, **fields):
        return {"model": self.model, "messages": _USER, **fields}

    def test_an_answer_is_read(self):
        self.script(text="Grüße, 世界", usage={
            "prompt_tokens": 40, "completion_tokens": 9,
            "cached_tokens": 30})
        got = self.do("chat", request=self.request(max_tokens=50))
        choice = got["choices"][0]
        self.assertEqual(choice["message"]["content"], "Grüße, 世界")
        self.assertTrue(got["request_id"])
        self.assertEqual(choice["finish_reason"], "stop")
        self.assertEqual(got["usage"]["total_tokens"], 49)
        if self.vendor != "ollama":  # Which does not tell.
            self.assertEqual(got["usage"]["prompt_tokens_details"][
                "cached_tokens"], 30)

    def test_a_stream_is_read(self):
        self.script(text="one two three", chunk_bytes=3)
        chunks = self.do("chat_stream", request=self.request(
            stream_options={"include_usage": True}))
        self.assertEqual(_text(chunks), "one two three")
        self.assertGreater(len(chunks), 4)
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 5)
        self.assertEqual({chunk["id"] for chunk in chunks},
                         {chunks[0]["id"]})

    def test_the_helper_puts_a_stream_together(self):
        self.script(text="Let me see.", tool_calls=[
            {"name": "get_weather", "arguments": '{"city":"Oslo"}'}])
        got = self.do("chat_accumulate", request=self.request(
            tools=[_TOOL]))
        choice = got["choices"][0]
        self.assertEqual(choice["message"]["content"], "Let me see.")
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]["function"]
        self.assertEqual(json.loads(call["arguments"]), {"city": "Oslo"})

    def test_tools_are_called_and_answered(self):
        self.script(tool_calls=[
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"name": "get_weather", "arguments": '{"city": "Rome"}'}])
        request = self.request(tools=[_TOOL],
                               tool_choice="required")
        message = self.do("chat", request=request)["choices"][0]["message"]
        calls = message["tool_calls"]
        self.assertEqual([json.loads(call["function"]["arguments"])
                          for call in calls],
                         [{"city": "Oslo"}, {"city": "Rome"}])
        self.script(text="Cold and warm.")
        history = [*_USER, message] + [
            {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
            for call in calls]
        got = self.do("chat", request={**request, "messages": history,
                                       "tool_choice": "auto"})
        self.assertEqual(got["choices"][0]["message"]["content"],
                         "Cold and warm.")
        if self.vendor in ("openai", "anthropic"):  # Others go by names.
            for call in calls:
                self.assertIn(call["id"], self.sent())

    def test_structured_output_is_parsed(self):
        self.script(text=sdk_case.WEATHER_TEXT)
        got = self.do("chat_parse", request=self.request())
        self.assertEqual(got, sdk_case.WEATHER)
        self.assertIn("celsius", self.sent())

    def test_an_image_arrives(self):
        self.script(text="A pixel.")
        url = "data:image/png;base64," + sdk_case.PIXEL
        got = self.do("chat", request=self.request(messages=[
            {"role": "user", "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": url}}]}]))
        self.assertEqual(got["choices"][0]["message"]["content"],
                         "A pixel.")
        self.assertIn(sdk_case.PIXEL, self.sent())

    def test_errors_are_the_sdks_own(self):
        for status, name, type_, code in (
                (429, "RateLimitError", "rate_limit_error",
                 "rate_limit_exceeded"),
                (503, "InternalServerError", "service_unavailable_error",
                 "server_is_overloaded"),
                (400, "BadRequestError", "invalid_request_error", None)):
            self.script(status=status)
            with self.fails(name, status, type=type_, code=code):
                self.do("chat", request=self.request())
            with self.fails(name, status, code=code):
                self.do("chat_stream", request=self.request())

    def test_a_request_without_messages_is_refused(self):
        with self.fails("BadRequestError", 400,
                        type="invalid_request_error"):
            self.do("chat", request=self.request(messages=[]))

    def test_an_error_in_the_middle_is_thrown(self):
        self.script(chunks=6, error_after_chunks=2)
        with self.fails("APIError", None):
            self.do("chat_stream", request=self.request())

    def test_hanging_up_ends_the_call_upstream(self):
        self.script(chunks=1000, chunk_delay_ms=20)
        self.do("chat_cancel", request=self.request(), count=3)
        self.upstream.wait_for("cancelled", self.model)
        self.assertEqual(self.upstream.stat(self.model, "served"), 0)


class Models(sdk_case.SdkCase):

    api = "openai_models"
    config = sdk_case.upstreams.config(["sdk", "meta/llama-3:70b"])
    models = {"openai": "gpt-sdk"}

    def setUp(self):
        super().setUp()
        for model in ("gpt-sdk", "gpt-meta/llama-3:70b"):
            self.upstream.set_script(model, {})

    def test_models_are_listed(self):
        ids = [model["id"] for model in self.do("openai_models")]
        self.assertIn("gpt-sdk", ids)
        self.assertIn("gpt-meta/llama-3:70b", ids)

    def test_a_model_is_found_by_its_name(self):
        got = self.do("openai_model", model="gpt-meta/llama-3:70b")
        self.assertEqual((got["id"], got["object"]),
                         ("gpt-meta/llama-3:70b", "model"))

    def test_an_unknown_model_is_not_found(self):
        with self.fails("NotFoundError", 404, code="model_not_found"):
            self.do("openai_model", model="no-such-model")


class Embeddings(sdk_case.SdkCase):

    api = "openai_embeddings"
    models = {"openai": "gpt-embed"}
    # As the mock makes them, exactly.
    first = [-0.5, -0.4375, -0.375]
    second = [-0.0625, 0.0, 0.0625]

    def embed(self, **fields):
        return self.do("embed", request={
            "model": self.model, "dimensions": 3, **fields})

    def test_vectors_come_whole_whatever_the_encoding(self):
        # Without a wish the SDKs ask for base64 and decode it.
        for wish in ({}, {"encoding_format": "float"}):
            got = self.embed(input=["a", "b"], **wish)
            self.assertEqual([one["embedding"] for one in got["data"]],
                             [self.first, self.second])
            self.assertEqual(got["usage"]["prompt_tokens"], 12)

    def test_inputs_may_be_texts_or_tokens(self):
        for input_, count in (("a", 1), ([1, 2, 3], 1), ([[1], [2]], 2)):
            self.assertEqual(len(self.embed(input=input_)["data"]), count)
            # One text may go on as a list of one.
            self.assertIn(json.loads(self.sent())["input"],
                          (input_, [input_]))

    def test_errors_are_the_sdks_own(self):
        with self.fails("BadRequestError", 400):
            self.embed(input=[""])
        self.script(status=429)
        with self.fails("RateLimitError", 429, code="rate_limit_exceeded"):
            self.embed(input="a")


for _cases in (Chat, Models, Embeddings):
    sdk_case.for_each_sdk(globals(), _cases)
del _cases


if __name__ == "__main__":
    unittest.main()
