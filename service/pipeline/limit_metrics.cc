#include "service/pipeline/limit_metrics.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/limits/gcra.h"
#include "service/limits/key_limit_rules.h"
#include "service/limits/limit_rule.h"
#include "service/limits/sharing_state.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

using Values = MetricRegistry::Values;

constexpr std::string_view kModeNames[] = {"limit", "mode"};
constexpr std::string_view kLimitNames[] = {"limit"};

constexpr MetricDefinition kLimitRefusals = {
    .name = "llmgw_limit_refusals_total",
    .help =
        "Calls, and attempts at targets, that did not conform to a limit, "
        "by whether they were refused for it.",
    .kind = MetricKind::kCounter,
    .label_names = kModeNames};
constexpr MetricDefinition kSubjects = {
    .name = "llmgw_limit_subjects",
    .help = "Counters of a limit from which something is taken.",
    .kind = MetricKind::kGauge,
    .label_names = kLimitNames};
constexpr MetricDefinition kFilled = {
    .name = "llmgw_limit_filled_ratio",
    .help =
        "How much is taken of a limit's fullest counter: 1 is all, more a "
        "debt.",
    .kind = MetricKind::kGauge,
    .label_names = kLimitNames};
constexpr MetricDefinition kEvictions = {
    .name = "llmgw_limit_indebted_evictions_total",
    .help =
        "Counters of a limit that gave way to others before all that was "
        "taken had come back.",
    .kind = MetricKind::kCounter,
    .label_names = kLimitNames};

// How limits of one name stand.
struct Standing {
  int64_t refused = 0;
  int64_t observed = 0;
  int64_t subjects = 0;
  double filled = 0;
  int64_t evictions = 0;

  void Add(const LimitRule& rule, int64_t now) {
    LimitCounters& counters = rule.counters();
    refused += counters.refused.load(std::memory_order_relaxed);
    observed += counters.observed.load(std::memory_order_relaxed);
    if (rule.counts_calls()) {
      counters.calls->ForEach([&](const std::string&, int64_t calls) {
        AddCounter(static_cast<double>(calls) /
                   static_cast<double>(rule.limit()));
      });
      return;
    }
    evictions += counters.rates->indebted_evictions();
    counters.rates->ForEach(now, [&](const std::string&, int64_t tat) {
      AddCounter(static_cast<double>(Gcra::Ahead(tat, now)) /
                 static_cast<double>(rule.gcra().tolerance()));
    });
  }

  void AddCounter(double ratio) {
    ++subjects;
    filled = std::max(filled, ratio);
  }

  void Tell(std::string_view limit, Values& values) const {
    values.Add(kLimitRefusals, {limit, "enforce"},
               static_cast<double>(refused));
    values.Add(kLimitRefusals, {limit, "observe"},
               static_cast<double>(observed));
    values.Add(kSubjects, {limit}, static_cast<double>(subjects));
    values.Add(kFilled, {limit}, filled);
    values.Add(kEvictions, {limit}, static_cast<double>(evictions));
  }
};

constexpr MetricDefinition kAway = {
    .name = "llmgw_limit_sharing_away",
    .help =
        "1 while limits that replicas share are counted by this one's share, "
        "since Redis does not answer, and until it has for a second.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kShares = {
    .name = "llmgw_limit_share_decisions_total",
    .help =
        "How often a limit that replicas share was decided by this one's "
        "share.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kUnleased = {
    .name = "llmgw_limit_unleased_total",
    .help =
        "How often a limit that replicas share had more subjects than this "
        "process can know of at a time, so that one was decided by the share, "
        "or of calls at once by Redis alone.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAsked = {
    .name = "llmgw_limit_redis_requests_total",
    .help = "How often Redis was asked for limits, or told of them.",
    .kind = MetricKind::kCounter};

}  // namespace

void AddSharingMetrics(const SharingState& state, MetricRegistry& registry) {
  registry.AddCollector([&state](Values& values) {
    values.Add(kAway, {}, state.away() ? 1 : 0);
    values.Add(kShares, {}, static_cast<double>(state.shares()));
    values.Add(kUnleased, {}, static_cast<double>(state.unleased()));
    values.Add(kAsked, {}, static_cast<double>(state.asked()));
  });
}

void AddLimitMetrics(const CurrentRuntime& current, MetricRegistry& registry) {
  registry.AddCollector([&current](Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    const int64_t now = absl::ToInt64Nanoseconds(runtime->clock().SteadyTime());
    for (const auto& rule : runtime->limits().rules()) {
      Standing standing;
      standing.Add(*rule, now);
      standing.Tell(rule->name(), values);
    }
    Standing of_keys;
    const auto rules = runtime->key_limits().All();
    for (const LimitRule* const rule : rules) of_keys.Add(*rule, now);
    if (!rules.empty()) of_keys.Tell(KeyLimitRules::kName, values);
  });
}

}  // namespace gateway
