#include "service/routing/router.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::RoutingConfig;

constexpr std::string_view kDefaultReason = "default";
constexpr std::string_view kChosen = "chosen";

ModelRuleIndex::Match MatchOf(const ModelRule& rule) {
  switch (rule.match_case()) {
    case ModelRule::kPrefix:
      return ModelRuleIndex::Match::kPrefix;
    case ModelRule::kGlob:
      return ModelRuleIndex::Match::kGlob;
    default:
      return ModelRuleIndex::Match::kExact;
  }
}

// The targets of all kinds of rules, under their reason.
template <typename Rule>
RouteGroup GroupOf(const Rule& rule, std::string reason,
                   const RoutingConfig& config, const TargetHealth& health) {
  const bool says =
      rule.balancing() != llmgateway::config::v1::BALANCING_UNSPECIFIED;
  return RouteGroup(std::move(reason), rule.targets(),
                    says ? rule.balancing() : config.balancing(),
                    rule.fallbacks(), health);
}

std::optional<RouteGroup> DefaultGroup(const RoutingConfig& config,
                                       const TargetHealth& health) {
  if (config.default_target().provider().empty()) return std::nullopt;
  RouteGroup::Targets targets;
  *targets.Add() = config.default_target();
  return RouteGroup(std::string(kDefaultReason), targets, config.balancing(),
                    {}, health);
}

RouteGroup FallbackGroup(const RouteGroup::Targets& fallbacks,
                         const TargetHealth& health) {
  return RouteGroup("", {}, llmgateway::config::v1::BALANCING_UNSPECIFIED,
                    fallbacks, health);
}

}  // namespace

// One request on its way through the rules.
class Router::Planning {
 public:
  Planning(const Router& router, const RouteQuery& query, Random& random,
           std::vector<RouteStep>* steps)
      : router_(router), query_(query), random_(random), steps_(steps) {
    tier_ = ModelTiers::NamedTier(query.model);
    // A tier is no name that a provider could be asked for.
    if (!tier_.has_value()) model_ = query.model;
  }

  absl::StatusOr<RoutePlan> Run() {
    if (!query_.provider.empty()) return PlanExplicit();
    if (query_.selection != nullptr) return PlanSelected();
    if (TryAgent() || TryTags() || TryModelRules() || TryTiers() ||
        TryInferredAgent() || TryDefault()) {
      return std::move(plan_);
    }
    return Refuse();
  }

 private:
  // Keeps what was considered, if anybody asks for it.
  void AddStep(std::string_view rule, std::string_view outcome) {
    if (steps_ == nullptr) return;
    steps_->push_back(
        {.rule = std::string(rule), .outcome = std::string(outcome)});
  }

  // Goes where the group leads; false if it cannot.
  bool Follow(const RouteGroup& group) {
    if (!group.CanServe(model_)) {
      AddStep(group.reason(), group.WhyNot());
      if (skipped_ == nullptr && !IsDefault(group)) skipped_ = &group;
      return false;
    }
    plan_.targets = group.Order({.random = random_,
                                 .sticky = query_.sticky,
                                 .model = model_,
                                 .is_preview = steps_ != nullptr});
    plan_.reason = group.reason();
    plan_.model = model_;
    if (!group.fallbacks().empty()) {
      plan_.rule.any = group.fallbacks();
    } else {
      plan_.common.any = router_.common_.fallbacks();
    }
    plan_.common.context_length = router_.context_length_.fallbacks();
    plan_.common.content_policy = router_.content_policy_.fallbacks();
    plan_.common.rate_limit = router_.rate_limit_.fallbacks();
    AddStep(group.reason(), kChosen);
    if (steps_ != nullptr) NameTargets(group);
    return true;
  }

  void NameTargets(const RouteGroup& group) {
    group.AddNamed(model_, &plan_.named);
    if (group.fallbacks().empty()) {
      router_.common_.AddNamed(model_, &plan_.named);
    }
  }

  CapabilitySet NamedCapabilities() const {
    return query_.selection == nullptr ? 0 : query_.selection->capabilities;
  }

  bool IsDefault(const RouteGroup& group) const {
    return router_.default_.has_value() && &group == &*router_.default_;
  }

  bool TryNamed(const NamedGroups& groups, std::string_view name) {
    const auto found = groups.find(ToAbsl(name));
    return found != groups.end() && Follow(found->second);
  }

  bool TryAgent() {
    if (query_.agent_type.empty() || router_.agents_.empty()) return false;
    return TryNamed(router_.agents_,
                    absl::AsciiStrToLower(ToAbsl(query_.agent_type)));
  }

