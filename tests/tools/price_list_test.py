"""The list of prices is made of what a list of models says, and no more."""

import decimal
import importlib.util
import io
import pathlib
import unittest

_SPEC = importlib.util.spec_from_file_location(
    "price_list", pathlib.Path("tools/models/price_list.py"))
price_list = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(price_list)


def entry(provider="openai", mode="chat", **prices):
    """An entry whose prices are told per million tokens."""
    return {"litellm_provider": provider, "mode": mode,
            **{name: decimal.Decimal(price) / 1000000
               for name, price in prices.items()}}


def chat(**more):
    return entry(input_cost_per_token="2", output_cost_per_token="8", **more)


def lines(key, of):
    models = price_list.models_of({key: of})
    return sum(next(iter(models.values())).values(), []) if models else None


class PriceListTest(unittest.TestCase):

    def test_tells_prices_per_million_tokens(self):
        self.assertEqual(
            lines("m", chat(cache_read_input_token_cost="0.003625",
                            input_cost_per_audio_token="40")),
            ["in 2 out 8 cached 0.003625 audio_in 40"])

    def test_leaves_out_what_goes_without_saying(self):
        self.assertEqual(
            lines("m", chat(cache_read_input_token_cost="2",
                            output_cost_per_reasoning_token="8")),
            ["in 2 out 8"])

    def test_a_price_that_cannot_be_kept_is_an_error(self):
        with self.assertRaises(ValueError):
            lines("m", chat(cache_read_input_token_cost="0.0000000001"))

    def test_what_a_step_lacks_changes_in_proportion(self):
        self.assertEqual(
            lines("m", chat(cache_read_input_token_cost="0.5",
                            output_cost_per_audio_token="20",
                            input_cost_per_token_above_200k_tokens="4",
                            output_cost_per_token_above_200k_tokens="12",
                            input_cost_per_token_batches="1",
                            output_cost_per_token_batches="4")),
            ["in 2 out 8 cached 0.5 audio_out 20",
             ">200000 in 4 out 12 cached 1 audio_out 30",
             "batch in 1 out 4 cached 0.25 audio_out 10",
             "batch >200000 in 2 out 6 cached 0.5 audio_out 15"])

    def test_a_step_without_a_price_of_output_is_none(self):
        self.assertEqual(lines("m", chat(input_cost_per_token_priority="9")),
                         ["in 2 out 8"])

    def test_embedding_has_no_output(self):
        embedding = entry(mode="embedding", input_cost_per_token="0.1")
        self.assertEqual(lines("m", embedding), ["in 0.1 out 0"])
        embedding["mode"] = "chat"
        self.assertIsNone(lines("m", embedding))

    def test_images_have_their_prices(self):
        self.assertEqual(
            lines("m", chat(input_cost_per_image_token="3",
                            output_cost_per_image_token="40",
                            input_cost_per_token_batches="1",
                            output_cost_per_token_batches="4")),
            ["in 2 out 8 image_in 3 image_out 40",
             "batch in 1 out 4 image_in 1.5 image_out 20"])

    def test_what_draws_is_there_if_it_is_priced_by_the_token(self):
        drawing = chat(output_cost_per_image_token="40")
        drawing["mode"] = "image_generation"
        self.assertEqual(lines("m", drawing), ["in 2 out 8 image_out 40"])
        del drawing["output_cost_per_image_token"]
        drawing["output_cost_per_image"] = decimal.Decimal("0.04")
        self.assertIsNone(lines("m", drawing))

    def test_a_wrong_entry_is_taken_from_where_the_list_has_it_right(self):
        wrong = entry("gemini", input_cost_per_token="1",
                      output_cost_per_token="4")
        right = entry("vertex_ai-language-models", input_cost_per_token="2",
                      output_cost_per_token="8")
        name = "gemini-3.1-flash-image"
        models = price_list.models_of({"gemini/" + name: wrong, name: right})
        self.assertEqual(models, {("gemini", name): {"": ["in 2 out 8"]}})

    def test_nothing_is_free_for_want_of_a_price(self):
        self.assertIsNone(lines("m", entry(input_cost_per_token="0",
                                           output_cost_per_token="0")))
        self.assertEqual(
            lines("m", chat(cache_creation_input_token_cost="0")),
            ["in 2 out 8"])

    def test_an_hour_in_anthropics_cache_costs_twice_the_input(self):
        claude = chat(cache_creation_input_token_cost="2.5",
                      cache_creation_input_token_cost_above_1hr="6")
        self.assertEqual(lines("m", claude),
                         ["in 2 out 8 write 2.5 write_1h 6"])
        claude["litellm_provider"] = "anthropic"
        self.assertEqual(lines("m", claude),
                         ["in 2 out 8 write 2.5 write_1h 4"])

    def test_a_write_below_input_is_a_read(self):
        self.assertEqual(
            lines("m", chat(cache_creation_input_token_cost="1")),
            ["in 2 out 8 cached 1"])

    def test_names_lose_the_vendor_and_get_ours(self):
        self.assertEqual(
            sorted(price_list.models_of({
                "azure/a": {**chat(), "litellm_provider": "azure"},
                "azure/eu/a": {**chat(), "litellm_provider": "azure"},
                "openrouter/x/b": {**chat(),
                                   "litellm_provider": "openrouter"},
                "ft:c": chat(), "d": {**chat(), "mode": "rerank"},
                "e": {**chat(), "litellm_provider": "nobody"}})),
            [("azure_openai", "a"), ("openai", "ft:c*"),
             ("openrouter", "x/b")])

    def test_dated_names_stand_only_where_they_differ(self):
        models = {("v", "a"): {"": ["1"]}, ("v", "a-2024-01-01"): {"": ["2"]},
                  ("v", "a-2024-02-02"): {"": ["1"]},
                  ("v", "b-20240101"): {"": ["3"]},
                  ("v", "b-20250101"): {"": ["4"]}}
        self.assertEqual(price_list.without_dates(models), {
            ("v", "a"): {"": ["1"]}, ("v", "a-2024-01-01"): {"": ["2"]},
            ("v", "b"): {"": ["4"]}, ("v", "b-20240101"): {"": ["3"]}})

    def test_dated_names_have_the_tiers_of_their_models(self):
        base = {"": ["2"], "batch": ["1"], "priority": ["4"]}
        models = {("v", "a"): base,
                  ("v", "a-2024-01-01"): {"": ["2"], "priority": ["5"]},
                  ("v", "a-2024-02-02"): {"": ["3"]},
                  ("w", "a-2024-01-01"): {"": ["2"]}}
        self.assertEqual(price_list.with_all_tiers(models), {
            ("v", "a"): base,
            ("v", "a-2024-01-01"): {"": ["2"], "batch": ["1"],
                                    "priority": ["5"]},
            ("v", "a-2024-02-02"): {"": ["3"]},
            ("w", "a-2024-01-01"): {"": ["2"]}})
        base = {"": ["2"], "us_inference": ["3"]}
        models = {("v", "a"): base, ("v", "a-20240101"): {"": ["2"]}}
        self.assertEqual(price_list.without_dates(
            price_list.with_all_tiers(models)), {("v", "a"): base})

    def test_anthropics_multipliers_make_tiers(self):
        claude = {**chat(cache_read_input_token_cost="0.25",
                         cache_creation_input_token_cost="2.5",
                         input_cost_per_token_above_200k_tokens="4",
                         output_cost_per_token_above_200k_tokens="12"),
                  "litellm_provider": "anthropic",
                  "provider_specific_entry": {
                      "us": decimal.Decimal("1.1"),
                      "fast": decimal.Decimal("6.0"), "eu": 2}}
        self.assertEqual(lines("claude-x", claude), [
            "in 2 out 8 cached 0.25 write 2.5 write_1h 4",
            ">200000 in 4 out 12 cached 0.5 write 5 write_1h 8",
            "fast_mode in 12 out 48 cached 1.5 write 15 write_1h 24",
            "fast_mode >200000 in 24 out 72 cached 3 write 30 write_1h 48",
            "us_inference in 2.2 out 8.8 cached 0.275 write 2.75 write_1h 4.4",
            "us_inference >200000 in 4.4 out 13.2 cached 0.55 write 5.5 "
            "write_1h 8.8",
            "fast_mode_us_inference in 13.2 out 52.8 cached 1.65 write 16.5 "
            "write_1h 26.4",
            "fast_mode_us_inference >200000 in 26.4 out 79.2 cached 3.3 "
            "write 33 write_1h 52.8"])
        del claude["provider_specific_entry"]["fast"]
        self.assertEqual(
            list(price_list.models_of({"claude-x": claude})[
                "anthropic", "claude-x"]), ["", "us_inference"])
        # It is another vendor's who sells the same model.
        claude["litellm_provider"] = "openrouter"
        self.assertEqual(len(lines("claude-x", claude)), 2)

    def test_a_multiplied_price_that_cannot_be_kept_is_an_error(self):
        claude = {**chat(cache_read_input_token_cost="0.000000001"),
                  "litellm_provider": "anthropic"}
        self.assertEqual(len(lines("claude-x", claude)), 1)
        claude["provider_specific_entry"] = {"us": decimal.Decimal("1.1")}
        with self.assertRaises(ValueError):
            lines("claude-x", claude)

    def test_a_multiplier_that_is_none_is_an_error(self):
        for wrong in (decimal.Decimal("0"), decimal.Decimal("0.5"), "1.1",
                      None):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                lines("claude-x", {**chat(), "litellm_provider": "anthropic",
                                   "provider_specific_entry": {"us": wrong}})

    def test_multipliers_that_the_list_lacks_are_anthropics(self):
        claude = {**chat(), "litellm_provider": "anthropic"}
        self.assertEqual(lines("claude-sonnet-4-6", claude),
                         ["in 2 out 8", "us_inference in 2.2 out 8.8"])
        self.assertEqual(
            lines("claude-opus-5-20260723", claude),
            ["in 2 out 8", "fast_mode in 4 out 16",
             "us_inference in 2.2 out 8.8",
             "fast_mode_us_inference in 4.4 out 17.6"])
        # What the list says counts.
        claude["provider_specific_entry"] = {"fast": decimal.Decimal("3")}
        self.assertEqual(
            lines("claude-opus-5", claude)[1:3],
            ["fast_mode in 6 out 24", "us_inference in 2.2 out 8.8"])
        # Nor is a price of older ones known.
        self.assertEqual(lines("claude-sonnet-4-5", {
            **chat(), "litellm_provider": "anthropic"}), ["in 2 out 8"])

    def test_the_file_says_of_when_it_is(self):
        file = io.StringIO()
        price_list.write({("v", "b"): {"": ["in 2 out 2"]},
                          ("v", "a"): {"": ["in 1 out 1"],
                                       "batch": ["batch in 0 out 0"]}},
                         "2026-08-01", file)
        text = file.getvalue().splitlines()
        self.assertTrue(text[0].endswith("as of 2026-08-01."))
        self.assertEqual(
            [line for line in text if not line.startswith("#")],
            ["v a in 1 out 1", "v a batch in 0 out 0", "v b in 2 out 2"])


if __name__ == "__main__":
    unittest.main()
