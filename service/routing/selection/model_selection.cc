#include "service/routing/selection/model_selection.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/routing/selection/node_policy.h"

namespace gateway {
namespace {

constexpr std::pair<SelectionStrategy, std::string_view> kStrategyNames[] = {
    {SelectionStrategy::kCostOptimized, "cost_optimized"},
    {SelectionStrategy::kPerformanceOptimized, "performance_optimized"},
    {SelectionStrategy::kBalanced, "balanced"},
    {SelectionStrategy::kCapabilityStrict, "capability_strict"},
    {SelectionStrategy::kAdminPreferred, "admin_preferred"},
};

// A fault names what so many models lack; of the others it says how many.
constexpr size_t kExplainedModelsMax = 8;

// Where a model stands among those that qualify.
struct Ranked {
  bool comes_last = false;
  double score = 0;
  int64_t price = 0;  // Decides between equal scores; 0 where it must not.
  size_t place = 0;   // In the table.

  friend bool operator<(const Ranked& a, const Ranked& b) {
    if (a.comes_last != b.comes_last) return b.comes_last;
    return std::tie(b.score, a.price, a.place) <
           std::tie(a.score, b.price, b.place);
  }
};

using Ranking = absl::InlinedVector<Ranked, 16>;

size_t CountOfLast(const Ranking& ranking) {
  return static_cast<size_t>(
      std::count_if(ranking.begin(), ranking.end(),
                    [](const Ranked& ranked) { return ranked.comes_last; }));
}

// One selection, while it is made.
class SelectionRun {
 public:
  SelectionRun(const PolicyTable& table, const SelectionQuery& query,
               std::vector<SelectionCandidate>* candidates);

  std::optional<SelectionResult> Override();
  absl::StatusOr<SelectionResult> Select();

 private:
  bool is_strict() const {
    return query_.strategy == SelectionStrategy::kCapabilityStrict;
  }
  bool is_admins() const {
    return query_.strategy == SelectionStrategy::kAdminPreferred;
  }

  Wanted WantedByAll() const;
  // Puts every model that qualifies into `fresh_` or `failed_`.
  void Filter();
  Ranked RankOf(size_t place) const;
  bool HasFailed(const ModelPolicy& policy) const;
  SelectionObstacle ObstacleOf(size_t place) const;
  int64_t CostOf(size_t place) const {
    return EstimateCost(policies_[place].price, query_.capabilities);
  }
  // Keeps to the budget: changes what is best in `ranking`, and `result` to say
  // so.
  void KeepToBudget(Ranking* ranking, SelectionResult* result) const;
  // Sorts as much of `ranking` as a result shows.
  static void Sort(Ranking* ranking);
  // Fills in the best and the next best.
  void Fill(const Ranking& ranking, SelectionResult* result);
  void FillConfiguredFallbacks(const Wanted& wanted, SelectionResult* result);
  absl::Status NoModel() const;
  // Says what came of a model, if anybody asks.
  void Explain(size_t place, std::string_view outcome,
               std::optional<double> score = std::nullopt);

  const PolicyTable& table_;
  const std::vector<ModelPolicy>& policies_;
  const SelectionQuery& query_;
  std::vector<SelectionCandidate>* const candidates_;
  const NodeRequirement& node_;
  const Wanted wanted_;