  bool TryTags() {
    // In the order of the rules, so that the order of a call's tags means
    // nothing.
    if (query_.domain_tags.empty()) return false;
    for (const TagRule& rule : router_.tags_) {
      for (const std::string_view tag : query_.domain_tags) {
        if (rule.tag == tag && Follow(rule.group)) return true;
      }
    }
    return false;
  }

  bool TryModelRules() {
    if (model_.empty()) return false;
    if (steps_ != nullptr) return ExplainModelRules();
    const ModelRules& rules = router_.model_rules_;
    const std::optional<size_t> found = rules.index->Find(model_);
    return found.has_value() && Follow(rules.groups[rules.followable[*found]]);
  }

  // The same by looking at all of them, so that each is told of.
  bool ExplainModelRules() {
    const ModelRules& rules = router_.model_rules_;
    for (size_t i = 0; i < rules.groups.size(); ++i) {
      if (!rules.matchers[i].Matches(model_)) {
        AddStep(rules.groups[i].reason(), "no match");
      } else if (Follow(rules.groups[i])) {
        return true;
      }
    }
    return false;
  }

  bool TryTiers() {
    if (router_.model_tiers_ == nullptr || query_.model.empty()) return false;
    const std::optional<std::string_view> tier =
        router_.model_tiers_->TierOf(query_.model);
    return tier.has_value() && TryNamed(router_.tiers_, *tier);
  }

  bool TryInferredAgent() {
    if (router_.agent_inference_ == nullptr || query_.prompt == nullptr) {
      return false;
    }
    const PromptTexts texts = (*query_.prompt)();
    const std::optional<std::string_view> agent =
        router_.agent_inference_->Infer(texts.system, texts.user);
    return agent.has_value() && TryNamed(router_.inferred_agents_, *agent);
  }

  // Strictness is about models that no rule knows, and not about calls that
  // name none.
  bool IsStrict() const { return router_.strict_ && !query_.model.empty(); }

  bool TryDefault() {
    if (!router_.default_.has_value()) return false;
    if (IsStrict()) {
      AddStep(kDefaultReason, "strict");
      return false;
    }
    if (tier_.has_value()) return false;
    return Follow(*router_.default_);
  }

  absl::StatusOr<RoutePlan> PlanExplicit();

  // The way of a call that asks for a selection.
  absl::StatusOr<RoutePlan> PlanSelected();
  bool TryOverride(const ModelSelector::Query& query);
  void FollowSelection(std::shared_ptr<const RouteSelection> selection);
  // Keeps each policy that was considered, if anybody asks for it.
  void AddCandidates(const ModelSelector::Candidates& candidates);

  // Why no rule applied.
  absl::Status Refuse() const;
  absl::Status RefuseTier() const;
  absl::Status RefuseUnnamed() const;
  std::string WhyNoRule() const;
  std::string WhyNoDefault() const;

  const Router& router_;
  const RouteQuery& query_;
  Random& random_;
  std::vector<RouteStep>* const steps_;
  std::optional<std::string_view> tier_;
  // What a target without a model would be asked for; empty if the request
  // names none.
  std::string_view model_;
  RoutePlan plan_;
  // The first that matched and could not be followed.
  const RouteGroup* skipped_ = nullptr;
};

absl::StatusOr<RoutePlan> Router::Planning::PlanExplicit() {
  const ProviderState state = router_.health_.StateOf(query_.provider);
  if (state == ProviderState::kReady) {
    if (model_.empty()) {
      return InvalidField("model", tier_.has_value()
                                       ? "names a tier, which means nothing "
                                         "where a provider is named"
                                       : "is required where a provider is "
                                         "named");
    }
    AddStep("explicit", kChosen);
    // The name in the plan is the registry's, which lasts; the query's may not.
    const RouteTarget target = {router_.health_.NameOf(query_.provider),
                                model_};
    return RoutePlan{.targets = GroupOrder(absl::MakeConstSpan(&target, 1)),
                     .reason = "explicit",
                     .named_capabilities = NamedCapabilities()};
  }
  const bool unknown = state == ProviderState::kUnknown;
  AddStep("explicit", unknown ? "no such provider" : "no credential");
  absl::Status fault =
      unknown ? MakeFault(v1::ERROR_REASON_PROVIDER_NOT_FOUND,
                          absl::StrCat("provider '", ToAbsl(query_.provider),
                                       "' is not configured"))
              : MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
                          absl::StrCat("provider '", ToAbsl(query_.provider),
                                       "' has no credential: set the one that "
                                       "its api_key names"));
  AddFaultMetadata(fault, "provider", query_.provider);
  return fault;
}

