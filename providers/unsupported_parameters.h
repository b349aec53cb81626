// What a provider's policy says to parameters that its format cannot carry.
//
// Thread contract: plain function.

#ifndef PROVIDERS_UNSUPPORTED_PARAMETERS_H_
#define PROVIDERS_UNSUPPORTED_PARAMETERS_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// Judges the losses that `warnings` tells of from the `first` on.
// CAPABILITY_UNSUPPORTED names each of them if the policy is to refuse; the
// provider's name is the caller's to add.
absl::Status JudgeLosses(
    llmgateway::config::v1::ProviderConfig::UnsupportedParameters policy,
    const std::vector<llmgateway::v1::Warning>& warnings, size_t first);

}  // namespace gateway

#endif  // PROVIDERS_UNSUPPORTED_PARAMETERS_H_
