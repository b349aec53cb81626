// Scenario is a world that a seed stands for: a configuration, what becomes of
// each provider while time passes, and who calls when. It is data: the same
// seed gives the same, in any process.
//
//   const Scenario scenario = MakeScenario(17);
//   Simulation(scenario).Run();  // simulation.h
//
// There are a few kinds. In a mixed one anything may happen to anybody; the
// others are made so that more can be said of how they must end. How kinds are
// drawn is scenario.cc, and what a scenario is as a configuration file,
// scenario_yaml.cc; what targets have of their own is own_settings.h, and what
// an operator does meanwhile operator_deed.h; what of it is about money is
// scenario_money.h.
//
// Thread contract: plain data and functions.

#ifndef TESTS_SIMULATION_SCENARIO_H_
#define TESTS_SIMULATION_SCENARIO_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/scenario_money.h"

namespace gateway {

// What a provider does with a request.
enum class Conduct {
  kWell,
  kRefusesConnections,   // Fails at once, before the request was sent.
  kFails,                // 500, 502 or 503.
  kOverloaded,           // 529.
  kSilent,               // Says nothing until its own timeout has passed.
  kLimits,               // 429, with a Retry-After or without.
  kRefusesCredential,    // 401.
  kHasNoMoney,           // 402.
  kBreaksBeforeContent,  // A stream begins and says nothing.
  kBreaksAfterContent,   // A stream breaks off after its first content.
  kHadHungUp,            // Its connection was stale.
  kTooLong,              // The prompt does not fit its model.
  kRefusesContent,
  kTalksNonsense,
};

std::string_view ConductName(Conduct conduct);

// From a moment on.
struct Phase {
  absl::Duration from;  // Since the begin, here and below.
  Conduct conduct = Conduct::kWell;
  int percent = 100;       // Of the requests; the others go well.
  absl::Duration latency;  // Until its answer begins, twice that at most.
  absl::Duration retry_after = -absl::InfiniteDuration();  // Negative: none.
  int credential = -1;  // Only what is asked with this one; -1: all.
  // What heads of answers say: nothing is left of a limit, and there is more
  // after this time. Negative: they do not.
  absl::Duration limit_resets_in = -absl::InfiniteDuration();
};

// When a target's breaker opens, and for how long.
struct BreakerSettings {
  bool enforced = true;
  int consecutive_failures = 5;
  int failure_percent = 50;
  int minimum_calls = 20;
  absl::Duration window = absl::Seconds(30);
  absl::Duration open_duration = absl::Seconds(30);
  int half_open_probes = 1;
};

// What a model has of its own, in place of its provider's.
struct ModelSettings {
  std::optional<BreakerSettings> breaker;
  std::optional<int> attempts_limit;
  int concurrent_attempts_limit = 0;  // Beside the provider's; 0 for no limit.
  std::optional<absl::Duration> first_content;
  // How long its answer may take to begin, if it comes whole or as a stream;
  // zero for no limit of its own.
  absl::Duration first_byte;
  absl::Duration stream_first_byte;
};

// What a provider has of its own.
struct ProviderSettings {
  // In place of the scenario's.
  std::optional<BreakerSettings> breaker;
  // At each of its targets, in place of the scenario's.
  std::optional<int> attempts_limit;
  // That may be under way with it at once; 0 for no limit.
  int concurrent_attempts_limit = 0;
  // How long a stream may take to its first content; infinite for no limit.
  absl::Duration first_content = absl::InfiniteDuration();
  // How often it is asked whether it is there, and how long that may take;
  // infinite if it is not asked.
  absl::Duration probe_interval = absl::InfiniteDuration();
  absl::Duration probe_timeout;
  std::map<std::string, ModelSettings, std::less<>> models = {};

  bool is_probed() const { return probe_interval != absl::InfiniteDuration(); }
};

struct ProviderScript {
  std::string name;
  int credentials = 0;        // None is needed.
  std::vector<Phase> phases;  // In order; the first from 0 on.
  ProviderSettings settings = {};
};

struct ScenarioTarget {
  std::string provider;
  std::string model;
  int weight = 1;
  int priority = 0;
};

// What one model's name leads to.
struct ScenarioRoute {
  std::string model;
  std::string balancing;
  std::vector<ScenarioTarget> targets;
  std::vector<ScenarioTarget> fallbacks;
};

// What a model that is chosen by what a call needs is said to be able to do, as
// bits: 1 for the first name of CapabilityWords, 2 for the second, and so on.
using ScenarioCapabilities = unsigned;
inline constexpr ScenarioCapabilities kReasoning = 1;

struct ScenarioPolicy {
  std::string id;
  ScenarioTarget target;
  ScenarioCapabilities capabilities = 0;
  int cost_tier = 1;  // The cheapest; 4 is the dearest.
  int price = 0;      // In the same unit for all.
  int context_window = 0;
};

struct ScenarioNode {
  std::string name;
  ScenarioCapabilities required = 0;
  int cost_tier_max = 4;
  int context_window_min = 0;
  bool needs_reasoning = false;
};

enum class ScenarioStrategy {
  kCostOptimized,
  kPerformanceOptimized,
  kBalanced,
  kCapabilityStrict,
  kAdminPreferred,
};

// What a call says that it needs.
struct ScenarioNeed {
  size_t node = 0;
  ScenarioCapabilities capabilities = 0;  // Beside those of the node.
  ScenarioStrategy strategy = ScenarioStrategy::kBalanced;
};

// Whom the rules are for, in hundredths of a percent of all users.
struct ScenarioRollout {
  static constexpr int kAll = 10'000;

