// The habits of services that speak Chat Completions: those that are known by
// name, and those that the configuration tells of.
//
//   const CompatibleHabits habits =
//       WithQuirks(PresetHabits(config.preset()), config.quirks());
//
// A service that is to be known by name is a row of the table, a value of the
// enum and its address among the configuration's defaults.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_
#define PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_

#include "llmgateway/config/v1/provider.pb.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway {

struct CompatibleHabits {
  OpenAiChatQuirks chat;
  bool embeddings = true;  // The service has `/embeddings`.
  bool responses = false;  // The service has `/responses`.
};

// Returns the habits of a preset; OpenAI's own for none.
CompatibleHabits PresetHabits(
    llmgateway::config::v1::OpenAiCompatibleProvider::Preset preset);

// Returns `habits` with each field of `quirks` that is set in place of its own.
CompatibleHabits WithQuirks(CompatibleHabits habits,
                            const llmgateway::config::v1::OpenAiQuirks& quirks);

}  // namespace gateway

#endif  // PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_