  Ranking fresh_;
  Ranking failed_;  // The same, but they have failed the caller just now.
};

SelectionRun::SelectionRun(const PolicyTable& table,
                           const SelectionQuery& query,
                           std::vector<SelectionCandidate>* candidates)
    : table_(table),
      policies_(table.policies()),
      query_(query),
      candidates_(candidates),
      node_(table.RequirementOf(query.node)),
      wanted_(WantedByAll()) {
  assert(query.performance.empty() ||
         query.performance.size() == policies_.size());
  if (candidates_ == nullptr) return;
  candidates_->clear();
  for (size_t i = 0; i < policies_.size(); ++i) {
    candidates_->push_back(
        {.policy = &policies_[i], .cost_estimate_usd_nanos = CostOf(i)});
  }
}

Wanted SelectionRun::WantedByAll() const {
  Wanted wanted;
  if (!is_strict()) wanted = WantedBy(node_);
  wanted.capabilities |= query_.capabilities;
  if (query_.cost_tier_max.has_value()) {
    wanted.cost_tier_max = *query_.cost_tier_max;
  }
  return wanted;
}

void SelectionRun::Explain(size_t place, std::string_view outcome,
                           std::optional<double> score) {
  if (candidates_ == nullptr) return;
  SelectionCandidate& candidate = (*candidates_)[place];
  // An override that cannot serve does not qualify either: why, is told once.
  if (!candidate.outcome.empty() &&
      candidate.policy == query_.override_policy) {
    return;
  }
  candidate.outcome = outcome;
  if (score.has_value()) candidate.score = score;
}

bool SelectionRun::HasFailed(const ModelPolicy& policy) const {
  return std::find(query_.previous_failures.begin(),
                   query_.previous_failures.end(),
                   policy.id) != query_.previous_failures.end();
}

SelectionObstacle SelectionRun::ObstacleOf(size_t place) const {
  return query_.obstacle_of == nullptr ? SelectionObstacle()
                                       : query_.obstacle_of(place);
}

Ranked SelectionRun::RankOf(size_t place) const {
  const ModelPolicy& policy = policies_[place];
  const auto performance = [&] {
    return query_.performance.empty()
               ? PerformanceScore({})
               : PerformanceScore(query_.performance[place]);
  };
  switch (query_.strategy) {
    case SelectionStrategy::kPerformanceOptimized:
      return {
          .score = PerformanceOptimizedScore(performance(), policy.cost_tier),
          .place = place};
    case SelectionStrategy::kBalanced:
      return {.score = BalancedScore(performance(), policy.cost_tier),
              .place = place};
    case SelectionStrategy::kAdminPreferred:
      return {.score = NodeScore(policy, node_), .place = place};
    case SelectionStrategy::kCostOptimized:
    case SelectionStrategy::kCapabilityStrict:
      break;
  }
  return {.score = CostScore(policy.cost_tier),
          .price = policy.price.sum(),
          .place = place};
}

void SelectionRun::Filter() {
  for (size_t i = 0; i < policies_.size(); ++i) {
    const Shortfall shortfall = ShortfallOf(policies_[i], wanted_);
    if (!shortfall.none()) {
      if (candidates_ != nullptr) Explain(i, shortfall.Text());
      continue;
    }
    const SelectionObstacle obstacle = ObstacleOf(i);
    if (obstacle.bars()) {
      Explain(i, obstacle.why);
      continue;
    }
    Ranked ranked = RankOf(i);
    ranked.comes_last = obstacle.only_comes_last;
    if (!is_admins() && HasFailed(policies_[i])) {
      failed_.push_back(ranked);
      Explain(i, "has failed the caller just now", ranked.score);
    } else {
      fresh_.push_back(ranked);
      Explain(i, ranked.comes_last ? obstacle.why : "qualifies", ranked.score);
    }
  }
}

void SelectionRun::Sort(Ranking* ranking) {
  const size_t shown = std::min(ranking->size(), 1 + kAlternativesMax);
  std::partial_sort(ranking->begin(), ranking->begin() + shown, ranking->end());
}

void SelectionRun::KeepToBudget(Ranking* ranking,
                                SelectionResult* result) const {
  const std::optional<int64_t> left = query_.budget_remaining_usd_nanos;
  const size_t best = ranking->front().place;
  if (!left.has_value() || CostOf(best) <= *left) return;
  Ranking within;
  Ranking over;
  for (const Ranked& ranked : *ranking) {
    const int64_t cost = CostOf(ranked.place);
    if (cost <= *left) {
      within.push_back({.comes_last = ranked.comes_last,
                        .price = cost,
                        .place = ranked.place});
    } else {
      over.push_back({.comes_last = ranked.comes_last,
                      .score = CostScore(policies_[ranked.place].cost_tier),
                      .price = cost,
                      .place = ranked.place});
    }
  }
  const bool is_within = !within.empty();
  *ranking = is_within ? std::move(within) : std::move(over);
  Sort(ranking);
  result->basis =
      is_within ? SelectionBasis::kWithinBudget : SelectionBasis::kOverBudget;
  result->confidence = is_within ? 0.7 : 0.2;
  const size_t chosen = ranking->front().place;
  if (chosen != best) result->in_place_of = &policies_[best];
}

void SelectionRun::FillConfiguredFallbacks(const Wanted& wanted,
                                           SelectionResult* result) {
  if (!query_.has_fallbacks) return;
  auto& chain = result->fallback_chain;
  for (const bool those_that_come_last : {false, true}) {
    for (const std::string& id : result->model->fallback_models) {
      if (chain.size() == kFallbackChainMax) return;
      const ModelPolicy* fallback = table_.FindPolicy(id);
      if (fallback == nullptr || fallback == result->model ||
          std::find(chain.begin(), chain.end(), fallback) != chain.end() ||
          !ShortfallOf(*fallback, wanted).none() || HasFailed(*fallback)) {
        continue;
      }
      const size_t place = fallback - policies_.data();
      const SelectionObstacle obstacle = ObstacleOf(place);
      if (obstacle.bars() || obstacle.only_comes_last != those_that_come_last) {
        continue;
      }
      chain.push_back(fallback);
      result->fallback_scores.push_back(
          result->basis == SelectionBasis::kOverride ? 0 : RankOf(place).score);
    }
  }
}

void SelectionRun::Fill(const Ranking& ranking, SelectionResult* result) {
  const size_t chosen = ranking.front().place;
  result->model = &policies_[chosen];
  result->cost_estimate_usd_nanos = CostOf(chosen);
  result->capabilities = query_.capabilities;
  result->asked_for = wanted_.capabilities;
  result->score = RankOf(chosen).score;
  Explain(chosen, "chosen");
  const size_t shown = std::min(ranking.size(), 1 + kAlternativesMax);
  for (size_t i = 1; i < shown; ++i) {
    result->alternatives.push_back(&policies_[ranking[i].place]);
  }
  if (is_admins()) {
    FillConfiguredFallbacks(wanted_, result);
    return;
  }
  if (!query_.has_fallbacks) return;
  for (const ModelPolicy* next : result->alternatives) {
    if (result->fallback_chain.size() == kFallbackChainMax) break;
    result->fallback_chain.push_back(next);
    result->fallback_scores.push_back(RankOf(next - policies_.data()).score);
  }
}

std::optional<SelectionResult> SelectionRun::Override() {
  const ModelPolicy* policy = query_.override_policy;
  if (policy == nullptr) return std::nullopt;
  // The operator's word comes before the node's, not before the request's.
  const Wanted wanted = {.capabilities = query_.capabilities};
  const size_t place = policy - policies_.data();
  assert(place < policies_.size());
  const Shortfall shortfall = ShortfallOf(*policy, wanted);
  const SelectionObstacle obstacle =
      shortfall.none() ? ObstacleOf(place)
                       : SelectionObstacle{.why = shortfall.Text()};
  if (obstacle.bars()) {
    Explain(place, absl::StrCat("the node's override: ", obstacle.why));
    return std::nullopt;
  }
  SelectionResult result = {
      .model = policy,
      .strategy = query_.strategy,
      .basis = SelectionBasis::kOverride,
      .confidence = 1,
      .cost_estimate_usd_nanos = CostOf(place),
      .capabilities = query_.capabilities,
      .asked_for = wanted_.capabilities,
      .qualified = 1,
  };
  FillConfiguredFallbacks(wanted, &result);
  if (candidates_ == nullptr) return result;
  for (size_t i = 0; i < policies_.size(); ++i) {
    Explain(i, i == place ? "chosen" : "the node has an override");
  }
  return result;
}

absl::StatusOr<SelectionResult> SelectionRun::Select() {
  Filter();
  const bool all_failed = fresh_.empty();
  Ranking& ranking = all_failed ? failed_ : fresh_;
  if (ranking.empty()) return NoModel();
  SelectionResult result = {
      .strategy = query_.strategy,
      .basis =
          all_failed ? SelectionBasis::kPreviousFailure : SelectionBasis::kBest,
      .qualified = fresh_.size() + failed_.size(),
  };
  // The budget may leave fewer of them.
  const size_t last = CountOfLast(fresh_) + CountOfLast(failed_);
  Sort(&ranking);
  result.confidence = ConfidenceOf(query_.strategy, ranking.front().score);
  KeepToBudget(&ranking, &result);
  if (all_failed) result.confidence = 0.05;
  if (!ranking.front().comes_last) result.qualified -= last;
  Fill(ranking, &result);
  return result;
}

absl::Status SelectionRun::NoModel() const {
  const std::string who =
      is_strict() || query_.node.empty()
          ? "the request"
          : absl::StrCat("node '", ToAbsl(query_.node), "'");
  if (policies_.empty()) {
    return MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
                     absl::StrCat("no model can serve ", who,
                                  ": no model policy is configured"));
  }
  std::string reasons;
  bool any_serves = false;
  size_t unexplained = 0;
  for (size_t i = 0; i < policies_.size(); ++i) {
    const Shortfall shortfall = ShortfallOf(policies_[i], wanted_);
    SelectionObstacle obstacle;
    if (shortfall.none()) obstacle = ObstacleOf(i);
    any_serves |= shortfall.none() && !obstacle.is_of_request;
    if (i >= kExplainedModelsMax) {
      ++unexplained;
      continue;
    }
    absl::StrAppend(&reasons, i == 0 ? "" : ", ", policies_[i].id, " (",
                    shortfall.none() ? obstacle.why : shortfall.Text(), ")");
  }
  if (unexplained > 0) {
    absl::StrAppend(&reasons, " and ", unexplained, " more");
  }
  const std::string needs = wanted_.Text();
  absl::Status fault = MakeFault(
      any_serves ? v1::ERROR_REASON_PROVIDER_UNAVAILABLE
                 : v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
      absl::StrCat("no model can ", any_serves ? "now " : "", "serve ", who,
                   needs.empty() ? "" : ", which needs ", needs, ": ",
                   reasons));
  if (policies_.size() == 1) {
    AddFaultMetadata(fault, "provider", policies_[0].provider);
    AddFaultMetadata(fault, "model", policies_[0].model);
  }
  return fault;
}

}  // namespace

