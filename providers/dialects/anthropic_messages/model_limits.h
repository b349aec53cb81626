// Fits a request's settings to what its model takes: how it is told to think,
// how hard to try, how to choose its words, whether it can be made to call a
// tool and to go on with what it is said to have begun. Whatever is said in
// another way or left out is told.
//
//   const WireReasoning reasoning = FitReasoning(request, family, losses);
//   if (!reasoning.type.empty()) object.Text("type", reasoning.type);
//
// What families take is in providers/models/model_family.h. Of a model that is
// of no known family nothing is changed: the provider is to judge.
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

// Words of the format are constants.
struct WireReasoning {
  std::string_view type;      // Of `thinking`; empty: the field is left out.
  int64_t budget_tokens = 0;  // 0 unless the type is `enabled`.
  std::string_view effort;    // Of `output_config`; empty: none is asked for.
};

struct WireSampling {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
};

// Whether a model can be made to call a tool, and whether it goes on with a
// turn of its own that ends the conversation.
bool TakesForcedTool(const ModelFamily* family);
bool TakesPrefill(const WireReasoning& reasoning, const ModelFamily* family);

// `family` may be null. Within a budget a model does not think where it is made
// to call a tool: then it is not asked to.
WireReasoning FitReasoning(const v1::GenerateRequest& request,
                           const ModelFamily* family, Losses& losses);
WireSampling FitSampling(const v1::Sampling& sampling,
                         const WireReasoning& reasoning,
                         const ModelFamily* family, Losses& losses);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_MODEL_LIMITS_H_
