#include "service/api/operator_state.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/api/override_document.h"
#include "service/api/price_view.h"
#include "service/api/rollout_admin.h"
#include "service/money/operator_prices.h"
#include "service/money/price_list.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/target_availability.h"
#include "service/resilience/target_board.h"
#include "service/routing/rollout_switch.h"
#include "service/routing/selection/node_overrides.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using By = TargetAvailability::By;
using BreakerState = CircuitBreaker::State;

constexpr std::string_view kCircuitItem = "circuit/";
constexpr std::string_view kNodeItem = "node/";
constexpr std::string_view kPriceItem = "price/";
constexpr std::string_view kRolloutItem = "rollout/";

std::string RolloutName(const RolloutSwitch& rollout) {
  const Sha256Digest digest = Sha256(rollout.configured());
  return absl::StrCat(
      ToAbsl(kRolloutItem),
      absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(digest.data()), digest.size() / 2)));
}

// --- Circuits.

// Empty if no operator has said anything of it.
std::string CircuitItem(const TargetState& target, absl::Duration now) {
  v1::Circuit said;
  const CircuitBreaker::Snapshot breaker = target.breaker.Read(now);
  if (breaker.is_forced) {
    said.set_state(breaker.state == BreakerState::kForcedOpen
                       ? v1::Circuit::STATE_FORCED_OPEN
                       : v1::Circuit::STATE_METRICS_ONLY);
  }
  const TargetAvailability::Snapshot availability = target.availability.Read();
  if (availability.by == By::kOperator) {
    said.set_disabled(true);
    said.set_disabled_reason(availability.why);
  }
  std::string text;
  if (said.ByteSizeLong() == 0) return text;
  // Fails for no message without an Any.
  static_cast<void>(google::protobuf::util::MessageToJsonString(said, &text));
  return text;
}

absl::Status ApplyCircuit(const RuntimeSnapshot& runtime, std::string_view name,
                          const std::optional<std::string>& item) {
  v1::Circuit said;
  if (item.has_value() &&
      !google::protobuf::util::JsonStringToMessage(*item, &said).ok()) {
    return absl::InvalidArgumentError("is no circuit");
  }
  const size_t slash = name.find('/');
  TargetState* const target = runtime.resilience().targets.FindOwn(
      name.substr(0, slash), name.substr(slash + 1));
  if (target == nullptr) {
    return absl::ResourceExhaustedError("operators have named too many models");
  }
  const absl::Duration now = runtime.clock().SteadyTime();
  if (said.state() == v1::Circuit::STATE_FORCED_OPEN) {
    target->breaker.Force(BreakerState::kForcedOpen, now);
  } else if (said.state() == v1::Circuit::STATE_METRICS_ONLY) {
    target->breaker.Force(BreakerState::kMetricsOnly, now);
  } else if (target->breaker.Read(now).is_forced) {
    target->breaker.Force(BreakerState::kClosed, now);
  }
  if (said.disabled()) {
    target->availability.Disable(By::kOperator, said.disabled_reason());
  } else if (target->availability.Read().by == By::kOperator) {
    target->availability.Enable();
  }
  return absl::OkStatus();
}

// --- Overrides of nodes.

absl::Status ApplyNode(const RuntimeSnapshot& runtime, std::string_view name,
                       const std::optional<std::string>& item) {
  // Without a model it takes back what there is.
  NodeOverride next = {.node = std::string(name),
                       .set_time = runtime.clock().WallTime()};
  if (item.has_value()) {
    GATEWAY_ASSIGN_OR_RETURN(std::vector<NodeOverride> read,
                             ReadOverrides(*item));
    if (read.size() != 1 || read[0].node != name) {
      return absl::InvalidArgumentError("is no override of the node");
    }
    next = std::move(read[0]);
  }
  return runtime.selection().overrides.Set(runtime.router().selector().table(),
                                           next);
}

// --- Prices.

