// TargetBoard holds what all loops know together of each target, a model of a
// provider: whether calls may go there, its circuit breaker, how long its
// answers take to begin, and how many attempts are under way there.
//
//   TargetBoard board(options);
//   TargetState& target = board.Find("openai", "gpt-5-mini");
//   if (target.availability.disabled()) return ModelDisabled();
//   auto permit = target.breaker.TryAcquire(loop.Now());
//   TargetUse use(target);
//   ...
//   use.RecordOutcome(loop.Now(), outcome, abandoned, time_to_first_token);
//
// A target is known from the first time that it is looked for until a Sweep
// forgets its provider. Callers may name any model, so there is a limit: each
// provider has an equal share of kTargetsMax, and what comes after so many
// shares one state for each provider. A target that is configured, or that an
// operator has something to say of, always has a state of its own.
//
// Thread-safe. To find a target that is known takes no lock and allocates
// nothing. What was found stays where it is until it is forgotten, and then as
// long as what Sweep returned.

#ifndef SERVICE_RESILIENCE_TARGET_BOARD_H_
#define SERVICE_RESILIENCE_TARGET_BOARD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/latency_window.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/provider_probes.h"
#include "service/resilience/target_availability.h"

namespace gateway {

// How the breakers of targets are set.
struct BreakerOptions {
  // Of a provider, or of its models where these have settings of their own.
  struct OfProvider {
    CircuitBreaker::Options common;
    std::map<std::string, CircuitBreaker::Options, std::less<>> of_model = {};
  };

  const CircuitBreaker::Options& Of(std::string_view provider,
                                    std::string_view model) const {
    const auto special = of_provider.find(provider);
    if (special == of_provider.end()) return common;
    const auto& models = special->second.of_model;
    const auto of_model = models.find(model);
    return of_model == models.end() ? special->second.common : of_model->second;
  }

  CircuitBreaker::Options common;
  // Of those that have settings of their own, or for models of theirs.
  std::map<std::string, OfProvider, std::less<>> of_provider = {};
};

// The models that a configuration names, by their provider, which calls them
// so. Each of its providers is there, if with no model.
using ConfiguredModels =
    std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

// What holds for all targets of a board.
struct TargetRules {
  // So many failures in a row disable a target; 0 for never.
  std::atomic<int> failures_limit = 0;
  // How often that has happened.
  std::atomic<int64_t> disabled_by_failures = 0;
  // Called when failures have disabled a target, or another configuration has
  // enabled such; may be empty. Set before there are calls.
  std::function<void()> on_disabled;
};

// Stays where it is as long as its board has it, and then as Sweep says.
struct TargetState {
  TargetState(std::string_view provider, std::string_view model,
              const CircuitBreaker::Options& options,
              const ProviderProbes& probes, TargetRules& rules)
      : provider(provider),
        model(model),
        probes(probes),
        breaker(options),
        latency({}),
        rules_(rules) {}
  ~TargetState() { delete whole_latency_.load(std::memory_order_relaxed); }

  // How long whole answers took; kept from the first that is recorded on.
  void RecordWhole(absl::Duration now, absl::Duration took);
  std::optional<absl::Duration> WholePercentile(absl::Duration now) const {
    const LatencyWindow* const known =
        whole_latency_.load(std::memory_order_acquire);
    if (known == nullptr) return std::nullopt;
    return known->Percentile(now);
  }

  // An attempt went well, or failed by the target's own fault. After too many
  // failures in a row the target is disabled, and the log told.
  void RecordSuccess();
  void RecordFailure();

  const std::string provider;
  const std::string model;  // Empty: all that have no state of their own.
  const ProviderProbes& probes;  // Of the provider.
  TargetAvailability availability;
  CircuitBreaker breaker;
  LatencyWindow latency;
  std::atomic<uint32_t> in_flight = 0;
  // It has answered, or failed by its own fault: a name that a caller has made
  // up never does.
  std::atomic<bool> proven = false;

 private:
  TargetRules& rules_;
  // Null before the first.
  std::atomic<LatencyWindow*> whole_latency_ = nullptr;
};

// Counts an attempt as under way at its target while it lives, and tells all
// that watch the target what came of it.
class [[nodiscard]] TargetUse {
 public:
  TargetUse() = default;
  // `member` is the target as one of its rule's; null if they are not compared.
  explicit TargetUse(TargetState& target, GroupMember* member = nullptr)
      : target_(&target), member_(member) {
    target.in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  TargetUse(TargetUse&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)),
        member_(other.member_) {}
  TargetUse& operator=(TargetUse&& other) noexcept {
    std::swap(target_, other.target_);
    std::swap(member_, other.member_);
    return *this;
  }
  // Keeps how long a stream took to begin there. Steady times.
  void RecordLatency(absl::Duration now, absl::Duration latency) {
    if (target_ != nullptr) target_->latency.Record(now, latency);
  }
  // Returns how long a stream there lately took to begin, but for one of
  // twenty; nothing while few have begun.
  std::optional<absl::Duration> UsualLatency(absl::Duration now) const {
    if (target_ == nullptr) return std::nullopt;
    return target_->latency.Percentile(now);
  }
  // Keeps how the attempt ended; `abandoned` is as for ClassifyFailure,
  // `latency` the time to the first token where that is known.
  void RecordOutcome(absl::Duration now, const absl::Status& outcome,
                     bool abandoned, std::optional<absl::Duration> latency);
  // Keeps how long a whole answer took.
  void RecordWhole(absl::Duration now, absl::Duration took) {
    if (target_ != nullptr) target_->RecordWhole(now, took);
  }

