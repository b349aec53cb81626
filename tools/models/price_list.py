#!/usr/bin/env python3
"""Writes service/money/shipped_prices.txt from a list of models and prices.

    tools/models/price_list.py model_prices_and_context_window.json 2026-08-01

The list is the one that LiteLLM publishes (MIT, Berri AI): one JSON object
with an entry per model, prices in dollars per token. The date is the one that
its prices are of, and goes into the header. Only facts are taken from it: the
prices per token of models that chat or embed, or draw and have one for it, of
the vendors that the gateway has a kind or a preset for. What the lines mean is said in
service/money/price_lines.h.

What is made of the entries besides other units:

- A model whose name ends in a date and that costs in the standard tier what the
  name without the date does has that name's other tiers too, unless it has its
  own: the list tells them of few dated names.
- A model whose name ends in a date is left out if it costs what the name
  without the date does, since a lookup goes on there. If the list has no such
  name, the newest of its dated models gives it a price.
- A price of the standard tier that a further step does not have, though the
  standard tier has one of its own, is changed in proportion: that of input if
  it is one of input, else that of output. So is the long-context step of a
  tier that has none.
- A price of zero is none: it says that something else than tokens is charged,
  that the price varies, or that nobody asks. What costs nothing is in FREE. An
  entry or a step without a price of input or of output is left out, but for
  the output of models that only embed.
- An hour in Anthropic's cache costs twice what input does, as Anthropic says:
  the list lacks it for some models and has a wrong one for others. A price of
  cache writes below that of input is none, but that of reads where there is no
  other.
- What Anthropic bills by a multiplier of all prices - fast mode and inference
  in the US, which the list has in `provider_specific_entry` - is a tier for
  each, and one for both together. What the list lacks is in MULTIPLIERS.
- Fine-tuned models stand for all names that begin with theirs.
"""

import datetime
import decimal
import json
import math
import pathlib
import re
import sys

OUTPUT = pathlib.Path("service/money/shipped_prices.txt")

# From the list's name of a vendor to ours.
VENDORS = {
    "anthropic": "anthropic",
    "azure": "azure_openai",
    "deepseek": "deepseek",
    "gemini": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
}

# What costs nothing: what runs on one's own machine, and what is given away.
FREE = (("gemini", "gemma-3-27b-it"), ("local_cli", "*"), ("ollama", "*"),
        ("openrouter", "openrouter/free"))

# Entries with what cannot be: a model that chats, told as one that embeds; one
# that searches, told as one that draws.
WRONG = ("gemini/gemini-1.5-flash", "gemini/deep-research-pro-preview-12-2025")

# Entries whose texts have the prices of batches, though the list has right ones
# of the same model of the same vendor, at its other service.
INSTEAD = {"gemini/" + model: model for model in (
    "gemini-3.1-flash-image", "gemini-3.1-flash-image-preview")}

# Before the model's name in the list's keys.
PREFIXES = ("azure/", "deepseek/", "gemini/", "groq/", "mistral/",
            "openrouter/")

MODES = ("chat", "responses", "embedding")
DRAWING_MODE = "image_generation"

# From our name of a price to the list's; the first one that is there counts.
PRICES = {
    "in": ("input_cost_per_token",),
    "out": ("output_cost_per_token",),
    "cached": ("cache_read_input_token_cost",
               "input_cost_per_token_cache_hit"),
    "write": ("cache_creation_input_token_cost",),
    "write_1h": ("cache_creation_input_token_cost_above_1hr",),
    "reasoning": ("output_cost_per_reasoning_token",),
    "audio_in": ("input_cost_per_audio_token",),
    "audio_out": ("output_cost_per_audio_token",),
    "image_in": ("input_cost_per_image_token",),
    "image_out": ("output_cost_per_image_token",),
}
OF_OUTPUT = ("reasoning", "audio_out", "image_out")

# What a price is if it is left out, as CompleteRates has it.
OTHERWISE = {"cached": "in", "write": "in", "write_1h": "write",
             "reasoning": "out", "audio_in": "in", "audio_out": "out",
             "image_in": "in", "image_out": "out"}

# From the list's ending of a price to our tier; the standard one first.
TIERS = {"": "", "_batches": "batch", "_flex": "flex",
         "_priority": "priority"}