absl::StatusOr<RoutePlan> Router::Planning::PlanSelected() {
  const ModelSelector::Query query = {
      .asked = query_.selection, .now = query_.now, .lacks = query_.lacks};
  if (TryOverride(query)) return std::move(plan_);
  if (TryAgent()) {
    plan_.named_capabilities = NamedCapabilities();
    return std::move(plan_);
  }
  ModelSelector::Candidates candidates;
  absl::StatusOr<std::shared_ptr<const RouteSelection>> selection =
      router_.selector_.Select(query,
                               steps_ == nullptr ? nullptr : &candidates);
  AddCandidates(candidates);
  if (!selection.ok()) {
    AddStep(absl::StrCat("selection:",
                         ToAbsl(StrategyName(query_.selection->strategy))),
            "no model qualifies");
    return selection.status();
  }
  FollowSelection(*std::move(selection));
  return std::move(plan_);
}

bool Router::Planning::TryOverride(const ModelSelector::Query& query) {
  std::string why_not;
  std::shared_ptr<const RouteSelection> selection =
      router_.selector_.SelectOverride(query,
                                       steps_ == nullptr ? nullptr : &why_not);
  if (selection == nullptr) {
    if (!why_not.empty()) {
      AddStep(absl::StrCat("override:", ToAbsl(query_.selection->node)),
              why_not);
    }
    return false;
  }
  FollowSelection(std::move(selection));
  return true;
}

void Router::Planning::FollowSelection(
    std::shared_ptr<const RouteSelection> selection) {
  plan_.targets = GroupOrder(absl::MakeConstSpan(&selection->target, 1));
  plan_.reason = selection->reason;
  plan_.model = model_;
  // No others: they might lack what was asked for.
  plan_.rule.any = selection->fallbacks;
  if (steps_ != nullptr) {
    steps_->push_back({.rule = selection->reason,
                       .outcome = std::string(kChosen),
                       .detail = selection->result.Reasoning(),
                       .target = selection->target});
  }
  plan_.selection = std::move(selection);
}

void Router::Planning::AddCandidates(
    const ModelSelector::Candidates& candidates) {
  if (steps_ == nullptr) return;
  for (const SelectionCandidate& candidate : candidates) {
    // Which one is chosen, the step behind them says.
    std::string outcome = candidate.outcome == kChosen
                              ? std::string("qualifies")
                              : candidate.outcome;
    if (candidate.score.has_value()) {
      absl::StrAppend(&outcome,
                      absl::StrFormat("; score %.1f", *candidate.score));
    }
    steps_->push_back(
        {.rule = absl::StrCat("policy:", candidate.policy->id),
         .outcome = std::move(outcome),
         .target = router_.selector_.TargetOf(*candidate.policy)});
  }
}

absl::Status Router::Planning::Refuse() const {
  if (tier_.has_value()) return RefuseTier();
  if (model_.empty()) return RefuseUnnamed();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                absl::StrCat("model '", ToAbsl(model_), "' cannot be served: ",
                             WhyNoRule(), ", and ", WhyNoDefault()));
  AddFaultMetadata(fault, "model", model_);
  return fault;
}

absl::Status Router::Planning::RefuseTier() const {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_MODEL_NOT_FOUND,
      absl::StrCat("tier '", ToAbsl(*tier_), "' cannot be served: ",
                   skipped_ == nullptr
                       ? "routing.model_tier_rules has none of this name"
                       : WhyNoRule()));
  AddFaultMetadata(fault, "model", query_.model);
  return fault;
}

absl::Status Router::Planning::RefuseUnnamed() const {
  if (skipped_ == nullptr && !router_.knows_default_model_) {
    return InvalidField("model",
                        "is required: no rule for the call's agent or tags, "
                        "nor routing.default_target, names one");
  }
  return MakeFault(
      v1::ERROR_REASON_MODEL_NOT_FOUND,
      absl::StrCat("the request names no model: ",
                   skipped_ == nullptr ? "no rule is for its agent or tags"
                                       : WhyNoRule(),
                   ", and ", WhyNoDefault()));
}

std::string Router::Planning::WhyNoRule() const {
  const RouteGroup* skipped = skipped_;
  if (skipped == nullptr) {
    // Rules that cannot be followed are not in the index.
    const ModelRules& rules = router_.model_rules_;
    for (size_t i = 0; i < rules.groups.size() && skipped == nullptr; ++i) {
      if (rules.matchers[i].Matches(model_)) skipped = &rules.groups[i];
    }
  }
  if (skipped == nullptr) return "no rule knows it";
  if (skipped->LeftOut().empty()) {
    return absl::StrCat("the targets of its rule, ", ToAbsl(skipped->reason()),
                        ", name no model");
  }
  return absl::StrCat("provider '", ToAbsl(skipped->LeftOut()),
                      "' of its rule has no credential");
}

