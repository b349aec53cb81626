// What a provider's policy says to parameters that its format cannot carry.
//
// Thread contract: plain functions.

#ifndef PROVIDERS_UNSUPPORTED_PARAMETERS_H_
#define PROVIDERS_UNSUPPORTED_PARAMETERS_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// Checks the dropped fields of `request` that `warnings` tells of from the
// `first` on. CAPABILITY_UNSUPPORTED names each of them if the policy is to
// refuse; the provider's name is the caller's to add. What is told of a field
// that the request does not have, such as a limit that had to be made up, is no
// loss.
absl::Status CheckDropped(
    llmgateway::config::v1::ProviderConfig::UnsupportedParameters policy,
    const google::protobuf::Message& request,
    const std::vector<llmgateway::v1::Warning>& warnings, size_t first);

// Removes the `warnings`, from the `first` on, about `store`: the gateway keeps
// the answer itself.
void ForgiveStore(size_t first, std::vector<llmgateway::v1::Warning>* warnings);

}  // namespace gateway

#endif  // PROVIDERS_UNSUPPORTED_PARAMETERS_H_