# Tiers whose prices are the standard ones, multiplied; by the list's names of
# the multipliers.
MULTIPLIED_TIERS = {"fast_mode": ("fast",), "us_inference": ("us",),
                    "fast_mode_us_inference": ("fast", "us")}

# What Anthropic says of models of which the list does not, as of 2026-08-01:
# platform.claude.com/docs/en/manage-claude/data-residency has inference in the
# US at 1.1 from Opus 4.6 on, and platform.claude.com/docs/en/build-with-claude/
# fast-mode has the models with a fast mode.
MULTIPLIERS = {
    "claude-opus-5": {"us": decimal.Decimal("1.1"),
                      "fast": decimal.Decimal(2)},
    "claude-sonnet-4-6": {"us": decimal.Decimal("1.1")},
}

DATE = re.compile(r"(?:-20\d\d-\d\d-\d\d|[-@]20\d{6})$")
MARK = re.compile(r"_above_(\d+)k_tokens")


def per_million(price):
    """The decimal text of a price per token; exact, or an error."""
    text = format((price * 1000000).normalize(), "f")
    if len(text.partition(".")[2]) > 9:
        raise ValueError("%s per token is finer than prices are kept" % price)
    return text


def mend(name, rates):
    """Changes what the list is known to have wrong or left out."""
    if "write" in rates and rates["write"] < rates["in"]:
        rates.setdefault("cached", rates.pop("write"))
    vendor, model = name
    if "write" in rates and (vendor == "anthropic"
                             or model.startswith("anthropic/")):
        rates["write_1h"] = 2 * rates["in"]


def listed(name, entry, ending):
    """The prices of an entry whose names end so: {our name: per token}."""
    rates = {}
    for ours, theirs in PRICES.items():
        for field in theirs:
            price = entry.get(field + ending)
            if isinstance(price, decimal.Decimal) and price > 0:
                rates.setdefault(ours, price)
    if "in" in rates and entry["mode"] == "embedding":
        rates.setdefault("out", decimal.Decimal(0))
    if "in" not in rates or "out" not in rates:
        return None
    mend(name, rates)
    return rates


def in_proportion(rates, whole, of):
    """`whole` changed as `rates`, for names that `of` has."""
    changed = {}
    for name in of:
        side = "out" if name == "out" or name in OF_OUTPUT else "in"
        if whole[side]:
            changed[name] = of[name] * rates[side] / whole[side]
    return changed


def multipliers_of(name, entry):
    """{the list's name of it: by how much all prices of the model multiply}."""
    vendor, model = name
    if vendor != "anthropic":
        return {}
    known = MULTIPLIERS.get(DATE.sub("", model), {})
    listed_ones = entry.get("provider_specific_entry", {})
    found = {each: multiplier
             for each, multiplier in {**known, **listed_ones}.items()
             if (each,) in MULTIPLIED_TIERS.values()}
    for each, multiplier in found.items():
        if not isinstance(multiplier, decimal.Decimal) or multiplier < 1:
            raise ValueError("%s: %s of %r is no multiplier" % (
                model, each, multiplier))
    return found


def multiplied_steps(name, entry, steps):
    """The steps of further tiers, each with those of the standard tier."""
    multipliers = multipliers_of(name, entry)
    return {
        (tier, mark): {
            kind: price * math.prod(multipliers[each] for each in factors)
            for kind, price in rates.items()}
        for tier, factors in MULTIPLIED_TIERS.items()
        if all(each in multipliers for each in factors)
        for (of, mark), rates in steps.items() if not of}


def steps_of(name, entry):
    """{(tier, thousand tokens above): {our name: per token}}, or None."""
    standard = listed(name, entry, "")
    if standard is None:
        return None
    marks = sorted({int(match.group(1)) for field in entry
                    for match in [MARK.search(field)] if match})
    steps = {("", 0): standard}
    for ending, tier in TIERS.items():
        for mark in [0] + marks:
            above = "_above_%dk_tokens" % mark if mark else ""
            rates = listed(name, entry, above + ending)
            first = steps.get((tier, 0))
            if mark and first is None:
                break
            if rates is None and mark and tier and ("", mark) in steps:
                rates = in_proportion(first, standard, steps["", mark])
            if rates is None:
                continue
            more = in_proportion(rates, standard, standard)
            steps[tier, mark] = {**more, **rates}
    return {**steps, **multiplied_steps(name, entry, steps)}


