// Checks a parsed request field by field before anything is done with it. All
// that is wrong is reported at once, each with its path, as in
// `messages[0].parts[1].image.media_type`.
//
// Thread contract: plain function.

#ifndef SERVICE_PIPELINE_REQUEST_CHECK_H_
#define SERVICE_PIPELINE_REQUEST_CHECK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "llmgateway/config/v1/server.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/violations.h"

namespace gateway {

// Tags of a call, wherever it says them.
inline constexpr int kDomainTagsMax = 16;
inline constexpr size_t kDomainTagCharactersMax = 128;

// INVALID_REQUEST with a violation for each field at fault, the first twenty
// of them.
//
// `needs_model`: nothing but the request says which model is meant.
absl::Status CheckRequest(const llmgateway::v1::GenerateRequest& request,
                          const llmgateway::config::v1::LimitsConfig& limits,
                          bool needs_model);

// Adds what is wrong with the names of whom a call is made for, whatever it
// asks.
void CheckScope(const llmgateway::v1::CallerScope& scope,
                Violations* violations);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_REQUEST_CHECK_H_
