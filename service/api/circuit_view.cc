#include "service/api/circuit_view.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "proto/proto_time.h"
#include "service/resilience/outlier_groups.h"

namespace gateway {
namespace {

v1::Circuit::State ShownState(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kClosed:
      return v1::Circuit::STATE_CLOSED;
    case CircuitBreaker::State::kOpen:
      return v1::Circuit::STATE_OPEN;
    case CircuitBreaker::State::kHalfOpen:
      return v1::Circuit::STATE_HALF_OPEN;
    case CircuitBreaker::State::kForcedOpen:
      return v1::Circuit::STATE_FORCED_OPEN;
    case CircuitBreaker::State::kMetricsOnly:
      return v1::Circuit::STATE_METRICS_ONLY;
    case CircuitBreaker::State::kDisabled:
      break;
  }
  return v1::Circuit::STATE_OFF;
}

}  // namespace

CircuitView::CircuitView(const RuntimeSnapshot& runtime)
    : runtime_(runtime),
      steady_now_(runtime.clock().SteadyTime()),
      wall_now_(runtime.clock().WallTime()) {
  for (const OutlierGroups::Standing& standing :
       runtime.resilience().outliers.Read(steady_now_)) {
    if (standing.state.ejected_for == absl::ZeroDuration()) continue;
    absl::Duration& longest = ejected_[{standing.provider, standing.model}];
    longest = std::max(longest, standing.state.ejected_for);
  }
}

std::vector<const TargetState*> CircuitView::Targets(
    std::string_view provider) const {
  std::vector<const TargetState*> targets;
  for (const TargetState* target : runtime_.resilience().targets.All()) {
    if (!provider.empty() && target->provider != provider) continue;
    if (runtime_.providers().Find(target->provider) == nullptr) continue;
    targets.push_back(target);
  }
  std::sort(targets.begin(), targets.end(),
            [](const TargetState* a, const TargetState* b) {
              return std::tie(a->provider, a->model) <
                     std::tie(b->provider, b->model);
            });
  return targets;
}

void CircuitView::Fill(const TargetState& target, v1::Circuit* out) const {
  out->set_provider(target.provider);
  out->set_model(target.model);
  FillBreaker(target.breaker, out);
  out->set_attempts_in_flight(
      target.in_flight.load(std::memory_order_relaxed));
  const std::optional<absl::Duration> latency =
      target.latency.Average(steady_now_);
  if (latency.has_value()) SetProto(*latency, out->mutable_latency());
  absl::Duration ejected_for;
  for (const std::string& model : {target.model, std::string()}) {
    const auto found = ejected_.find({target.provider, model});
    if (found == ejected_.end()) continue;
    ejected_for = std::max(ejected_for, found->second);
  }
  if (ejected_for > absl::ZeroDuration()) {
    SetProto(wall_now_ + ejected_for, out->mutable_ejected_until());
  }
  if (!target.availability.disabled()) return;
  out->set_disabled(true);
  out->set_disabled_reason(target.availability.Read().why);
}

void CircuitView::FillUnknown(std::string_view provider, std::string_view model,
                              v1::Circuit* out) const {
  out->set_provider(std::string(provider));
  out->set_model(std::string(model));
  FillBreaker(
      CircuitBreaker(runtime_.resilience().targets.OptionsOf(provider, model)),
      out);
}

void CircuitView::FillBreaker(const CircuitBreaker& breaker,
                              v1::Circuit* out) const {
  const CircuitBreaker::Snapshot state = breaker.Read(steady_now_);
  out->set_state(ShownState(state.state));
  out->set_consecutive_failures(state.consecutive_failures);
  out->set_window_calls(state.window_calls);
  out->set_window_failures(state.window_failures);
  out->set_times_opened(state.opened);
  if (state.state == CircuitBreaker::State::kOpen &&
      state.retry_after.has_value()) {
    SetProto(wall_now_ + *state.retry_after, out->mutable_retry_time());
  }
}

}  // namespace gateway
