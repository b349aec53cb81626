#!/usr/bin/env python3
"""Writes providers/models/model_table.inc from a list of models and prices.

    tools/models/model_table.py model_prices_and_context_window.json

The list is the one that LiteLLM publishes (MIT, Berri AI): one JSON object
with an entry per model. Only facts are taken from it: limits and abilities of
the vendors that the gateway has a kind or a preset for.

What an entry does not mention is not known, except for the abilities of
KNOWN_IF_SILENT: an entry that lists abilities at all and not these is taken
to lack them. What it lists as a modality, it has, whether it says so again as
an ability or not.
"""

import json
import pathlib
import sys

OUTPUT = pathlib.Path("providers/models/model_table.inc")

# From the list's name of a vendor to ours.
VENDORS = {
    "anthropic": "anthropic",
    "azure": "azure_openai",
    "deepseek": "deepseek",
    "gemini": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "ollama": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
}

# Before the model's name in the list's keys.
PREFIXES = ("azure/", "deepseek/", "gemini/", "groq/", "mistral/", "ollama/",
            "openrouter/")

MODES = ("chat", "responses", "embedding")

# Bits as in providers/models/model_facts.h.
ABILITIES = {
    "supports_vision": 1 << 0,
    "supports_audio_input": 1 << 1,
    "supports_pdf_input": 1 << 2,
    "supports_audio_output": 1 << 3,
    "supports_function_calling": 1 << 4,
    "supports_parallel_function_calling": 1 << 5,
    "supports_response_schema": 1 << 6,
    "supports_reasoning": 1 << 7,
    "supports_prompt_caching": 1 << 8,
    "supports_native_streaming": 1 << 10,
}

MODALITIES = {
    "supports_vision": ("supported_modalities", "image"),
    "supports_audio_input": ("supported_modalities", "audio"),
    "supports_audio_output": ("supported_output_modalities", "audio"),
}

KNOWN_IF_SILENT = ("supports_vision", "supports_audio_input",
                   "supports_function_calling", "supports_reasoning")

# Where the vendors' own descriptions of abilities are complete enough to be
# believed when they are silent.
COMPLETE_VENDORS = ("anthropic", "azure_openai", "gemini", "openai")

INT32_MAX = 2**31 - 1


def limit(entry, *names):
    for name in names:
        value = entry.get(name)
        if isinstance(value, (int, float)) and 0 < value <= INT32_MAX:
            return int(value)
    return 0


def has_modality(name, entry):
    key, modality = MODALITIES.get(name, ("", ""))
    return modality in (entry.get(key) or ())


def row(key, entry):
    vendor = VENDORS.get(entry.get("litellm_provider"))
    if vendor is None or entry.get("mode") not in MODES:
        return None
    model = key
    for prefix in PREFIXES:
        if model.startswith(prefix):
            model = model[len(prefix):]
            break
    known = has = 0
    listed = [name for name in entry if name.startswith("supports_")]
    for name, bit in ABILITIES.items():
        if name in entry:
            known |= bit
            has |= bit if entry[name] else 0
        elif has_modality(name, entry):
            known |= bit
            has |= bit
        elif (listed and vendor in COMPLETE_VENDORS
              and entry["mode"] == "chat" and name in KNOWN_IF_SILENT):
            known |= bit
    return (vendor, model,
            limit(entry, "max_input_tokens"),
            limit(entry, "max_output_tokens"), known, has)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file)
    rows = {}
    for key, entry in entries.items():
        made = row(key, entry) if key != "sample_spec" else None
        if made is not None:
            rows.setdefault(made[:2], made)
    with OUTPUT.open("w", encoding="utf-8") as file:
        file.write("// Written by tools/models/model_table.py. Do not edit.\n")
        for _, made in sorted(rows.items()):
            vendor, model, *numbers = made
            file.write('{%s, %s, %d, %d, 0x%03x, 0x%03x},\n'
                       % (json.dumps(vendor), json.dumps(model), *numbers))
    print("%d models" % len(rows))


if __name__ == "__main__":
    main()
