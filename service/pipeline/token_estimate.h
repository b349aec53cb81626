// Estimates tokens where no provider counts them: a quarter of the characters,
// rounded up, plus a little for each message's frame. Pictures, sound and files
// count as a flat sum, since their bytes say nothing.
//
// Thread contract: plain function.

#ifndef SERVICE_PIPELINE_TOKEN_ESTIMATE_H_
#define SERVICE_PIPELINE_TOKEN_ESTIMATE_H_

#include <cstdint>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// The input tokens of everything that makes up the prompt: messages, tools and
// the schema of the answer.
int64_t EstimateInputTokens(const llmgateway::v1::GenerateRequest& request);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TOKEN_ESTIMATE_H_