  ~TargetUse() {
    if (target_ == nullptr) return;
    target_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  TargetState* target_ = nullptr;
  GroupMember* member_ = nullptr;
};

class TargetBoard {
 public:
  // Of those that are not configured, over all configured providers.
  static constexpr size_t kTargetsMax = 4096;
  // So many more that operators name.
  static constexpr size_t kOwnMax = 1024;

  explicit TargetBoard(BreakerOptions options);
  TargetBoard(const TargetBoard&) = delete;
  TargetBoard& operator=(const TargetBoard&) = delete;

  // The model is the provider's own name of it.
  TargetState& Find(std::string_view provider, std::string_view model)
      LOCKS_EXCLUDED(mu_);

  // The same for an operator, who means this target alone: it has a state of
  // its own whatever the limit. Null if even operators have named too many.
  TargetState* FindOwn(std::string_view provider, std::string_view model)
      LOCKS_EXCLUDED(mu_);

  // Null if nobody has looked for it, or it shares the state of others.
  TargetState* FindKnown(std::string_view provider,
                         std::string_view model) const {
    size_t free_slot;
    return FindKnown(provider, model, &free_slot);
  }

  // What is known of a provider's probes, for all its targets. Stays as a
  // target's state does.
  ProviderProbes& ProbesOf(std::string_view provider) LOCKS_EXCLUDED(mu_);

  // Forgets what has been learned of the providers for which `keeps` says no,
  // but for what operators have said of their targets: these begin anew.
  // Returns what was forgotten: whoever may have found it before is done with
  // it before the result is destroyed. Null if nothing was.
  [[nodiscard]] std::shared_ptr<const void> Sweep(
      absl::FunctionRef<bool(std::string_view provider)> keeps,
      absl::Duration now) LOCKS_EXCLUDED(mu_);

  // Another configuration's settings, for all targets, there and to come.
  void SetOptions(BreakerOptions options, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  // What the configuration in use names from now on; not null. What another
  // has named counts as what callers name.
  void SetConfigured(std::shared_ptr<const ConfiguredModels> configured)
      LOCKS_EXCLUDED(mu_);

  // How the breaker of a target is set.
  CircuitBreaker::Options OptionsOf(std::string_view provider,
                                    std::string_view model) const
      LOCKS_EXCLUDED(mu_);

  // So many failures in a row disable a target from now on; 0 for never. Those
  // that failures have disabled are enabled: it is another configuration.
  void SetFailuresLimit(int limit) LOCKS_EXCLUDED(mu_);

  // Calls `on_disabled` from now on, on any thread, when failures have disabled
  // a target or SetFailuresLimit has enabled such; it must not block. REQUIRES:
  // there are no calls yet.
  void TellOfDisabled(std::function<void()> on_disabled) {
    rules_.on_disabled = std::move(on_disabled);
  }

  const TargetRules& rules() const { return rules_; }

  // All that are known, in the order in which they were first looked for.
  std::vector<TargetState*> All() const LOCKS_EXCLUDED(mu_);

 private:
  // By hash, with the next free place for those that meet. Written under the
  // lock, and each place once. At least half are free, so that a search ends
  // soon.
  struct Table {
    // REQUIRES: a power of two.
    explicit Table(size_t size)
        : mask(size - 1), slots(new std::atomic<TargetState*>[size]()) {}

    const size_t mask;
    const std::unique_ptr<std::atomic<TargetState*>[]> slots;
  };
  struct Forgotten;

  static TargetState* FindIn(const Table& table, std::string_view provider,
                             std::string_view model, size_t* free_slot);
  TargetState* FindKnown(std::string_view provider, std::string_view model,
                         size_t* free_slot) const {
    return FindIn(*table_.load(std::memory_order_acquire), provider, model,
                  free_slot);
  }
  // A new state of the target with what operators have said of the old one;
  // null if they have said nothing.
  std::unique_ptr<TargetState> Renewed(const TargetState& target,
                                       absl::Duration now)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  TargetState* Add(std::string_view provider, std::string_view model,
                   bool has_own) LOCKS_EXCLUDED(mu_);
  bool IsConfigured(std::string_view provider, std::string_view model) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether one more target may have a state of its own.
  bool HasRoom(std::string_view provider, std::string_view model,
               bool has_own) const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Count(const TargetState& target) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Counts all anew.
  void Recount() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has all targets found in a table that is made for so many.
  void RenewTable() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ProviderProbes& ProbesUnderLock(std::string_view provider)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  TargetRules rules_;

  mutable Mutex mu_;
  BreakerOptions options_ GUARDED_BY(mu_);
  std::map<std::string, std::unique_ptr<ProviderProbes>, std::less<>> probes_
      GUARDED_BY(mu_);
  std::vector<std::unique_ptr<TargetState>> targets_ GUARDED_BY(mu_);
  std::shared_ptr<const ConfiguredModels> configured_ GUARDED_BY(mu_);
  // How many of them are not configured; the shared ones are among these, but
  // not among those of a provider.
  size_t others_ GUARDED_BY(mu_) = 0;
  std::map<std::string, size_t, std::less<>> others_of_ GUARDED_BY(mu_);
  // Those before the last one have become too small, and may be searched yet.
  std::vector<std::unique_ptr<Table>> tables_ GUARDED_BY(mu_);
  // The last one, for those without the lock.
  std::atomic<const Table*> table_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_TARGET_BOARD_H_
