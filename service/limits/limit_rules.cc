#include "service/limits/limit_rules.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/string_view.h"

namespace gateway {

namespace config = ::llmgateway::config::v1;

LimitRules::LimitRules(const Config& config, const KeySecret& secret,
                       const LimitRules* previous)
    : secret_(secret), nothing_(KeyOfText({}, secret)) {
  rules_.reserve(config.size());
  for (const config::RateLimit& each : config) {
    const LimitRule& rule =
        *rules_.emplace_back(std::make_unique<const LimitRule>(
            each, secret,
            previous == nullptr ? nullptr : previous->Find(each.name())));
    (rule.is_of_target() ? of_target_ : of_call_).Add(rule);
    tells_peers_apart_ =
        tells_peers_apart_ || rule.tells_apart(config::LIMIT_DIMENSION_PEER);
  }
}

void LimitRules::AskForCall(LimitSubject& subject, const LimitAmounts& estimate,
                            LimitCharges& charges) const {
  of_call_.Ask(subject, estimate, charges);
}

void LimitRules::AskForTarget(LimitSubject& subject,
                              const LimitAmounts& estimate,
                              LimitCharges& charges) const {
  of_target_.Ask(subject, estimate, charges);
}

const LimitRule* LimitRules::Find(std::string_view name) const {
  const auto found =
      std::find_if(rules_.begin(), rules_.end(),
                   [&](const auto& rule) { return rule->name() == name; });
  return found == rules_.end() ? nullptr : found->get();
}

void LimitRules::Index::Add(const LimitRule& rule) {
  const TextPatterns& callers = rule.match().callers();
  if (callers.empty() || callers.has_globs()) {
    others_.push_back(&rule);
    return;
  }
  for (const std::string& caller : callers.exact()) {
    by_caller_[caller].push_back(&rule);
  }
}

void LimitRules::Index::Ask(LimitSubject& subject, const LimitAmounts& estimate,
                            LimitCharges& charges) const {
  const auto ask = [&](const std::vector<const LimitRule*>& rules) {
    for (const LimitRule* const rule : rules) {
      if (rule->Matches(subject)) charges.Ask(*rule, subject, estimate);
    }
  };
  ask(others_);
  if (by_caller_.empty()) return;
  const auto named =
      by_caller_.find(ToAbsl(subject.Text(config::LIMIT_DIMENSION_CALLER)));
  if (named != by_caller_.end()) ask(named->second);
}

}  // namespace gateway
