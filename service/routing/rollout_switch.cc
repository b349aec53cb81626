#include "service/routing/rollout_switch.h"

#include "absl/strings/str_cat.h"

namespace gateway {

using ::llmgateway::config::v1::RolloutConfig;

// A snapshot that a test has made may lack the defaults.
RolloutSwitch::RolloutSwitch(const RolloutConfig& config)
    : enabled_(!config.has_enabled() || config.enabled()),
      percentage_(config.has_percentage() ? config.percentage() : 100),
      configured_(absl::StrCat(enabled_ ? "on " : "off ", percentage_,
                               "% else ", config.baseline().provider(), "/",
                               config.baseline().model())) {
  MutexLock lock(mu_);
  Publish();
}

RolloutSwitch::State RolloutSwitch::state() const {
  MutexLock lock(mu_);
  return StateOf(said_);
}

RolloutSwitch::Said RolloutSwitch::said() const {
  MutexLock lock(mu_);
  return said_;
}

void RolloutSwitch::Said::Add(const Said& later) {
  if (later.enabled.has_value()) enabled = later.enabled;
  if (later.percentage.has_value()) percentage = later.percentage;
}

bool RolloutSwitch::CanBe(const Said& said) {
  return !said.percentage.has_value() ||
         Rollout::ShareOf(*said.percentage).has_value();
}

bool RolloutSwitch::Override(const Said& said) {
  if (!CanBe(said)) return false;
  MutexLock lock(mu_);
  said_.Add(said);
  Publish();
  return true;
}

void RolloutSwitch::Reset() {
  MutexLock lock(mu_);
  said_ = Said();
  Publish();
}

RolloutSwitch::State RolloutSwitch::Preview(const Said& said) const {
  Said all;
  if (said.any()) all = this->said();
  all.Add(said);
  return StateOf(all);
}

RolloutSwitch::State RolloutSwitch::StateOf(const Said& said) const {
  return {.enabled = said.enabled.value_or(enabled_),
          .percentage = said.percentage.value_or(percentage_),
          .overridden = said.any()};
}

void RolloutSwitch::Publish() {
  const State state = StateOf(said_);
  share_.store(state.enabled
                   ? Rollout::ShareOf(state.percentage).value_or(Rollout::kAll)
                   : 0,
               std::memory_order_relaxed);
}

}  // namespace gateway
