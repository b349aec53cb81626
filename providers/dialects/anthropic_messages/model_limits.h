// Fits a request's settings to what its model takes: how it is told to think,
// how hard to try, how to choose its words, whether it can be made to call a
// tool and to go on with what it is said to have begun. Whatever is said in
// another way or left out is told.
//
//   const int64_t limit = LimitOf(request, known_limit, family);
//   const WireReasoning reasoning =
//       FitReasoning(request, limit, family, dropped);
//   if (!reasoning.type.empty()) object.Text("type", reasoning.type);
//
// What families take is in providers/models/model_family.h. Of a model that is
// of no known family nothing is changed: the provider is to check.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_MODEL_LIMITS_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_MODEL_LIMITS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/models/model_family.h"

namespace gateway::anthropic {

// How a request asks for reasoning. Texts are constants of the format.
struct WireReasoning {
  // `thinking.type`; the field is left out if empty.
  std::string_view type;
  int64_t budget_tokens = 0;  // 0 unless the type is `enabled`.
  // `output_config.effort`; none is asked for if empty.
  std::string_view effort;
};

struct WireSampling {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
};

// Return whether a model can be forced to call a tool, and whether it goes on
// with a turn of its own that ends the conversation.
bool TakesForcedTool(const ModelFamily* family);
bool TakesPrefill(const WireReasoning& reasoning, const ModelFamily* family);

// The most tokens of the answer: what the caller says, or else `known_limit`,
// what is known of the model; 0 if that is 0. Of models that refuse a prompt
// and a limit that together are more than their window, as much less as the
// prompt may take, but not less than kOutputTokensUsual. `family` may be null.
int64_t LimitOf(const v1::GenerateRequest& request, int64_t known_limit,
                const ModelFamily* family);

// An output limit that every model accepts.
inline constexpr int64_t kOutputTokensUsual = 4096;

// An effort alone asks for thinking, and a model that only thinks when told to
// is told to, unless the effort is the least. Within a budget a model does not
// think where it is made to call a tool, nor where the turn is not over that
// called one and came without its thoughts: then it is not asked to. `limit` is
// of the answer, 0 if there is none; `family` may be null.
WireReasoning FitReasoning(const v1::GenerateRequest& request, int64_t limit,
                           const ModelFamily* family, DroppedFields& dropped);
WireSampling FitSampling(const v1::Sampling& sampling,
                         const WireReasoning& reasoning,
                         const ModelFamily* family, DroppedFields& dropped);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_MODEL_LIMITS_H_
