#include "service/api/circuit_document.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/util/json_util.h"
#include "service/resilience/target_board.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using By = TargetAvailability::By;

// Returns what is kept of a target, without its names; nothing of most.
v1::Circuit KeptOf(const TargetState& target, absl::Duration now) {
  v1::Circuit kept;
  const CircuitBreaker::Snapshot breaker = target.breaker.Read(now);
  if (breaker.is_forced) {
    kept.set_state(breaker.state == CircuitBreaker::State::kForcedOpen
                       ? v1::Circuit::STATE_FORCED_OPEN
                       : v1::Circuit::STATE_METRICS_ONLY);
  }
  const TargetAvailability::Snapshot said = target.availability.Read();
  if (said.by == By::kNobody) return kept;
  kept.set_disabled(true);
  kept.set_disabled_reason(said.why);
  // Which tells who has done it.
  if (said.by == By::kFailures) {
    kept.set_consecutive_failures(
        std::max(target.availability.failures_in_a_row(), 1));
  }
  return kept;
}

void Restore(const v1::Circuit& kept, bool failures_disable,
             TargetBoard& targets, absl::Duration now) {
  TargetState* const target = targets.FindOwn(kept.provider(), kept.model());
  if (target == nullptr) return;
  if (kept.state() == v1::Circuit::STATE_FORCED_OPEN) {
    target->breaker.Force(CircuitBreaker::State::kForcedOpen, now);
  } else if (kept.state() == v1::Circuit::STATE_METRICS_ONLY) {
    target->breaker.Force(CircuitBreaker::State::kMetricsOnly, now);
  }
  if (!kept.disabled()) return;
  const bool by_failures = kept.consecutive_failures() > 0;
  if (by_failures && !failures_disable) return;
  target->availability.Disable(by_failures ? By::kFailures : By::kOperator,
                               kept.disabled_reason());
}

}  // namespace

std::string WriteCircuits(const RuntimeSnapshot& runtime,
                          const CircuitChange* change) {
  const absl::Duration now = runtime.clock().SteadyTime();
  v1::ListCircuitsResponse kept;
  for (const TargetState* target : runtime.resilience().targets.All()) {
    v1::Circuit circuit = KeptOf(*target, now);
    if (change != nullptr && change->provider == target->provider &&
        (change->model.empty() || change->model == target->model)) {
      change->say(&circuit);
    }
    if (circuit.ByteSizeLong() == 0) continue;
    circuit.set_provider(target->provider);
    circuit.set_model(target->model);
    *kept.add_circuits() = std::move(circuit);
  }
  std::string json;
  // Fails for no message without an Any.
  static_cast<void>(google::protobuf::util::MessageToJsonString(kept, &json));
  return json;
}

void RestoreCircuits(StateStore& state, const RuntimeSnapshot& runtime) {
  v1::ListCircuitsResponse kept;
  state.Restore(
      kCircuitDocument,
      "No model is disabled and no circuit forced, since what operators have "
      "said cannot be read",
      [&kept](std::string_view text) {
        v1::ListCircuitsResponse read;
        if (!google::protobuf::util::JsonStringToMessage(std::string(text),
                                                         &read)
                 .ok()) {
          return absl::DataLossError("is not what was written");
        }
        kept = std::move(read);
        return absl::OkStatus();
      });
  const bool failures_disable =
      runtime.config().resilience().disable_model_after_failures() > 0;
  for (const v1::Circuit& circuit : kept.circuits()) {
    Restore(circuit, failures_disable, runtime.resilience().targets,
            runtime.clock().SteadyTime());
  }
}

absl::Status SwitchModel(StateStore& state, const RuntimeSnapshot& runtime,
                         TargetState& target, const ModelSwitch& said) {
  const CircuitChange change = {
      .provider = target.provider,
      .model = target.model,
      .say = [&said](v1::Circuit* kept) {
        kept->set_disabled(!said.enabled);
        kept->set_disabled_reason(said.enabled ? "" : said.why);
        kept->clear_consecutive_failures();
      }};
  const auto put_into_force = [&target, &said] {
    if (said.enabled) {
      target.availability.Enable();
    } else {
      target.availability.Disable(By::kOperator, said.why);
    }
  };
  return state.WriteThen(
      kCircuitDocument, [&] { return WriteCircuits(runtime, &change); },
      put_into_force);
}

}  // namespace gateway