std::string Router::Planning::WhyNoDefault() const {
  if (IsStrict()) return "routing is strict";
  if (!router_.default_.has_value()) return "no default target is configured";
  if (router_.default_->LeftOut().empty()) {
    return "the default target names no model";
  }
  return absl::StrCat("the default provider '",
                      ToAbsl(router_.default_->LeftOut()),
                      "' has no credential");
}

Router::Router(const RoutingConfig& config, const TargetHealth& health,
               std::shared_ptr<SelectionState> selection)
    : health_(health),
      strict_(config.strict()),
      selector_(config.selection(), health,
                selection != nullptr ? std::move(selection)
                                     : std::make_shared<SelectionState>(1)),
      default_(DefaultGroup(config, health)),
      common_(FallbackGroup(config.fallbacks(), health)),
      context_length_(
          FallbackGroup(config.failure_fallbacks().context_length(), health)),
      content_policy_(
          FallbackGroup(config.failure_fallbacks().content_policy(), health)),
      rate_limit_(
          FallbackGroup(config.failure_fallbacks().rate_limit(), health)) {
  AddModelRules(config);
  for (const auto& rule : config.agent_rules()) {
    const std::string agent = absl::AsciiStrToLower(rule.agent_type());
    agents_.try_emplace(agent, GroupOf(rule, absl::StrCat("agent_rule:", agent),
                                       config, health));
  }
  for (const auto& rule : config.domain_tag_rules()) {
    tags_.push_back(
        {rule.tag(), GroupOf(rule, absl::StrCat("domain_tag:", rule.tag()),
                             config, health)});
  }
  AddTiers(config);
  AddInference(config);
  const auto names_model = [](const RouteGroup& group) {
    return group.CanServe("");
  };
  knows_default_model_ =
      !config.default_target().model().empty() ||
      std::any_of(agents_.begin(), agents_.end(),
                  [&](const auto& rule) { return names_model(rule.second); }) ||
      std::any_of(tags_.begin(), tags_.end(),
                  [&](const TagRule& rule) { return names_model(rule.group); });
}

void Router::AddModelRules(const RoutingConfig& config) {
  std::vector<ModelRuleIndex::Rule> rules;
  for (const ModelRule& rule : config.model_rules()) {
    ModelMatcher& matcher = model_rules_.matchers.emplace_back(rule);
    RouteGroup& group = model_rules_.groups.emplace_back(GroupOf(
        rule, absl::StrCat("model_rule:", matcher.text()), config, health_));
    if (group.size() == 0) continue;
    model_rules_.followable.push_back(model_rules_.groups.size() - 1);
  }
  for (const size_t number : model_rules_.followable) {
    rules.push_back({MatchOf(config.model_rules(static_cast<int>(number))),
                     model_rules_.matchers[number].text()});
  }
  model_rules_.index = std::make_unique<ModelRuleIndex>(rules);
}

void Router::AddTiers(const RoutingConfig& config) {
  std::vector<ModelTierRule> rules;
  for (const auto& rule : config.model_tier_rules()) {
    const std::string tier = absl::AsciiStrToLower(rule.tier());
    tiers_.try_emplace(tier, GroupOf(rule, absl::StrCat("model_tier:", tier),
                                     config, health_));
    rules.push_back({.tier = tier, .contains = ""});
    for (const std::string& text : rule.contains()) {
      rules.push_back({.tier = tier, .contains = text});
    }
  }
  if (!rules.empty()) model_tiers_ = std::make_unique<ModelTiers>(rules);
}

void Router::AddInference(const RoutingConfig& config) {
  if (!config.agent_inference().enabled()) return;
  for (const auto& rule : config.agent_rules()) {
    const std::string agent = absl::AsciiStrToLower(rule.agent_type());
    inferred_agents_.try_emplace(
        agent,
        GroupOf(rule, absl::StrCat("inferred_agent:", agent), config, health_));
  }
  std::vector<AgentPhrases> configured;
  for (const auto& agent : config.agent_inference().agents()) {
    configured.push_back(
        {agent.agent_type(), {agent.phrases().begin(), agent.phrases().end()}});
  }
  const auto has_rule = [this](std::string_view agent) {
    return inferred_agents_.contains(ToAbsl(agent));
  };
  agent_inference_ = std::make_unique<AgentInference>(
      configured.empty() ? CommonAgentPhrases()
                         : absl::Span<const AgentPhrases>(configured),
      has_rule);
}

absl::StatusOr<RoutePlan> Router::Plan(const RouteQuery& query, Random& random,
                                       std::vector<RouteStep>* steps) const {
  return Planning(*this, query, random, steps).Run();
}

}  // namespace gateway
