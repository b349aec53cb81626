#include "service/config/routing_validator.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/config_names.h"
#include "service/config/nearest_name.h"

namespace gateway {
namespace {

using ::google::protobuf::RepeatedPtrField;
using ::llmgateway::config::v1::AgentInference;
using ::llmgateway::config::v1::AgentPhrases;
using ::llmgateway::config::v1::AgentRule;
using ::llmgateway::config::v1::DomainTagRule;
using ::llmgateway::config::v1::FailureFallbacks;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::ModelTierRule;
using ::llmgateway::config::v1::RolloutConfig;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::type::v1::Target;

constexpr size_t kModelRulesMax = 10'000;
constexpr size_t kOtherRulesMax = 1000;
constexpr size_t kTierRulesMax = 100;
constexpr size_t kTargetsMax = 1000;
constexpr size_t kFallbacksMax = 16;
constexpr size_t kTextsMax = 64;
constexpr size_t kInferredAgentsMax = 100;
constexpr size_t kNameLengthMax = 128;

constexpr std::string_view kTierPrefix = "tier:";

constexpr char kBadName[] =
    "must be 1 to 128 printable characters without white space";

// Whether a text may name an agent, a tag or a tier, as requests name them.
bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kNameLengthMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

// Counts names without regard to case, as they are matched.
class SeenNames {
 public:
  // Returns false if it was there before.
  bool Add(std::string_view name) {
    return names_.insert(absl::AsciiStrToLower(ToAbsl(name))).second;
  }

 private:
  std::set<std::string> names_;
};

class RoutingValidator {
 public:
  RoutingValidator(const GatewayConfig& config, const FieldPlaces& places,
                   ConfigProblems* problems);

  void Check(const RoutingConfig& routing);

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  bool CheckCount(const std::string& path, int count, size_t most) {
    return gateway::CheckCount(path, static_cast<size_t>(count), most, places_,
                               &problems_);
  }

  void CheckModelRule(const std::string& path, const ModelRule& rule);
  void CheckMatch(const std::string& path, const ModelRule& rule);
  void CheckAgentRules(const RoutingConfig& routing);
  void CheckTagRules(const RoutingConfig& routing);
  void CheckTierRules(const RoutingConfig& routing);
  void CheckInference(const RoutingConfig& routing);
  void CheckFailureFallbacks(const FailureFallbacks& fallbacks);
  void CheckRollout(const RolloutConfig& rollout);

  // Checks the targets and fallbacks that every kind of rule has.
  template <typename Rule>
  void CheckTargetsOf(const std::string& path, const Rule& rule);
  void CheckTargets(const std::string& path,
                    const RepeatedPtrField<Target>& targets);
  void CheckFallbacks(const std::string& path,
                      const RepeatedPtrField<Target>& targets);
  void CheckTarget(const std::string& path, const Target& target);
  // A target that is asked by itself has nothing to share.
  void CheckAlone(const std::string& path, const Target& target);

