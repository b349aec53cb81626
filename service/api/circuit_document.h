// What is kept of targets, so that it survives a restart: which circuits
// operators have forced, and which models they, or failures, have disabled. A
// ListCircuitsResponse in JSON.
//
//   store.WriteSoon(kCircuitDocument,
//                   [runtime] { return WriteCircuits(*runtime); });
//   ...
//   RestoreCircuits(store, *runtime);  // At the start.
//   ...
//   status = SwitchModel(store, *runtime, target, {.enabled = false, .why =
//   w});
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_CIRCUIT_DOCUMENT_H_
#define SERVICE_API_CIRCUIT_DOCUMENT_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/target_board.h"
#include "service/state/state_store.h"

namespace gateway {

inline constexpr std::string_view kCircuitDocument = "circuits.json";

// What an operator says of a target, or of all of a provider.
struct CircuitChange {
  std::string provider;
  std::string model;  // Empty: every one of the provider's.
  // Makes what is kept of one such as it will be.
  std::function<void(llmgateway::v1::Circuit* kept)> say;
};

// Returns the document; of what `change`, if there is one, concerns, as it will
// be.
std::string WriteCircuits(const RuntimeSnapshot& runtime,
                          const CircuitChange* change = nullptr);

// Puts into force what the store has. Models that failures had disabled stay so
// unless `resilience.disable_model_after_failures` is off by now. One line of
// the log tells if the document cannot be read: then nothing is in force.
// Blocks on the file system.
void RestoreCircuits(StateStore& state, const RuntimeSnapshot& runtime);

// What an operator, or an alert, says of a model.
struct ModelSwitch {
  bool enabled = false;
  std::string why;  // In words, such as `by alice: too expensive`.
};

// Keeps that, and then puts it into force for the target, which is one of the
// runtime's. An error says why it could not be kept: then it is not in force.
// Blocks on the file system.
absl::Status SwitchModel(StateStore& state, const RuntimeSnapshot& runtime,
                         TargetState& target, const ModelSwitch& said);

}  // namespace gateway

#endif  // SERVICE_API_CIRCUIT_DOCUMENT_H_
