// TargetHealth is all that routing knows of the world: whether a provider
// exists and can be asked, how busy a target is, and what it costs.
//
// Thread contract: implementations are thread-safe and never block.

#ifndef SERVICE_ROUTING_TARGET_HEALTH_H_
#define SERVICE_ROUTING_TARGET_HEALTH_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "service/routing/balancing.h"
#include "service/routing/route_target.h"

namespace gateway {

enum class ProviderState {
  kUnknown,  // No provider has this name.
  kReady,
  kNoCredential,  // Its configured credential is missing.
};

// How operators are told of a target that LoadOf has avoided.
inline constexpr std::string_view kFailsProbes = "comes last: its probes fail";

class TargetHealth {
 public:
  virtual ~TargetHealth() = default;

  virtual ProviderState StateOf(std::string_view provider) const = 0;

  // Returns the same name, in memory that lives as long as this object.
  // REQUIRES: the provider exists.
  virtual std::string_view NameOf(std::string_view provider) const = 0;

  // Returns how busy a target is now, `avoided` if its provider's probes fail.
  // Asked only where there is a choice.
  virtual TargetLoad LoadOf(std::string_view /*provider*/,
                            std::string_view /*model*/) const {
    return {};
  }

  // Says that these targets share the calls of a rule, so that those which do
  // worse than the others are told; asked once, when the rules are made.
  // Returns what each is known as, in their order, for as long as there are
  // calls; nothing if targets are not compared.
  virtual std::vector<GroupMember*> CompareTargets(
      absl::Span<const RouteTarget> /*targets*/) const {
    return {};
  }

  // Changes `load` by what came of comparing the target with the others.
  virtual void AddStanding(const GroupMember& /*member*/,
                           TargetLoad* /*load*/) const {}

  // Returns what a typical call costs there, in nano-US-dollars, if it is
  // known. Asked once, when the rules are made.
  virtual std::optional<int64_t> PriceOf(std::string_view /*provider*/,
                                         std::string_view /*model*/) const {
    return std::nullopt;
  }
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_TARGET_HEALTH_H_
