// TargetHealth is all that routing knows of the world: whether a provider
// exists and can be asked now.
//
// Thread contract: implementations are thread-safe and never block.

#ifndef SERVICE_ROUTING_TARGET_HEALTH_H_
#define SERVICE_ROUTING_TARGET_HEALTH_H_

#include <string_view>

namespace gateway {

enum class ProviderState {
  kUnknown,  // No provider has this name.
  kReady,
  kNoCredential,  // Its configured credential is missing.
};

class TargetHealth {
 public:
  virtual ~TargetHealth() = default;

  virtual ProviderState StateOf(std::string_view provider) const = 0;

  // Returns the same name, in memory that lives as long as this object.
  // REQUIRES: the provider exists.
  virtual std::string_view NameOf(std::string_view provider) const = 0;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_TARGET_HEALTH_H_
