// What CallRules says of a simulation as a whole.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/resilience/retry_budget.h"
#include "tests/simulation/call_rules.h"

namespace gateway {

void CallRules::SimulationEnds(absl::Duration now) {
  Compare(now);
  broken_limit_ = broken_.size() + kBrokenMax;
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].is_over) Broken(absl::StrCat("call ", i, " is lost"));
  }
  if (active_calls_ != state_->retry_budget.Read().active_calls ||
      state_->retry_budget.Read().in_flight != 0) {
    Broken("the retry budget counts calls or retries that are over");
  }
  if (money() == nullptr) CheckBudget();
  CheckWeights();
  switch (scenario_.kind) {
    case Scenario::Kind::kMixed:
    case Scenario::Kind::kComesBack:
    case Scenario::Kind::kStraggler:
    case Scenario::Kind::kLimited:
    case Scenario::Kind::kMoney:
      break;
    case Scenario::Kind::kDeadProvider:
      CheckDeadProvider();
      break;
    case Scenario::Kind::kAllWell:
      CheckShares();
      break;
    case Scenario::Kind::kHealed:
      CheckHealed();
      break;
  }
}

// When a retry, a fallback or a hedge took its place there was one.
void CallRules::CheckBudget() {
  std::vector<const Ask*> extras;
  for (const Ask& ask : asks_) {
    if (ask.extra) extras.push_back(&ask);
  }
  for (const Ask* ask : extras) {
    if (ask->keeps_place) continue;
    int64_t under_way = 0;
    for (const Ask* other : extras) {
      if (other->taken_at < ask->taken_at &&
          other->given_back_at > ask->taken_at) {
        ++under_way;
      }
    }
    const int64_t limit = std::max<int64_t>(
        scenario_.budget_minimum,
        (ask->active_when_taken - under_way) * scenario_.budget_percent / 100);
    if (under_way >= limit) {
      Broken(absl::StrCat("call ", ask->call, " asks again beside ", under_way,
                          " others, of ", ask->active_when_taken,
                          " calls under way"));
    }
  }
}

// The whole point of breakers and budget: a dead provider is not asked much
// more often than there are calls, and hardly once its breaker has opened.
void CallRules::CheckDeadProvider() {
  const TargetName dead = NameOf(scenario_.routes.front().targets.front());
  const BreakerModel& breaker = ModelOf(dead);
  size_t asked = 0;
  size_t asked_since = 0;
  for (const Ask& ask : asks_) {
    if (ask.target != dead) continue;
    ++asked;
    if (ask.began > breaker.first_opened()) ++asked_since;
  }
  // A fifth more, beside those that are always allowed.
  const size_t more =
      calls_.size() / 5 + static_cast<size_t>(scenario_.budget_minimum);
  if (asked > calls_.size() + more) {
    Broken(absl::StrCat(calls_.size(), " calls make ", asked,
                        " requests to a dead provider"));
  }
  if (asked_since > calls_.size() / 5) {
    Broken(absl::StrCat("a dead provider is asked ", asked_since,
                        " times since its breaker has opened"));
  }
}

// By chance: six standard deviations, and some more where calls are few.
void CallRules::CheckWeights() {
  for (const auto& [place, share] : shares_) {
    const double off =
        std::max(std::abs(share.asked - share.expected) - 4, 0.0);
    if (off * off <= 36 * share.variance) continue;
    const ScenarioTarget& target =
        scenario_.routes[place.first].targets[place.second];
    Broken(absl::StrCat(TextOf(NameOf(target)), " is asked first by ",
                        share.asked, " calls in place of ", share.expected));
  }
}

// Everybody is asked, as often as his weight says.
void CallRules::CheckShares() {
  const ScenarioRoute& route = scenario_.routes.front();
  int weights = 0;
  for (const ScenarioTarget& target : route.targets) weights += target.weight;
  for (const ScenarioTarget& target : route.targets) {
    double asked = 0;
    for (const Ask& ask : asks_) {
      asked += ask.target.first == target.provider ? 1 : 0;
    }
    const double share = static_cast<double>(target.weight) / weights;
    const double expected = share * static_cast<double>(calls_.size());
    const double variance = expected * (1 - share);
    // Turns are exact; chance is within five standard deviations, and the
    // better of two strays farther.
    double off_max = 25 * variance;
    if (route.balancing == "least_requests") off_max *= 4;
    if (route.balancing == "round_robin") {
      off_max = static_cast<double>(route.targets.size());
      off_max *= off_max;
    }
    // Who is fastest may change, but all are tried.
    if (route.balancing == "lowest_latency") {
      off_max = asked == 0 ? 0 : expected * expected + asked * asked;
    }
    if ((asked - expected) * (asked - expected) > off_max) {
      Broken(absl::StrCat(target.provider, " is asked ", asked,
                          " times in place of ", expected));
    }
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].outcome.ok() || calls_[i].asks.size() != 1) {
      Broken(absl::StrCat("call ", i, " fails or asks twice, and all is well"));
    }
  }
}

// After a bad time calls go well again, and to everybody.
void CallRules::CheckHealed() {
  const absl::Duration well = begin_ + scenario_.healed_at +
                              scenario_.breaker.open_duration +
                              absl::Seconds(25);
  std::map<TargetName, int> asked;
  int calls = 0;
  for (size_t i = 0; i < calls_.size(); ++i) {
    const CallState& call = calls_[i];
    if (call.began < well) continue;
    ++calls;
    for (const size_t ask : call.asks) ++asked[asks_[ask].target];
    if (!call.outcome.ok()) {
      Broken(absl::StrCat("call ", i, " fails long after all is well again"));
    }
  }
  const ScenarioRoute& route = scenario_.routes.front();
  int weights = 0;
  int first = 100;
  for (const ScenarioTarget& target : route.targets) {
    first = std::min(first, target.priority);
  }
  for (const ScenarioTarget& target : route.targets) {
    if (target.priority == first) weights += target.weight;
  }
  for (const ScenarioTarget& target : route.targets) {
    if (target.priority != first || calls * target.weight < 20 * weights) {
      continue;
    }
    // Whose credentials are out is asked no more while there are others.
    const auto credentials = credentials_.find(target.provider);
    if (credentials->second.AreAllOut()) continue;
    const TargetName name(target.provider, target.model);
    if (asked[name] == 0) {
      Broken(
          absl::StrCat(name.first, "/", name.second, " is never asked again"));
    }
  }
}

}  // namespace gateway
