// The habits of services that speak Chat Completions, and where they are: those
// that are known by name, and those that the configuration tells of.
//
//   const CompatibleHabits habits =
//       WithQuirks(PresetHabits(config.preset()), config.quirks());
//
// A service that is to be known by name is a row of the table and a value of
// the enum.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_
#define PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_

#include <string_view>

#include "llmgateway/config/v1/provider.pb.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway {

struct CompatibleHabits {
  OpenAiChatQuirks chat = {.stop_limit = 0};
  bool embeddings = true;  // The service has `/embeddings`.
  bool responses = false;  // The service has `/responses`.
};

// Returns the habits of a preset; OpenAI's own, without its limit of `stop`,
// for none.
CompatibleHabits PresetHabits(
    llmgateway::config::v1::OpenAiCompatibleProvider::Preset preset);

// Returns where the service is; empty without a preset.
std::string_view PresetBaseUrl(
    llmgateway::config::v1::OpenAiCompatibleProvider::Preset preset);

// Returns what the table of models calls the vendor of its models; empty where
// whoever runs the server chooses them.
std::string_view PresetVendor(
    llmgateway::config::v1::OpenAiCompatibleProvider::Preset preset);

// Returns `habits` with each field of `quirks` that is set in place of its own.
CompatibleHabits WithQuirks(CompatibleHabits habits,
                            const llmgateway::config::v1::OpenAiQuirks& quirks);

}  // namespace gateway

#endif  // PROVIDERS_OPENAI_COMPATIBLE_PRESETS_H_
