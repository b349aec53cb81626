#include "service/routing/router.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

using ::llmgateway::type::v1::Target;

void KeepStep(std::string_view rule, std::string_view outcome,
              std::vector<RouteStep>* steps) {
  steps->push_back({std::string(rule), std::string(outcome)});
}

// Most calls have nobody who asks for the steps.
inline void AddStep(std::vector<RouteStep>* steps, std::string_view rule,
                    std::string_view outcome) {
  if (steps != nullptr) KeepStep(rule, outcome, steps);
}

std::string_view OutcomeOf(ProviderState state) {
  switch (state) {
    case ProviderState::kReady:
      return "chosen";
    case ProviderState::kNoCredential:
      return "no credential";
    case ProviderState::kUnknown:
      break;
  }
  return "no such provider";
}

constexpr std::string_view kTierPrefix = "tier:";

absl::Status TiersAreNotServed() {
  constexpr std::string_view kWhy = "tiers are not served yet; name a model";
  absl::Status fault = MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                                 absl::StrCat("model: ", ToAbsl(kWhy)));
  AddFaultMetadata(fault, "field", "model");
  AddFieldViolation(fault, "model", kWhy);
  return fault;
}

// Makes a plan; `model` is the caller's.
RoutePlan To(const Target& target, std::string_view model,
             std::string_view reason) {
  if (!target.model().empty()) model = target.model();
  return {.targets = {{target.provider(), model}}, .reason = reason};
}

}  // namespace

Router::Router(const llmgateway::config::v1::RoutingConfig& config,
               const TargetHealth& health)
    : health_(health),
      default_(config.default_target()),
      strict_(config.strict()) {
  for (const llmgateway::config::v1::ModelRule& rule : config.model_rules()) {
    ModelMatcher matcher(rule);
    std::string reason = absl::StrCat("model_rule:", matcher.text());
    rules_.push_back({std::move(matcher), rule.targets(0), std::move(reason)});
  }
}

absl::StatusOr<RoutePlan> Router::Plan(const RouteQuery& query,
                                       std::vector<RouteStep>* steps) const {
  if (query.model.empty()) return PlanUnnamed(query, steps);
  if (query.model.starts_with(kTierPrefix)) return TiersAreNotServed();
  if (!query.provider.empty()) return PlanExplicit(query, steps);
  const Rule* skipped = nullptr;
  for (const Rule& rule : rules_) {
    if (!rule.matcher.Matches(query.model)) {
      AddStep(steps, rule.reason, "no match");
      continue;
    }
    const ProviderState state = health_.StateOf(rule.target.provider());
    AddStep(steps, rule.reason, OutcomeOf(state));
    if (state != ProviderState::kReady) {
      if (skipped == nullptr) skipped = &rule;
      continue;
    }
    return To(rule.target, query.model, rule.reason);
  }
  return PlanDefault(query, skipped, steps);
}

absl::StatusOr<RoutePlan> Router::PlanUnnamed(
    const RouteQuery& query, std::vector<RouteStep>* steps) const {
  // A provider that the caller names need not have the default's model.
  if (!query.provider.empty() || !knows_default_model()) {
    return InvalidField(
        "model", query.provider.empty()
                     ? "is required: routing.default_target names none"
                     : "is required where a provider is named");
  }
  const ProviderState state = health_.StateOf(default_.provider());
  AddStep(steps, "default", OutcomeOf(state));
  if (state == ProviderState::kReady) return To(default_, "", "default");
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_MODEL_NOT_FOUND,
      absl::StrCat("the request names no model, and the default provider '",
                   default_.provider(), "' has no credential"));
  AddFaultMetadata(fault, "model", default_.model());
  return fault;
}

absl::StatusOr<RoutePlan> Router::PlanExplicit(
    const RouteQuery& query, std::vector<RouteStep>* steps) const {
  const ProviderState state = health_.StateOf(query.provider);
  AddStep(steps, "explicit", OutcomeOf(state));
  switch (state) {
    case ProviderState::kReady:
      // The name in the plan is the registry's, which lasts; the query's may
      // not.
      return RoutePlan{
          .targets = {{health_.NameOf(query.provider), query.model}},
          .reason = "explicit"};
    case ProviderState::kNoCredential: {
      absl::Status fault = MakeFault(
          v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
          absl::StrCat("provider '", ToAbsl(query.provider),
                       "' has no credential: set the one that its api_key "
                       "names"));
      AddFaultMetadata(fault, "provider", query.provider);
      return fault;
    }
    case ProviderState::kUnknown:
      break;
  }
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_NOT_FOUND,
                absl::StrCat("provider '", ToAbsl(query.provider),
                             "' is not configured"));
  AddFaultMetadata(fault, "provider", query.provider);
  return fault;
}

absl::StatusOr<RoutePlan> Router::PlanDefault(
    const RouteQuery& query, const Rule* skipped,
    std::vector<RouteStep>* steps) const {
  std::string why_not;
  if (strict_) {
    AddStep(steps, "default", "strict");
    why_not = "routing is strict";
  } else if (default_.provider().empty()) {
    why_not = "no default target is configured";
  } else {
    const ProviderState state = health_.StateOf(default_.provider());
    AddStep(steps, "default", OutcomeOf(state));
    if (state == ProviderState::kReady) {
      return To(default_, query.model, "default");
    }
    why_not = absl::StrCat("the default provider '", default_.provider(),
                           "' has no credential");
  }
  const std::string why =
      skipped == nullptr
          ? "no rule knows it"
          : absl::StrCat("provider '", skipped->target.provider(),
                         "' of its rule has no credential");
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_MODEL_NOT_FOUND,
      absl::StrCat("model '", ToAbsl(query.model), "' cannot be served: ", why,
                   ", and ", why_not));
  AddFaultMetadata(fault, "model", query.model);
  return fault;
}

}  // namespace gateway
