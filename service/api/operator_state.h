// OperatorState is what operators have said of this process beside its
// configuration, item by item: which circuits they have forced and which models
// disabled, the overrides of nodes, what models cost, and the rollout. An item
// is a text under a name, so that replicas tell each other
// (operator_state_share.h) without knowing what it is about.
//
//   circuit/PROVIDER/MODEL   a llmgateway.v1.Circuit
//   node/NAME                an override
//   price/KIND/TIME/MODEL    a llmgateway.v1.ModelPrice
//   rollout/HASH             what was said of the rollout that is configured so
//
// What failures have disabled is no item: each process learns that by itself.
//
// Thread-safe.

#ifndef SERVICE_API_OPERATOR_STATE_H_
#define SERVICE_API_OPERATOR_STATE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class OperatorState {
 public:
  // By name.
  using Items = std::map<std::string, std::string, std::less<>>;

  // Borrows `current`.
  explicit OperatorState(const CurrentRuntime& current) : current_(current) {}

  // All that is in force.
  Items Read() const;

  // Whether the configuration has what the item is about: one of a provider or
  // a rollout that is not configured here is for others.
  bool Concerns(std::string_view name) const;

  // When the item ends by itself, as an override may; in the infinite future if
  // never.
  absl::Time EndOf(std::string_view name, const std::string& item) const;

  // Puts the item into force, or out of it if there is none any more.
  // INVALID_ARGUMENT for what is none of this configuration. REQUIRES:
  // Concerns(name).
  absl::Status Apply(std::string_view name,
                     const std::optional<std::string>& item) const;

 private:
  const CurrentRuntime& current_;
};

}  // namespace gateway

#endif  // SERVICE_API_OPERATOR_STATE_H_
