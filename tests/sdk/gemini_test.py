"""Google's own SDK at the Gemini API."""

import unittest

from tests.sdk import sdk_case

_TOOL = {"function_declarations": [{
    "name": "get_weather", "description": "Tells the weather.",
    "parameters_json_schema": sdk_case.SCHEMA}]}
_MODELS = {"gemini": "gemini-sdk", "openai": "gpt-sdk",
           "anthropic": "claude-sdk", "ollama": "llama-sdk"}


def _parts(answer):
    return [part for candidate in answer["candidates"]
            for part in candidate["content"].get("parts", ())]


def _text(answers):
    return "".join(part.get("text", "") for answer in answers
                   for part in _parts(answer))


class _GeminiCase(sdk_case.SdkCase):

    version = "v1beta"

    def do(self, deed, **fields):
        return super().do(deed, version=self.version, **fields)


class Generate(_GeminiCase):

    api = "gemini_generate"
    models = _MODELS

    def request(self, **fields):
        return {"model": self.model, "contents": "Hello", **fields}

    def test_an_answer_is_read(self):
        self.script(text="Grüße, 世界", usage={
            "prompt_tokens": 40, "completion_tokens": 9, "cached_tokens": 30})
        got = self.do("generate", request=self.request(config={
            "system_instruction": "Be brief.", "max_output_tokens": 50,
            "temperature": 0.5, "stop_sequences": ["END"]}))
        self.assertEqual(_text([got]), "Grüße, 世界")
        self.assertEqual(got["candidates"][0]["finishReason"], "STOP")
        usage = got["usageMetadata"]
        self.assertEqual((usage["promptTokenCount"],
                          usage["candidatesTokenCount"]), (40, 9))
        if self.vendor != "ollama":  # Which does not tell.
            self.assertEqual(usage["cachedContentTokenCount"], 30)
        self.assertIn("Be brief.", self.sent())

    def test_a_stream_is_read(self):
        self.script(text="one two three", chunk_bytes=3)
        chunks = self.do("generate_stream", request=self.request())
        self.assertEqual(_text(chunks), "one two three")
        self.assertGreater(len(chunks), 4)
        self.assertEqual(chunks[-1]["candidates"][0]["finishReason"], "STOP")
        self.assertEqual(chunks[-1]["usageMetadata"]["candidatesTokenCount"],
                         5)

    def test_tools_are_called_and_answered(self):
        self.script(tool_calls=[
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"name": "get_weather", "arguments": '{"city": "Rome"}'}])
        config = {"tools": [_TOOL], "tool_config": {
            "function_calling_config": {"mode": "ANY"}},
                  "automatic_function_calling": {"disable": True}}
        user = {"role": "user", "parts": [{"text": "Hello"}]}
        got = self.do("generate", request=self.request(
            contents=[user], config=config))
        calls = [part["functionCall"] for part in _parts(got)]
        self.assertEqual([call["args"] for call in calls],
                         [{"city": "Oslo"}, {"city": "Rome"}])
        self.script(text="Cold and warm.")
        answers = [{"function_response": {
            "name": call["name"], "response": {"output": "ok"},
            **({"id": call["id"]} if "id" in call else {})}}
            for call in calls]
        del config["tool_config"]
        got = self.do("generate", request=self.request(
            contents=[user, got["candidates"][0]["content"],
                      {"role": "user", "parts": answers}], config=config))
        self.assertEqual(_text([got]), "Cold and warm.")
        self.assertIn("Oslo", self.sent())

    def test_structured_output_is_parsed(self):
        self.script(text=sdk_case.WEATHER_TEXT)
        self.assertEqual(self.do("generate_parse", request=self.request()),
                         sdk_case.WEATHER)
        self.assertIn("celsius", self.sent())

    def test_an_image_arrives(self):
        self.script(text="A pixel.")
        got = self.do("generate", request=self.request(contents=[
            {"role": "user", "parts": [
                {"text": "What is it?"},
                {"inline_data": {"mime_type": "image/png",
                                 "data": sdk_case.PIXEL}}]}]))
        self.assertEqual(_text([got]), "A pixel.")
        sent = self.sent()
        if self.vendor == "gemini":
            # The SDK writes base64 in its other alphabet, and Gemini reads
            # both, which nobody else does.
            sent = sent.replace("-", "+").replace("_", "/")
        self.assertIn(sdk_case.PIXEL, sent)

    def test_errors_are_the_sdks_own(self):
        for status, name in ((429, "ClientError"), (503, "ServerError"),
                             (400, "ClientError")):
            self.script(status=status)
            for deed in ("generate", "generate_stream"):
                with self.fails(name, status):
                    self.do(deed, request=self.request())

    def test_an_error_in_the_middle_is_thrown(self):
        self.script(chunks=6, error_after_chunks=2)
        with self.assertRaises(sdk_case.SdkError) as caught:
            self.do("generate_stream", request=self.request())
        self.assertIn("APIError", caught.exception.bases)

    def test_hanging_up_ends_the_call_upstream(self):
        self.script(chunks=1000, chunk_delay_ms=20)
        self.do("generate_cancel", request=self.request(), count=3)
        self.upstream.wait_for("cancelled", self.model)
        self.assertEqual(self.upstream.stat(self.model, "served"), 0)


class GenerateByDefault(Generate):
    """The version that the SDK chooses by itself has another path."""

    api = "gemini_v1"
    version = None


class CountTokens(_GeminiCase):

    api = "gemini_count_tokens"
    models = {"gemini": "gemini-sdk"}

    def test_tokens_are_counted(self):
        self.script(usage={"prompt_tokens": 321})
        got = self.do("gemini_count_tokens", request={
            "model": self.model, "contents": "Hello"})
        self.assertEqual(got["totalTokens"], 321)


class Embeddings(_GeminiCase):

    api = "gemini_embeddings"
    models = {"gemini": "gemini-sdk"}

    def test_texts_become_vectors(self):
        got = self.do("gemini_embed", request={
            "model": self.model, "contents": [
                {"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}]}],
            "config": {"output_dimensionality": 3}})
        self.assertEqual([one["values"] for one in got["embeddings"]],
                         [[-0.5, -0.4375, -0.375], [-0.0625, 0.0, 0.0625]])


class Models(_GeminiCase):

    api = "gemini_models"
    models = {"gemini": "gemini-sdk"}

    def setUp(self):
        super().setUp()
        self.script()

    def test_models_are_listed(self):
        self.assertIn("models/gemini-sdk", [
            model["name"] for model in self.do("gemini_models")])

    def test_a_model_is_found_by_its_name(self):
        got = self.do("gemini_model", model="gemini-sdk")
        self.assertEqual(got["name"], "models/gemini-sdk")

    def test_an_unknown_model_is_not_found(self):
        with self.fails("ClientError", 404):
            self.do("gemini_model", model="no-such-model")


for _cases in (Generate, GenerateByDefault, CountTokens, Embeddings, Models):
    sdk_case.for_each_sdk(globals(), _cases, languages=("python",))
del _cases


if __name__ == "__main__":
    unittest.main()