std::string_view StrategyName(SelectionStrategy strategy) {
  for (const auto& [value, name] : kStrategyNames) {
    if (value == strategy) return name;
  }
  return "";
}

absl::StatusOr<SelectionStrategy> ParseStrategy(std::string_view name) {
  std::string all;
  for (const auto& [strategy, known] : kStrategyNames) {
    if (name == known) return strategy;
    absl::StrAppend(&all, all.empty() ? "" : ", ", ToAbsl(known));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", ToAbsl(name), "' is no selection strategy; there are ", all));
}

double CostScore(CostTier tier) {
  return 25.0 *
         (1 + static_cast<int>(CostTier::kPremium) - static_cast<int>(tier));
}

double PerformanceOptimizedScore(double performance_score, CostTier tier) {
  if (tier == CostTier::kPremium) return performance_score + 10;
  if (tier == CostTier::kHigh) return performance_score + 5;
  return performance_score;
}

double BalancedScore(double performance_score, CostTier tier) {
  return 0.6 * performance_score + 0.4 * CostScore(tier);
}

double ConfidenceOf(SelectionStrategy strategy, double score) {
  switch (strategy) {
    case SelectionStrategy::kCostOptimized:
      return 0.8;
    case SelectionStrategy::kCapabilityStrict:
      return 0.9;
    case SelectionStrategy::kAdminPreferred:
      return 1;
    case SelectionStrategy::kPerformanceOptimized:
    case SelectionStrategy::kBalanced:
      break;
  }
  return std::min(score / 100, 1.0);
}

std::string SelectionResult::Reasoning() const {
  const absl::string_view name = ToAbsl(StrategyName(strategy));
  switch (basis) {
    case SelectionBasis::kOverride:
      return "the operator's override for the node";
    case SelectionBasis::kBest:
    case SelectionBasis::kPreviousFailure:
      return absl::StrFormat(
          "%s: score %.1f, the best of %d model%s%s", name, score, qualified,
          qualified == 1 ? "" : "s",
          basis == SelectionBasis::kBest
              ? ""
              : ", each of which has failed the caller just now");
    case SelectionBasis::kWithinBudget:
      return absl::StrFormat(
          "%s: the cheapest, since %s costs more than the remaining budget",
          name, in_place_of->id);
    case SelectionBasis::kOverBudget:
      break;
  }
  return absl::StrFormat(
      "%s: the cheapest of %d model%s that all cost more than the remaining "
      "budget",
      name, qualified, qualified == 1 ? "" : "s");
}

std::optional<SelectionResult> SelectOverride(
    const PolicyTable& table, const SelectionQuery& query,
    std::vector<SelectionCandidate>* candidates) {
  return SelectionRun(table, query, candidates).Override();
}

absl::StatusOr<SelectionResult> SelectModel(
    const PolicyTable& table, const SelectionQuery& query,
    std::vector<SelectionCandidate>* candidates) {
  SelectionRun run(table, query, candidates);
  if (std::optional<SelectionResult> chosen = run.Override()) return *chosen;
  return run.Select();
}

}  // namespace gateway