def rates_text(rates):
    """The prices of a step, without those that are as they would be."""
    texts = {name: per_million(price) for name, price in rates.items()}
    return " ".join(
        "%s %s" % (name, texts[name]) for name in PRICES if name in texts and
        texts[name] != texts.get(OTHERWISE.get(name, ""),
                                 texts["in"] if name == "write_1h" else None))


def lines_of(steps):
    """{tier: what follows the names, line by line}."""
    lines = {}
    for (tier, mark), rates in steps.items():
        lines.setdefault(tier, []).append(" ".join(filter(None, (
            tier, ">%d" % (mark * 1000) if mark else "", rates_text(rates)))))
    return lines


def is_asked(entry):
    """Whether the gateway asks such models, or has a price for what they do."""
    mode = entry.get("mode")
    return mode in MODES or (mode == DRAWING_MODE
                             and "output_cost_per_image_token" in entry)


def model_of(key, entry):
    """(vendor, model) of a priced entry; None if it is none of ours."""
    vendor = VENDORS.get(entry.get("litellm_provider"))
    if vendor is None or not is_asked(entry) or key in WRONG:
        return None
    model = next((key[len(prefix):] for prefix in PREFIXES
                  if key.startswith(prefix)), key)
    if vendor == "azure_openai" and "/" in model:
        return None  # Of a region, which is not in a deployment's name.
    if model.startswith("ft:"):
        model += "*"
    return vendor, model


def models_of(entries):
    """{(vendor, model): {tier: lines}} of all entries."""
    models = {}
    # Names with a vendor's prefix before those without, which may be another's.
    for key, entry in sorted(entries.items(), key=lambda item: "/" not in
                             item[0]):
        name = model_of(key, entry)
        entry = entries.get(INSTEAD.get(key), entry)
        steps = steps_of(name, entry) if name is not None else None
        if steps is not None:
            models.setdefault(name, lines_of(steps))
    return models


def with_all_tiers(models):
    """The same prices, of dated names in all tiers of those without a date."""
    completed = {}
    for (vendor, model), tiers in models.items():
        base = models.get((vendor, DATE.sub("", model)), tiers)
        more = base if base[""] == tiers[""] else {}
        completed[vendor, model] = {
            tier: tiers.get(tier, more.get(tier))
            for tier in (*TIERS.values(), *MULTIPLIED_TIERS)
            if tier in tiers or tier in more}
    return completed


def without_dates(models):
    """The same prices with fewer dated names."""
    newest = {}
    for vendor, model in sorted(models):
        undated = DATE.sub("", model)
        if undated != model:
            newest[vendor, undated] = models[vendor, model]
    for name, tiers in newest.items():
        models.setdefault(name, tiers)
    return {
        (vendor, model): tiers for (vendor, model), tiers in models.items()
        if DATE.sub("", model) == model
        or models[vendor, DATE.sub("", model)] != tiers}


def write(models, date, file):
    file.write("""\
# What models cost, in US dollars per million tokens, as of %s.
#
# Made by tools/models/price_list.py, which says how, of what LiteLLM publishes
# (model_prices_and_context_window.json; MIT, Berri AI). Do not edit it: what
# is wrong here is overridden by the configuration, or mended there.
# service/money/price_lines.h says how it is read.
""" % date)
    for (vendor, model), tiers in sorted(models.items()):
        for line in sum(tiers.values(), []):
            file.write("%s %s %s\n" % (vendor, model, line))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    date = datetime.date.fromisoformat(sys.argv[2])
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file, parse_float=decimal.Decimal,
                            parse_int=decimal.Decimal)
    entries.pop("sample_spec", None)
    models = without_dates(with_all_tiers(models_of(entries)))
    models.update({name: {"": ["in 0 out 0"]} for name in FREE})
    with OUTPUT.open("w", encoding="utf-8") as file:
        write(models, date, file)
    print("%d models" % len(models))


if __name__ == "__main__":
    main()
