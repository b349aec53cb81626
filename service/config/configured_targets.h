// Finds the targets that a part of a configuration names.
//
//   ForEachTarget(config.routing(), [&](const Target& target) { ... });
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_CONFIGURED_TARGETS_H_
#define SERVICE_CONFIG_CONFIGURED_TARGETS_H_

#include "absl/functional/function_ref.h"
#include "google/protobuf/message.h"
#include "llmgateway/type/v1/target.pb.h"

namespace gateway {

// Calls `take` with each target in `message`, however deep it lies: so none is
// forgotten of those that are still to be invented.
void ForEachTarget(
    const google::protobuf::Message& message,
    absl::FunctionRef<void(const llmgateway::type::v1::Target&)> take);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIGURED_TARGETS_H_
