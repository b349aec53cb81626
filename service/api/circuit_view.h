// What an operator is shown of targets: what has been learned of each, and what
// operators have made of it.
//
//   const CircuitView view(*runtime);
//   view.Fill(target, response.add_circuits());
//
// Thread contract: one thread. Borrows the runtime snapshot; shows one moment.

#ifndef SERVICE_API_CIRCUIT_VIEW_H_
#define SERVICE_API_CIRCUIT_VIEW_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/target_board.h"

namespace gateway {

class CircuitView {
 public:
  explicit CircuitView(const RuntimeSnapshot& runtime);

  // Those of providers that are configured, sorted by provider and model; of
  // `provider` alone, unless it is empty.
  std::vector<const TargetState*> Targets(std::string_view provider) const;

  // Fills in `out`, which is empty.
  void Fill(const TargetState& target, llmgateway::v1::Circuit* out) const;
  // The same of a target that nobody has asked or spoken of.
  void FillUnknown(std::string_view provider, std::string_view model,
                   llmgateway::v1::Circuit* out) const;

 private:
  // A provider, and a model or nothing for any.
  using Name = std::pair<std::string, std::string>;

  void FillBreaker(const CircuitBreaker& breaker,
                   llmgateway::v1::Circuit* out) const;

  const RuntimeSnapshot& runtime_;
  const absl::Duration steady_now_;
  const absl::Time wall_now_;
  // How long each that is ejected stays so, in the group where that is longest.
  std::map<Name, absl::Duration> ejected_;
};

}  // namespace gateway

#endif  // SERVICE_API_CIRCUIT_VIEW_H_
