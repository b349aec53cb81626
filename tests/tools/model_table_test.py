"""The table of models is made of what a list of models says, and no more."""

import importlib.util
import pathlib
import unittest

_SPEC = importlib.util.spec_from_file_location(
    "model_table", pathlib.Path("tools/models/model_table.py"))
model_table = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(model_table)


class ModelTableTest(unittest.TestCase):

    def test_takes_limits_and_abilities(self):
        self.assertEqual(
            model_table.row("gemini/g-1", {
                "litellm_provider": "gemini", "mode": "chat",
                "max_input_tokens": 1000, "max_output_tokens": 64.0,
                "supports_vision": True, "supports_audio_input": False}),
            ("gemini", "g-1", 1000, 64, 0x093, 0x001))

    def test_silence_is_believed_only_of_those_who_tell(self):
        quiet = {"litellm_provider": "openai", "mode": "chat"}
        self.assertEqual(model_table.row("m", quiet),
                         ("openai", "m", 0, 0, 0, 0))
        other = {"litellm_provider": "groq", "mode": "chat",
                 "supports_function_calling": True}
        self.assertEqual(model_table.row("groq/m", other),
                         ("groq", "m", 0, 0, 0x010, 0x010))

    def test_leaves_out_what_is_not_served(self):
        for entry in ({"litellm_provider": "bedrock", "mode": "chat"},
                      {"litellm_provider": "openai", "mode": "rerank"}, {}):
            self.assertIsNone(model_table.row("m", entry))

    def test_a_limit_that_is_none_is_not_known(self):
        for value in (None, "lots", 0, -5, 2**40):
            self.assertEqual(model_table.limit({"max": value}, "max"), 0)


if __name__ == "__main__":
    unittest.main()
