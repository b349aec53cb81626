// The words of Chat Completions for what the contract has enums for.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_

#include <string_view>

#include "llmgateway/v1/content.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// What a choice had in it, which decides what its finish word means.
struct ChoiceContents {
  bool content = false;  // Anything at all.
  bool tool_calls = false;
  bool refusal = false;
};

// A tool call anywhere in the turn means TOOL_CALLS unless the turn was cut
// off; an unknown word after content means STOP, without it ERROR.
v1::FinishReason ReadFinishReason(std::string_view word,
                                  const ChoiceContents& contents);

// The word for `reason`. `provider_word` is taken where it is one of ours and
// means the same.
std::string_view WriteFinishReason(v1::FinishReason reason,
                                   std::string_view provider_word,
                                   const ChoiceContents& contents);

// UNSPECIFIED for words that are not known.
v1::Role ReadRole(std::string_view word);
// Empty for UNSPECIFIED.
std::string_view WriteRole(v1::Role role);

// UNSPECIFIED for words that are not known.
v1::ReasoningSettings::Effort ReadEffort(std::string_view word);
// Empty for UNSPECIFIED.
std::string_view WriteEffort(v1::ReasoningSettings::Effort effort);

// A service tier in OpenAI's words; empty for those that only others have.
std::string_view OpenAiServiceTier(std::string_view tier);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_VENDOR_NAMES_H_
