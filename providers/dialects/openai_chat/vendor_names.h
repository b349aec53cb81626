// The words of Chat Completions for what the contract has enums for.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_

#include <string_view>

#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// What a choice held, which decides what its finish reason means.
struct ChoiceContents {
  bool content = false;  // Anything at all.
  bool tool_calls = false;
  bool refusal = false;
};

// Returns what a finish reason means. A tool call anywhere in the turn means
// TOOL_CALLS unless the turn was cut off; an unknown name after content means
// STOP, without it ERROR.
v1::FinishReason ReadFinishReason(std::string_view word,
                                  const ChoiceContents& contents);

// Returns the name for `reason`: `provider_word` if it is one of OpenAI's and
// means the same.
std::string_view WriteFinishReason(v1::FinishReason reason,
                                   std::string_view provider_word,
                                   const ChoiceContents& contents);

// UNSPECIFIED for names that are not known.
v1::Role ReadRole(std::string_view word);
// Empty for UNSPECIFIED.
std::string_view WriteRole(v1::Role role);

// UNSPECIFIED for names that are not known.
v1::ReasoningSettings::Effort ReadEffort(std::string_view word);
// Empty for UNSPECIFIED.
std::string_view WriteEffort(v1::ReasoningSettings::Effort effort);

// Returns a service tier by OpenAI's name; empty for those that only others
// have.
std::string_view ServiceTierWord(std::string_view tier);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_
