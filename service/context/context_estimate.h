// How many tokens a text takes of a model's context, and how many that has: by
// the name of the model, for who manages contexts (context_tier.h). It is quick
// and rough; what a call costs is estimated elsewhere
// (service/pipeline/token_estimate.h).
//
//   count = EstimateContextTokens("qwen-2.5", characters, messages);
//   limit = ContextLimitOf("gpt-5.2-mini");
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONTEXT_CONTEXT_ESTIMATE_H_
#define SERVICE_CONTEXT_CONTEXT_ESTIMATE_H_

#include <cstdint>
#include <string_view>

namespace gateway {

// For a model of which nothing is known.
inline constexpr int64_t kDefaultContextLimit = 8192;

// The tokens of so many characters in so many messages: the characters divided
// by what a token of the model's family has, rounded down, and 4 for each
// message. The family is the first of these that the model's name contains:
//
//   qwen 3.5, codellama 3.8, deepseek 3.2, llama 3.5, gpt 4, claude 3.8;
//   any other 4
int64_t EstimateContextTokens(std::string_view model, int64_t characters,
                              int64_t messages);

// How many tokens the context of `model` has: of the first model in the table
// whose name is the same, or else is part of this one, or contains it.
// kDefaultContextLimit if there is none. The case of letters does not matter.
int64_t ContextLimitOf(std::string_view model);

}  // namespace gateway

#endif  // SERVICE_CONTEXT_CONTEXT_ESTIMATE_H_
