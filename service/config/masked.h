// The configuration as an operator may see it: references to secrets stay,
// since they are names; whatever might be a secret itself is masked.
//
//   std::cout << WriteYaml(MaskConfig(snapshot.config()));
//
// What may be a secret, the fields say themselves, by the option `sensitive`.
// The loader lets no literal secret through, so this is the second lock on the
// API: header values, credentials inside URLs, and references that are none.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_MASKED_H_
#define SERVICE_CONFIG_MASKED_H_

#include "google/protobuf/descriptor.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

inline constexpr char kMask[] = "[masked]";

llmgateway::config::v1::GatewayConfig MaskConfig(
    llmgateway::config::v1::GatewayConfig config);

// Returns whether the field holds a reference to a secret.
bool IsSecretReference(const google::protobuf::FieldDescriptor& field);

}  // namespace gateway

#endif  // SERVICE_CONFIG_MASKED_H_
