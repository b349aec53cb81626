#include "providers/dialects/openai_chat/vendor_names.h"

#include <string_view>

#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/vendor_name.h"

namespace gateway::chat {
namespace {

// Of several names for one value, the first is written.
constexpr wire::VendorName<v1::FinishReason> kFinishReasons[] = {
    {"stop", v1::FINISH_REASON_STOP},
    {"length", v1::FINISH_REASON_LENGTH},
    {"tool_calls", v1::FINISH_REASON_TOOL_CALLS},
    {"content_filter", v1::FINISH_REASON_CONTENT_FILTER},
    {"function_call", v1::FINISH_REASON_TOOL_CALLS},
    {"error", v1::FINISH_REASON_ERROR},
    {"insufficient_system_resource", v1::FINISH_REASON_ERROR},
};

// Names of other services, which are read and never written.
constexpr wire::VendorName<v1::FinishReason> kOtherFinishReasons[] = {
    // Mistral's: its window is full.
    {"model_length", v1::FINISH_REASON_LENGTH},
};

constexpr wire::VendorName<v1::Role> kRoles[] = {
    {"user", v1::ROLE_USER},           {"assistant", v1::ROLE_ASSISTANT},
    {"system", v1::ROLE_SYSTEM},       {"tool", v1::ROLE_TOOL},
    {"developer", v1::ROLE_DEVELOPER}, {"function", v1::ROLE_TOOL},
};

using Reasoning = v1::ReasoningSettings;
constexpr wire::VendorName<Reasoning::Effort> kEfforts[] = {
    {"none", Reasoning::EFFORT_NONE}, {"minimal", Reasoning::EFFORT_MINIMAL},
    {"low", Reasoning::EFFORT_LOW},   {"medium", Reasoning::EFFORT_MEDIUM},
    {"high", Reasoning::EFFORT_HIGH}, {"xhigh", Reasoning::EFFORT_XHIGH},
    {"max", Reasoning::EFFORT_MAX},
};

}  // namespace

v1::FinishReason ReadFinishReason(std::string_view word,
                                  const ChoiceContents& contents) {
  v1::FinishReason reason = wire::ValueOf(kFinishReasons, word);
  if (reason == v1::FINISH_REASON_UNSPECIFIED) {
    reason = wire::ValueOf(kOtherFinishReasons, word);
  }
  if (reason == v1::FINISH_REASON_LENGTH ||
      reason == v1::FINISH_REASON_CONTENT_FILTER ||
      reason == v1::FINISH_REASON_ERROR) {
    return reason;
  }
  if (contents.tool_calls) return v1::FINISH_REASON_TOOL_CALLS;
  if (contents.refusal) return v1::FINISH_REASON_CONTENT_FILTER;
  if (reason != v1::FINISH_REASON_UNSPECIFIED) return reason;
  return contents.content ? v1::FINISH_REASON_STOP : v1::FINISH_REASON_ERROR;
}

std::string_view WriteFinishReason(v1::FinishReason reason,
                                   std::string_view provider_word,
                                   const ChoiceContents& contents) {
  // Not written: the old form of tool calls is never written, so neither is its
  // finish reason. Other services say `stop` where tools are called; a caller
  // here is told `tool_calls`.
  const bool hides_calls =
      reason == v1::FINISH_REASON_TOOL_CALLS && provider_word != "tool_calls";
  if (!hides_calls &&
      wire::ValueOf(kFinishReasons, provider_word) !=
          v1::FINISH_REASON_UNSPECIFIED &&
      ReadFinishReason(provider_word, contents) == reason) {
    return provider_word;
  }
  const std::string_view word = wire::NameOf(kFinishReasons, reason);
  // A pause, which OpenAI does not know, is told as the end of the turn.
  return word.empty() ? "stop" : word;
}

v1::Role ReadRole(std::string_view word) { return wire::ValueOf(kRoles, word); }

std::string_view WriteRole(v1::Role role) { return wire::NameOf(kRoles, role); }

v1::ReasoningSettings::Effort ReadEffort(std::string_view word) {
  return wire::ValueOf(kEfforts, word);
}

std::string_view WriteEffort(v1::ReasoningSettings::Effort effort) {
  return wire::NameOf(kEfforts, effort);
}

std::string_view ServiceTierWord(std::string_view tier) {
  // Anthropic's and Google's names of the default tier.
  if (tier == "standard" || tier == "standard_only") return "default";
  for (const std::string_view known :
       {"auto", "default", "flex", "scale", "priority", "fast"}) {
    if (tier == known) return tier;
  }
  return {};
}

}  // namespace gateway::chat
