#include "service/limits/key_limit_rules.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gateway {

namespace config = ::llmgateway::config::v1;

void KeyLimitRules::Siblings::Add(
    const std::shared_ptr<LimitCounters>& counters) {
  if (!counters->rates.has_value()) return;
  MutexLock lock(mu_);
  counters_.push_back(counters);
}

int64_t KeyLimitRules::Siblings::DebtOf(const CounterKey& key) {
  int64_t debt = 0;
  MutexLock lock(mu_);
  for (const auto& each : counters_) {
    const std::shared_ptr<LimitCounters> counters = each.lock();
    if (counters != nullptr) debt = std::max(debt, counters->rates->Peek(key));
  }
  return debt;
}

KeyLimitRules::Terms KeyLimitRules::TermsOf(const config::KeyLimit& limit) {
  return {.unit = limit.unit(),
          .limit = limit.limit(),
          .burst = limit.has_burst() ? limit.burst() : limit.limit(),
          .window_seconds = limit.window().seconds(),
          .window_nanos = limit.window().nanos(),
          .limit_usd = limit.limit_usd()};
}

// What a thread has asked for before, so that calls on all loops do not wait
// for one lock. Rules are never removed.
struct KeyLimitRules::Known {
  uint64_t of = 0;  // Which KeyLimitRules they are of.
  absl::flat_hash_map<Terms, const LimitRule*> rules;
};

uint64_t KeyLimitRules::NextNumber() {
  static std::atomic<uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

const LimitRule& KeyLimitRules::RuleOf(const config::KeyLimit& limit) {
  thread_local Known known;
  if (known.of != number_) known = {.of = number_, .rules = {}};
  Terms terms = TermsOf(limit);
  const LimitRule*& rule = known.rules[terms];
  if (rule == nullptr) rule = &FindOrMake(limit, std::move(terms));
  return *rule;
}

const LimitRule& KeyLimitRules::FindOrMake(const config::KeyLimit& limit,
                                           Terms terms) {
  MutexLock lock(mu_);
  std::unique_ptr<const LimitRule>& rule = rules_[terms];
  if (rule == nullptr) {
    config::RateLimit each;
    each.set_name(kName);
    each.set_unit(limit.unit());
    each.set_limit(limit.limit());
    each.set_limit_usd(limit.limit_usd());
    if (limit.has_window()) *each.mutable_window() = limit.window();
    if (limit.has_burst()) each.set_burst(limit.burst());
    each.add_per(config::LIMIT_DIMENSION_CALLER);
    each.set_sharing(config::RateLimit::SHARING_LEASED);
    const std::string window =
        absl::StrCat(terms.window_seconds, ".", terms.window_nanos);
    std::shared_ptr<Siblings>& siblings =
        siblings_[absl::StrCat(terms.unit, "/", window)];
    if (siblings == nullptr) siblings = std::make_shared<Siblings>();
    rule = std::make_unique<const LimitRule>(
        each, secret_, /*previous=*/nullptr, window,
        [siblings](const CounterKey& key) { return siblings->DebtOf(key); });
    siblings->Add(rule->shared_counters());
  }
  return *rule;
}

std::vector<const LimitRule*> KeyLimitRules::All() {
  std::vector<const LimitRule*> all;
  MutexLock lock(mu_);
  for (const auto& [terms, rule] : rules_) all.push_back(rule.get());
  return all;
}

}  // namespace gateway
