#include "service/pipeline/budget_metrics.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "service/budgets/budget_rules.h"
#include "service/budgets/budget_table.h"
#include "service/money/money.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kBudgetModeNames[] = {"budget", "mode"};
constexpr std::string_view kBudgetNames[] = {"budget"};

constexpr MetricDefinition kSpendingRefusals = {
    .name = "llmgw_budget_refusals_total",
    .help =
        "Calls that did not fit into a budget, by whether they were refused "
        "for it.",
    .kind = MetricKind::kCounter,
    .label_names = kBudgetModeNames};
constexpr MetricDefinition kBudgetScopes = {
    .name = "llmgw_budget_scopes",
    .help = "Scopes of a budget of which something is known.",
    .kind = MetricKind::kGauge,
    .label_names = kBudgetNames};
constexpr MetricDefinition kBudgetFilled = {
    .name = "llmgw_budget_filled_ratio",
    .help =
        "How much of its limit the fullest scope of a budget has spent and "
        "reserved, by what happens where it is exceeded.",
    .kind = MetricKind::kGauge,
    .label_names = kBudgetModeNames};
constexpr MetricDefinition kBudgetSpentUsd = {
    .name = "llmgw_budget_spent_usd",
    .help = "What all scopes of a budget have spent in their windows.",
    .kind = MetricKind::kGauge,
    .label_names = kBudgetNames};
constexpr MetricDefinition kBudgetSpentTokens = {
    .name = "llmgw_budget_spent_tokens",
    .help =
        "The tokens that all scopes of a budget have spent in their windows.",
    .kind = MetricKind::kGauge,
    .label_names = kBudgetNames};
constexpr MetricDefinition kBudgetReserved = {
    .name = "llmgw_budget_reserved_tokens",
    .help = "The tokens that calls under way have reserved of a budget.",
    .kind = MetricKind::kGauge,
    .label_names = kBudgetNames};
constexpr MetricDefinition kBudgetOverflows = {
    .name = "llmgw_budget_scope_overflows_total",
    .help =
        "How often a scope of a budget had to share a place, since there were "
        "as many as are known at once.",
    .kind = MetricKind::kCounter};

constexpr MetricDefinition kBudgetsAway = {
    .name = "llmgw_budget_sharing_away",
    .help =
        "1 while budgets that replicas share are counted by this one's share, "
        "since Redis does not answer.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kBudgetsAge = {
    .name = "llmgw_budget_sharing_age_seconds",
    .help = "How long ago Redis has answered last about budgets.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kBudgetExchanges = {
    .name = "llmgw_budget_sharing_exchanges_total",
    .help = "Exchanges about budgets that Redis has answered.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kBudgetExchangeFailures = {
    .name = "llmgw_budget_sharing_failures_total",
    .help = "Exchanges about budgets that Redis has not answered.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kBudgetWaits = {
    .name = "llmgw_budget_sharing_waits_total",
    .help = "Calls that waited until other replicas had been told.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kBudgetReplicas = {
    .name = "llmgw_budget_sharing_replicas",
    .help =
        "Replicas that have told something of budgets lately, with this one.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kBudgetUnplaced = {
    .name = "llmgw_budget_sharing_unplaced_total",
    .help =
        "How often a scope of which another replica has told had no place "
        "here.",
    .kind = MetricKind::kCounter};

// What is known of one budget's scopes.
struct BudgetTotals {
  int64_t scopes = 0;
  BudgetAmounts spent;
  BudgetAmounts reserved;
  double filled = 0;
};

void AddStanding(const BudgetRule& rule, const BudgetStanding& standing,
                 BudgetTotals* totals) {
  ++totals->scopes;
  const BudgetAmounts& spent = standing.account.spend.sum();
  totals->spent += spent;
  totals->reserved += standing.reserved;
  totals->filled = std::max(totals->filled, FilledRatio(rule, standing));
}

double CountOf(const std::atomic<int64_t>& number) {
  return static_cast<double>(number.load(std::memory_order_relaxed));
}

void TellTotals(const BudgetRule& rule, const BudgetTotals& totals,
                MetricRegistry::Values& values) {
  const std::string& name = rule.name();
  values.Add(kSpendingRefusals, {name, "enforce"},
             CountOf(rule.counts().refused));
  values.Add(kSpendingRefusals, {name, "warn"}, CountOf(rule.counts().warned));
  values.Add(kBudgetScopes, {name}, static_cast<double>(totals.scopes));
  values.Add(kBudgetFilled, {name, BudgetModeName(rule.mode())}, totals.filled);
  values.Add(kBudgetSpentUsd, {name},
             static_cast<double>(totals.spent.cost_usd_nanos) /
                 static_cast<double>(Money::kNanosPerDollar));
  values.Add(kBudgetSpentTokens, {name},
             static_cast<double>(totals.spent.total_tokens()));
  values.Add(kBudgetReserved, {name},
             static_cast<double>(totals.reserved.total_tokens()));
}

}  // namespace

void AddBudgetMetrics(const CurrentRuntime& current, MetricRegistry& registry) {
  registry.AddCollector([&current](MetricRegistry::Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    if (runtime->budgets() == nullptr) return;
    BudgetTable& table = runtime->budget_table();
    absl::flat_hash_map<std::string, BudgetTotals> totals;
    table.ForEach(absl::ToUnixSeconds(runtime->clock().WallTime()),
                  [&](const BudgetStanding& standing) {
                    const BudgetRule* const rule =
                        runtime->budgets()->Find(standing.scope.budget);
                    if (rule == nullptr || !rule->IsOf(standing.scope)) return;
                    AddStanding(*rule, standing, &totals[rule->name()]);
                  });
    for (const auto& rule : runtime->budgets()->rules()) {
      TellTotals(*rule, totals[rule->name()], values);
    }
    values.Add(kBudgetOverflows, {}, static_cast<double>(table.overflows()));
  });
}

void AddBudgetSharingMetrics(const BudgetTable& table,
                             const BudgetSharer& sharer,
                             MetricRegistry& registry) {
  registry.AddCollector([&table, &sharer](MetricRegistry::Values& values) {
    if (!table.is_shared()) return;
    const BudgetSharer::Figures figures = sharer.figures();
    const auto add = [&](const MetricDefinition& metric, int64_t number) {
      values.Add(metric, {}, static_cast<double>(number));
    };
    add(kBudgetsAway, figures.away ? 1 : 0);
    values.Add(kBudgetsAge, {}, absl::ToDoubleSeconds(figures.age));
    add(kBudgetExchanges, figures.exchanges);
    add(kBudgetExchangeFailures, figures.failures);
    add(kBudgetWaits, figures.waits);
    add(kBudgetReplicas, figures.replicas);
    add(kBudgetUnplaced, figures.unplaced);
  });
}

}  // namespace gateway