absl::Status ApplyPrice(OperatorPrices& prices, std::string_view name,
                        const std::optional<std::string>& item) {
  if (item.has_value()) {
    GATEWAY_ASSIGN_OR_RETURN(const PriceEntry entry, ReadPriceItem(*item));
    if (NameOfPrice(entry) != name) {
      return absl::InvalidArgumentError("is the price of something else");
    }
    return prices.Set(entry);
  }
  const std::shared_ptr<const PriceList> said = prices.Get();
  if (said == nullptr) return absl::OkStatus();
  for (const PriceEntry& entry : said->entries()) {
    if (NameOfPrice(entry) == name) return prices.Remove(entry);
  }
  return absl::OkStatus();
}

// --- The rollout.

absl::Status ApplyRollout(RolloutSwitch& rollout,
                          const std::optional<std::string>& item) {
  std::string configured;
  RolloutSwitch::Said said;
  if (item.has_value()) {
    GATEWAY_RETURN_IF_ERROR(ReadRollout(*item, &configured, &said));
  }
  const RolloutSwitch::Said before = rollout.said();
  // What is said adds to what was said; one that says less begins anew.
  if ((before.enabled.has_value() && !said.enabled.has_value()) ||
      (before.percentage.has_value() && !said.percentage.has_value())) {
    rollout.Reset();
  }
  if (said.any()) rollout.Override(said);
  return absl::OkStatus();
}

}  // namespace

OperatorState::Items OperatorState::Read() const {
  const std::shared_ptr<const RuntimeSnapshot> runtime = current_.Get();
  Items items;
  const absl::Duration now = runtime->clock().SteadyTime();
  for (const TargetState* target : runtime->resilience().targets.All()) {
    std::string item = CircuitItem(*target, now);
    if (item.empty()) continue;
    items[absl::StrCat(ToAbsl(kCircuitItem), target->provider, "/",
                       target->model)] = std::move(item);
  }
  const absl::Time wall = runtime->clock().WallTime();
  for (const NodeOverride& each : runtime->selection().overrides.Get()->all()) {
    if (each.expire_time <= wall) continue;
    items[absl::StrCat(ToAbsl(kNodeItem), each.node)] =
        WriteOverrides(OverrideSet({each}), wall);
  }
  if (const std::shared_ptr<const PriceList> prices =
          runtime->operator_prices().Get()) {
    for (const PriceEntry& entry : prices->entries()) {
      items[absl::StrCat(ToAbsl(kPriceItem), NameOfPrice(entry))] =
          WritePriceItem(entry);
    }
  }
  const RolloutSwitch& rollout = runtime->rollout();
  const RolloutSwitch::Said said = rollout.said();
  if (said.any()) {
    items[RolloutName(rollout)] = WriteRollout(rollout.configured(), said);
  }
  return items;
}

bool OperatorState::Concerns(std::string_view name) const {
  const std::shared_ptr<const RuntimeSnapshot> runtime = current_.Get();
  if (name.starts_with(kCircuitItem)) {
    name.remove_prefix(kCircuitItem.size());
    return runtime->providers().Find(name.substr(0, name.find('/'))) != nullptr;
  }
  return name.starts_with(kNodeItem) || name.starts_with(kPriceItem) ||
         name == RolloutName(runtime->rollout());
}

absl::Time OperatorState::EndOf(std::string_view name,
                                const std::string& item) const {
  if (!name.starts_with(kNodeItem)) return absl::InfiniteFuture();
  const absl::StatusOr<std::vector<NodeOverride>> read = ReadOverrides(item);
  if (!read.ok() || read->size() != 1) return absl::InfiniteFuture();
  return read->front().expire_time;
}

absl::Status OperatorState::Apply(
    std::string_view name, const std::optional<std::string>& item) const {
  const std::shared_ptr<const RuntimeSnapshot> runtime = current_.Get();
  if (name.starts_with(kCircuitItem)) {
    return ApplyCircuit(*runtime, name.substr(kCircuitItem.size()), item);
  }
  if (name.starts_with(kNodeItem)) {
    return ApplyNode(*runtime, name.substr(kNodeItem.size()), item);
  }
  if (name.starts_with(kPriceItem)) {
    return ApplyPrice(runtime->operator_prices(),
                      name.substr(kPriceItem.size()), item);
  }
  return ApplyRollout(runtime->rollout(), item);
}

}  // namespace gateway
