// Checks a request for embeddings field by field before anything is done with
// it. All that is wrong is reported at once.
//
// Thread contract: plain function.

#ifndef SERVICE_PIPELINE_EMBED_CHECK_H_
#define SERVICE_PIPELINE_EMBED_CHECK_H_

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// Inputs of one request, as the vendors have it.
inline constexpr int kEmbedInputsMax = 2048;

// INVALID_REQUEST with a violation for each field at fault.
//
// `needs_model`: nothing but the request says which model is meant.
absl::Status CheckEmbedRequest(const llmgateway::v1::EmbedRequest& request,
                               bool needs_model);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_EMBED_CHECK_H_