  struct Change {
    absl::Duration at;
    int share = kAll;  // 0: it is switched off.
  };

  int share = kAll;
  // Where the calls of the others go; they are refused if there is none.
  std::optional<ScenarioTarget> baseline;
  std::vector<Change> changes;  // By the operator, in the order of their times.
};

// How much may be asked for.
struct ScenarioLimit {
  bool counts_calls = false;  // That are under way; otherwise those that begin.
  int limit = 1;
  absl::Duration window = absl::Seconds(1);
  int burst = 1;
  // Whom it tells apart.
  bool per_user = false;
  bool per_session = false;
  bool per_provider = false;
  bool observes = false;
};

// What an operator says by AdminService while calls run.
struct OperatorDeed {
  enum class Kind {
    kDisable,
    kEnable,
    kForceOpen,
    kForceMetricsOnly,
    kForceNothing,  // As it is configured.
    kReset,
    kGive,  // A model to a node.
  };

  absl::Duration at;
  Kind kind = Kind::kDisable;
  // Whom it is about. Without a model, all of the provider.
  std::string provider;
  std::string model;
  // Of kGive: the numbers of the node and of the policy, which is taken back
  // if there is none, and for how long it is given.
  size_t node = 0;
  std::optional<size_t> policy;
  absl::Duration ttl = absl::InfiniteDuration();
};

struct ScenarioCall {
  absl::Duration at;
  size_t route = 0;
  bool stream = false;
  int session = 0;                                         // 0 for none.
  int user = 0;                                            // 0 for none.
  std::optional<ScenarioNeed> need;  // If a model is to be chosen.
  absl::Duration timeout = absl::InfiniteDuration();       // The caller's.
  absl::Duration leaves_after = absl::InfiniteDuration();  // Hangs up then.
  absl::Duration reads_for = absl::ZeroDuration();  // Each piece of a stream.
  int prompt_bytes = 0;  // Beside those that each has.
  int work_order = 0;    // Of the session; 0 for none.
  std::optional<int> output_tokens_limit = {};
};

struct Scenario {
  enum class Kind {
    kMixed,
    kDeadProvider,  // The first of each route's targets is dead throughout.
    kAllWell,
    kHealed,     // What was wrong is over by `healed_at`.
    kComesBack,  // One is ejected at the begin, and comes back slowly.
    kStraggler,  // One fails more often than the others, or takes longer.
    kLimited,    // More calls come than limits let in, and all else is well.
    kMoney,      // With a ledger, budgets and prices.
  };

  uint64_t seed = 0;
  Kind kind = Kind::kMixed;
  std::vector<ProviderScript> providers;
  std::vector<ScenarioRoute> routes;
  std::vector<ScenarioCall> calls;  // In the order in which they come.
  absl::Duration healed_at = absl::InfiniteDuration();

  // Settings of `resilience`.
  int attempts_limit = 3;
  absl::Duration backoff_base = absl::Milliseconds(250);
  absl::Duration backoff_limit = absl::Seconds(8);
  absl::Duration call_timeout = absl::Minutes(15);
  BreakerSettings breaker;
  int budget_percent = 20;
  int budget_minimum = 3;
  // Targets that do worse than the others of their route are ejected.
  bool ejects = false;
  int ejection_failures = 5;
  absl::Duration base_ejection = absl::Seconds(30);
  absl::Duration ejection_limit = absl::Seconds(60);
  absl::Duration ejection_interval = absl::Seconds(2);
  int ejected_percent_limit = 50;
  // How far below the mean share of successes, in thousandths of the standard
  // deviation; how far above the median latency, in percent of it. 0: never.
  int success_deviation_thousandths = 1900;
  int latency_percent = 300;
  absl::Duration slow_start = absl::Seconds(3);
  // After which time a second target is asked; never if infinite.
  absl::Duration hedge_delay = absl::InfiniteDuration();
  absl::Duration default_cooling = absl::Seconds(5);
  absl::Duration cooling_limit = absl::Minutes(5);
  // What models are chosen from, by calls that say what they need.
  std::vector<ScenarioPolicy> policies;
  std::vector<ScenarioNode> nodes;
  ScenarioRollout rollout;
  std::vector<OperatorDeed> deeds;  // In the order of their times.
  std::vector<ScenarioLimit> limits;
  std::optional<ScenarioMoney> money;

  // REQUIRES: there is such a provider.
  const ProviderSettings& SettingsOf(std::string_view provider) const;
  const ModelSettings& OwnOf(std::string_view provider,
                             std::string_view model) const;
  // What holds for a target.
  const BreakerSettings& BreakerOf(std::string_view provider,
                                   std::string_view model) const;
  int AttemptsLimitOf(std::string_view provider, std::string_view model) const;
  absl::Duration FirstContentOf(std::string_view provider,
                                std::string_view model) const;
  absl::Duration FirstByteOf(std::string_view provider, std::string_view model,
                             bool streams) const;

  // The same as a configuration file.
  std::string Yaml() const;
  // The variables that it names.
  std::map<std::string, std::string> Environment() const;
};

// What a call asks.
std::string PromptOf(const ScenarioCall& call);

// The name of a provider's credential, by its number.
std::string CredentialName(int number);

Scenario MakeScenario(uint64_t seed);

std::string_view KindName(Scenario::Kind kind);

// Of each bit, from the first on.
std::vector<std::string_view> CapabilityWords(ScenarioCapabilities set);
std::string_view StrategyWord(ScenarioStrategy strategy);

}  // namespace gateway

#endif  // TESTS_SIMULATION_SCENARIO_H_
