// RolloutSwitch says which share of the callers the rules are for now: what the
// configuration says (`routing.rollout`), or what an operator has said since.
//
//   RolloutSwitch rollout(config.routing().rollout());
//   rollout.Override({.percentage = 25});
//   if (!rollout.now().Includes(subject)) ...  // Goes to the baseline.
//
// What is said is in force for every call that is planned from then on; those
// that were planned before go on as they were.
//
// Thread-safe. To ask costs a load and, unless all or nobody is in, a hash.

#ifndef SERVICE_ROUTING_ROLLOUT_SWITCH_H_
#define SERVICE_ROUTING_ROLLOUT_SWITCH_H_

#include <atomic>
#include <optional>
#include <string>

#include "base/os/mutex.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/rollout.h"

namespace gateway {

class RolloutSwitch {
 public:
  // What an operator has said; what is not set is as configured.
  struct Said {
    std::optional<bool> enabled;
    std::optional<double> percentage;

    // Adds what is said after this.
    void Add(const Said& later);
    bool any() const { return enabled.has_value() || percentage.has_value(); }
  };
  struct State {
    bool enabled = true;
    double percentage = 100;
    bool overridden = false;
  };

  // REQUIRES: the configuration has its defaults and has passed validation.
  explicit RolloutSwitch(const llmgateway::config::v1::RolloutConfig& config);

  // Returns what the configuration says, as a text: while it is the same, what
  // an operator has said still counts.
  const std::string& configured() const { return configured_; }

  Rollout now() const {
    return Rollout(share_.load(std::memory_order_relaxed));
  }
  State state() const LOCKS_EXCLUDED(mu_);
  Said said() const LOCKS_EXCLUDED(mu_);

  // Whether all that is said can be (Rollout::ShareOf).
  static bool CanBe(const Said& said);
  // Adds to what was said before. Returns false, and changes nothing, if the
  // percentage is not one (Rollout::ShareOf).
  bool Override(const Said& said) LOCKS_EXCLUDED(mu_);
  // Takes back what was said.
  void Reset() LOCKS_EXCLUDED(mu_);

  // How it would be after Override(said), or after Reset() if nothing is said.
  // REQUIRES: CanBe(said).
  State Preview(const Said& said) const LOCKS_EXCLUDED(mu_);

 private:
  State StateOf(const Said& said) const;
  void Publish() EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const bool enabled_;
  const double percentage_;
  const std::string configured_;
  mutable Mutex mu_;
  Said said_ GUARDED_BY(mu_);
  std::atomic<int> share_ = Rollout::kAll;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROLLOUT_SWITCH_H_
