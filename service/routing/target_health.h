// TargetHealth is all that routing knows of the world: whether a provider
// exists and can be asked, how busy a target is, and what it costs.
//
// Thread contract: implementations are thread-safe and never block.

#ifndef SERVICE_ROUTING_TARGET_HEALTH_H_
#define SERVICE_ROUTING_TARGET_HEALTH_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "service/routing/balancing.h"

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

  // Returns how busy a target is now. Asked only where there is a choice.
  virtual TargetLoad LoadOf(std::string_view /*provider*/,
                            std::string_view /*model*/) const {
    return {};
  }

  // Returns what a typical call costs there, in nano-US-dollars, if it is
  // known. Asked once, when the rules are made.
  virtual std::optional<int64_t> PriceOf(std::string_view /*provider*/,
                                         std::string_view /*model*/) const {
    return std::nullopt;
  }
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_TARGET_HEALTH_H_
