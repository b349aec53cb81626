// The shipped table of models: what is known of each without asking anybody.
// model_table.inc is written by tools/models/model_table.py; do not edit it.
//
//   const ModelFacts* facts = FindModelFacts("openai", "gpt-4o");
//
// Thread contract: immutable.

#ifndef PROVIDERS_MODELS_MODEL_TABLE_H_
#define PROVIDERS_MODELS_MODEL_TABLE_H_

#include <string_view>

#include "providers/models/model_facts.h"

namespace gateway {

// Returns what the table has of a model; null if it is not there. `vendor` is a
// kind of provider, such as `openai` or `gemini`, or a preset of
// `openai_compatible`, such as `groq`.
const ModelFacts* FindModelFacts(std::string_view vendor,
                                 std::string_view model);

}  // namespace gateway

#endif  // PROVIDERS_MODELS_MODEL_TABLE_H_