  const FieldPlaces& places_;
  ConfigProblems& problems_;
  std::vector<std::string> provider_names_;
};

RoutingValidator::RoutingValidator(const GatewayConfig& config,
                                   const FieldPlaces& places,
                                   ConfigProblems* problems)
    : places_(places), problems_(*problems) {
  for (const auto& provider : config.providers()) {
    provider_names_.push_back(provider.name());
  }
}

void RoutingValidator::Check(const RoutingConfig& routing) {
  if (routing.has_default_target()) {
    CheckTarget("routing.default_target", routing.default_target());
    CheckAlone("routing.default_target", routing.default_target());
  }
  CheckFallbacks("routing.fallbacks", routing.fallbacks());
  CheckAgentRules(routing);
  CheckTagRules(routing);
  CheckTierRules(routing);
  CheckInference(routing);
  CheckFailureFallbacks(routing.failure_fallbacks());
  CheckRollout(routing.rollout());
  const std::string rules = "routing.model_rules";
  if (!CheckCount(rules, routing.model_rules_size(), kModelRulesMax)) return;
  for (int i = 0; i < routing.model_rules_size(); ++i) {
    CheckModelRule(ElementPath(rules, static_cast<size_t>(i)),
                   routing.model_rules(i));
  }
}

void RoutingValidator::CheckRollout(const RolloutConfig& rollout) {
  const double hundredths = rollout.percentage() * 100;
  if (!(hundredths >= 0 && hundredths <= 10'000) ||
      std::abs(hundredths - std::round(hundredths)) > 1e-9) {
    Add("routing.rollout.percentage",
        "must be 0 to 100, with two decimals at most");
  }
  if (!rollout.has_baseline()) return;
  CheckTarget("routing.rollout.baseline", rollout.baseline());
  CheckAlone("routing.rollout.baseline", rollout.baseline());
}

void RoutingValidator::CheckTarget(const std::string& path,
                                   const Target& target) {
  const std::string provider = JoinPath(path, "provider");
  if (target.provider().empty()) {
    Add(provider, "is required; name a configured provider");
  } else if (std::find(provider_names_.begin(), provider_names_.end(),
                       target.provider()) == provider_names_.end()) {
    Add(provider, absl::StrCat("names no configured provider",
                               Suggestion(target.provider(), provider_names_)));
  }
  if (!target.model().empty() && !IsModelName(target.model())) {
    Add(JoinPath(path, "model"), kBadModelName);
  }
}

void RoutingValidator::CheckAlone(const std::string& path,
                                  const Target& target) {
  constexpr char kMeansNothing[] =
      "means nothing here, where no calls are shared; remove it";
  if (target.has_weight()) Add(JoinPath(path, "weight"), kMeansNothing);
  if (target.has_priority()) Add(JoinPath(path, "priority"), kMeansNothing);
}

void RoutingValidator::CheckTargets(const std::string& path,
                                    const RepeatedPtrField<Target>& targets) {
  if (targets.empty()) {
    Add(path, "is required; name a configured provider, as in [openai]");
    return;
  }
  if (!CheckCount(path, targets.size(), kTargetsMax)) return;
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < targets.size(); ++i) {
    const std::string element = ElementPath(path, static_cast<size_t>(i));
    CheckTarget(element, targets[i]);
    if (!seen.emplace(targets[i].provider(), targets[i].model()).second) {
      Add(element, "is given twice; keep one, with a larger weight");
    }
  }
}

void RoutingValidator::CheckFallbacks(const std::string& path,
                                      const RepeatedPtrField<Target>& targets) {
  if (!CheckCount(path, targets.size(), kFallbacksMax)) return;
  for (int i = 0; i < targets.size(); ++i) {
    const std::string element = ElementPath(path, static_cast<size_t>(i));
    CheckTarget(element, targets[i]);
    CheckAlone(element, targets[i]);
  }
}

template <typename Rule>
void RoutingValidator::CheckTargetsOf(const std::string& path,
                                      const Rule& rule) {
  CheckTargets(JoinPath(path, "targets"), rule.targets());
  CheckFallbacks(JoinPath(path, "fallbacks"), rule.fallbacks());
}

void RoutingValidator::CheckModelRule(const std::string& path,
                                      const ModelRule& rule) {
  CheckMatch(path, rule);
  CheckTargetsOf(path, rule);
  if (rule.match_case() != ModelRule::kAlias) return;
  for (const Target& target : rule.targets()) {
    if (!target.model().empty()) continue;
    Add(path, "has an alias but no model; say which model it stands for");
    return;
  }
}

void RoutingValidator::CheckMatch(const std::string& path,
                                  const ModelRule& rule) {
  for (const std::string* name : {&rule.alias(), &rule.exact()}) {
    if (!name->starts_with(kTierPrefix)) continue;
    Add(path,
        "matches nothing: names that begin with 'tier:' are for "
        "model_tier_rules");
  }
  switch (rule.match_case()) {
    case ModelRule::kAlias:
      if (!IsModelName(rule.alias()))
        Add(JoinPath(path, "alias"), kBadModelName);
      return;
    case ModelRule::kPrefix:
      if (!IsModelName(rule.prefix()))
        Add(JoinPath(path, "prefix"), kBadModelName);
      return;
    case ModelRule::kExact:
      if (!IsModelName(rule.exact()))
        Add(JoinPath(path, "exact"), kBadModelName);
      return;
    case ModelRule::kGlob: {
      const std::string glob = JoinPath(path, "glob");
      if (!IsModelName(rule.glob())) Add(glob, kBadModelName);
      // Refused: other tools give these characters a meaning, and whoever
      // writes them expects it.
      if (rule.glob().find_first_of("[]{}\\") != std::string::npos) {
        Add(glob, "knows only '*' and '?'; write a rule for each alternative");
      }
      return;
    }
    case ModelRule::MATCH_NOT_SET:
      Add(path, "matches nothing; give one of alias, prefix, exact and glob");
      return;
  }
}

void RoutingValidator::CheckAgentRules(const RoutingConfig& routing) {
  const std::string rules = "routing.agent_rules";
  if (!CheckCount(rules, routing.agent_rules_size(), kOtherRulesMax)) return;
  SeenNames seen;
  for (int i = 0; i < routing.agent_rules_size(); ++i) {
    const std::string path = ElementPath(rules, static_cast<size_t>(i));
    const AgentRule& rule = routing.agent_rules(i);
    const std::string agent = JoinPath(path, "agent_type");
    if (!IsName(rule.agent_type())) {
      Add(agent, kBadName);
    } else if (!seen.Add(rule.agent_type())) {
      Add(agent, "has a rule already; keep one");
    }
    CheckTargetsOf(path, rule);
  }
}

void RoutingValidator::CheckTagRules(const RoutingConfig& routing) {
  const std::string rules = "routing.domain_tag_rules";
  if (!CheckCount(rules, routing.domain_tag_rules_size(), kOtherRulesMax)) {
    return;
  }
  std::set<std::string> seen;
  for (int i = 0; i < routing.domain_tag_rules_size(); ++i) {
    const std::string path = ElementPath(rules, static_cast<size_t>(i));
    const DomainTagRule& rule = routing.domain_tag_rules(i);
    const std::string tag = JoinPath(path, "tag");
    if (!IsName(rule.tag())) {
      Add(tag, kBadName);
    } else if (!seen.insert(rule.tag()).second) {
      Add(tag, "has a rule already; keep one");
    }
    CheckTargetsOf(path, rule);
  }
}

void RoutingValidator::CheckTierRules(const RoutingConfig& routing) {
  const std::string rules = "routing.model_tier_rules";
  if (!CheckCount(rules, routing.model_tier_rules_size(), kTierRulesMax)) {
    return;
  }
  SeenNames seen;
  for (int i = 0; i < routing.model_tier_rules_size(); ++i) {
    const std::string path = ElementPath(rules, static_cast<size_t>(i));
    const ModelTierRule& rule = routing.model_tier_rules(i);
    const std::string tier = JoinPath(path, "tier");
    if (!IsName(rule.tier())) {
      Add(tier, kBadName);
    } else if (rule.tier().starts_with(kTierPrefix)) {
      Add(tier, "is the name behind 'tier:'; write it without");
    } else if (!seen.Add(rule.tier())) {
      Add(tier, "has a rule already; keep one");
    }
    const std::string contains = JoinPath(path, "contains");
    CheckCount(contains, rule.contains_size(), kTextsMax);
    for (int text = 0; text < rule.contains_size(); ++text) {
      if (IsName(rule.contains(text))) continue;
      Add(ElementPath(contains, static_cast<size_t>(text)), kBadName);
    }
    CheckTargetsOf(path, rule);
  }
}

void RoutingValidator::CheckInference(const RoutingConfig& routing) {
  const AgentInference& inference = routing.agent_inference();
  const std::string agents = "routing.agent_inference.agents";
  if (!CheckCount(agents, inference.agents_size(), kInferredAgentsMax)) return;
  SeenNames ruled;
  for (const AgentRule& rule : routing.agent_rules()) {
    ruled.Add(rule.agent_type());
  }
  for (int i = 0; i < inference.agents_size(); ++i) {
    const std::string path = ElementPath(agents, static_cast<size_t>(i));
    const AgentPhrases& agent = inference.agents(i);
    if (ruled.Add(agent.agent_type())) {
      Add(JoinPath(path, "agent_type"),
          "has no rule in routing.agent_rules; add one");
    }
    const std::string phrases = JoinPath(path, "phrases");
    if (agent.phrases().empty()) Add(phrases, "is required; give one or more");
    CheckCount(phrases, agent.phrases_size(), kTextsMax);
    for (int phrase = 0; phrase < agent.phrases_size(); ++phrase) {
      const std::string& text = agent.phrases(phrase);
      if (!text.empty() && text.size() <= kNameLengthMax) continue;
      Add(ElementPath(phrases, static_cast<size_t>(phrase)),
          "must be 1 to 128 bytes");
    }
  }
}

void RoutingValidator::CheckFailureFallbacks(
    const FailureFallbacks& fallbacks) {
  const std::string path = "routing.failure_fallbacks";
  CheckFallbacks(JoinPath(path, "context_length"), fallbacks.context_length());
  CheckFallbacks(JoinPath(path, "content_policy"), fallbacks.content_policy());
  CheckFallbacks(JoinPath(path, "rate_limit"), fallbacks.rate_limit());
}

}  // namespace

void CheckRouting(const GatewayConfig& config, const FieldPlaces& places,
                  ConfigProblems* problems) {
  RoutingValidator(config, places, problems).Check(config.routing());
}

}  // namespace gateway
