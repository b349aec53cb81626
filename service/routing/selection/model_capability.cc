#include "service/routing/selection/model_capability.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

struct CapabilityRow {
  Capability bit;
  std::string_view name;
  std::string_view ability_word;
};

// In the order of the bits.
constexpr CapabilityRow kCapabilities[] = {
    {kCapabilityStreaming, "streaming", "streaming"},
    {kCapabilityFunctionCalling, "function_calling", "tools"},
    {kCapabilityVision, "vision", "image_input"},
    {kCapabilityReasoning, "reasoning", "reasoning"},
    {kCapabilityWebSearch, "web_search", ""},
    {kCapabilityLongContext, "long_context", ""},
    {kCapabilityCreativeWriting, "creative_writing", ""},
    {kCapabilityCodeGeneration, "code_generation", ""},
    {kCapabilityJsonMode, "json_mode", ""},
    {kCapabilityAudioInput, "audio_input", "audio_input"},
    {kCapabilityDocumentInput, "document_input", "document_input"},
    {kCapabilityAudioOutput, "audio_output", "audio_output"},
    {kCapabilityParallelTools, "parallel_tools", "parallel_tools"},
    {kCapabilityStrictSchema, "strict_schema", "strict_schema"},
    {kCapabilityCacheControl, "cache_control", "cache_control"},
    {kCapabilityCountTokens, "count_tokens", "count_tokens"},
};

const CapabilityRow* RowOf(Capability capability) {
  for (const CapabilityRow& row : kCapabilities) {
    if (row.bit == capability) return &row;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Capability> ParseCapability(std::string_view name) {
  CapabilitySet all = 0;
  for (const CapabilityRow& row : kCapabilities) {
    if (row.name == name) return row.bit;
    if (row.ability_word == name && !name.empty()) return row.bit;
    all |= row.bit;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(name), "' is no capability; there are ",
                   CapabilityText(all)));
}

std::string_view CapabilityName(Capability capability) {
  const CapabilityRow* row = RowOf(capability);
  return row == nullptr ? std::string_view() : row->name;
}

std::string_view AbilityWord(Capability capability) {
  const CapabilityRow* row = RowOf(capability);
  return row == nullptr ? std::string_view() : row->ability_word;
}

std::vector<std::string_view> CapabilityNames(CapabilitySet set) {
  std::vector<std::string_view> names;
  for (const CapabilityRow& row : kCapabilities) {
    if (set & row.bit) names.push_back(row.name);
  }
  return names;
}

std::string CapabilityText(CapabilitySet set) {
  std::string text;
  for (const std::string_view name : CapabilityNames(set)) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", ToAbsl(name));
  }
  return text;
}

CapabilitySet LackingOf(CapabilitySet has, CapabilitySet needed) {
  if (has & kCapabilityStrictSchema) has |= kCapabilityJsonMode;
  if (has & kCapabilityParallelTools) has |= kCapabilityFunctionCalling;
  return needed & ~has;
}

}  // namespace gateway
