// Capability is one thing that a model can do, of a closed set with names.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Capability wanted,
//                            ParseCapability("function_calling"));
//   if (LackingOf(policy.capabilities, wanted) != 0) ...
//   CapabilityText(policy.capabilities);  // "streaming, function_calling"
//
// Those of Model.capabilities (providers/models/model_facts.h) are among them;
// where both vocabularies have a name for one thing, either is understood:
// `tools` is `function_calling`, `image_input` is `vision`.
//
// Thread contract: plain data and pure functions.

#ifndef SERVICE_ROUTING_SELECTION_MODEL_CAPABILITY_H_
#define SERVICE_ROUTING_SELECTION_MODEL_CAPABILITY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gateway {

// Capabilities, as bits.
enum Capability : uint32_t {
  kCapabilityStreaming = 1 << 0,
  kCapabilityFunctionCalling = 1 << 1,
  kCapabilityVision = 1 << 2,
  kCapabilityReasoning = 1 << 3,
  kCapabilityWebSearch = 1 << 4,
  kCapabilityLongContext = 1 << 5,
  kCapabilityCreativeWriting = 1 << 6,
  kCapabilityCodeGeneration = 1 << 7,
  kCapabilityJsonMode = 1 << 8,
  kCapabilityAudioInput = 1 << 9,
  kCapabilityDocumentInput = 1 << 10,
  kCapabilityAudioOutput = 1 << 11,
  kCapabilityParallelTools = 1 << 12,
  kCapabilityStrictSchema = 1 << 13,
  kCapabilityCacheControl = 1 << 14,
  kCapabilityCountTokens = 1 << 15,
};

using CapabilitySet = uint32_t;  // A set of Capability.

// Returns the capability of this name, in either vocabulary. kInvalidArgument
// for a name that neither has; the message lists those that there are.
absl::StatusOr<Capability> ParseCapability(std::string_view name);

// Returns the name of one capability. Valid forever.
std::string_view CapabilityName(Capability capability);

// Returns the name that Model.capabilities has for it; empty if it has none.
// Valid forever.
std::string_view AbilityWord(Capability capability);

// Returns the names in a set, in the order of the bits. Valid forever.
std::vector<std::string_view> CapabilityNames(CapabilitySet set);

// Returns the same, separated by commas.
std::string CapabilityText(CapabilitySet set);

// Returns what of `needed` a model with `has` lacks. What a capability implies
// needs no mention: `strict_schema` has `json_mode` in it, and `parallel_tools`
// has `function_calling`.
CapabilitySet LackingOf(CapabilitySet has, CapabilitySet needed);

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_MODEL_CAPABILITY_H_
