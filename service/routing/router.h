// Router decides where a request goes and says why. The first that applies
// wins:
//
//   explicit provider  >  override of the node  >  agent rule  >  selection  >
//   domain tag  >  model rule  >  model tier  >  inferred agent  >
//   default target
//
// Whoever asks for a selection gets one, or is refused with what lacks: nothing
// behind it is looked at (model_selector.h).
//
// A rule none of whose targets has a credential is skipped. With `strict`, a
// model that no rule knows is refused instead of going to the default.
//
//   GATEWAY_ASSIGN_OR_RETURN(RoutePlan plan,
//                            router.Plan({.model = "gpt-5-mini"}, random));
//   plan.targets.At(0)->provider;  // "openai"
//   plan.reason;               // "model_rule:gpt-"
//
// Pure: no I/O, no clock, no provider; what it must know of the world comes
// through TargetHealth, and chance with each query. A query costs the same
// among ten thousand rules as among ten.
//
// Thread contract: shared by all loops; immutable, but for whose turn it is
// among the targets of a rule (balancing.h).

#ifndef SERVICE_ROUTING_ROUTER_H_
#define SERVICE_ROUTING_ROUTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/random.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/agent_inference.h"
#include "service/routing/fallback_plan.h"
#include "service/routing/group_order.h"
#include "service/routing/model_matcher.h"
#include "service/routing/model_rule_index.h"
#include "service/routing/model_selector.h"
#include "service/routing/model_tier.h"
#include "service/routing/route_group.h"
#include "service/routing/route_target.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_selection.h"
#include "service/routing/selection/selection_state.h"
#include "service/routing/target_health.h"

namespace gateway {

// The texts of a prompt, for whoever guesses by them which agent asks.
struct PromptTexts {
  std::vector<std::string_view> system;
  std::vector<std::string_view> user;
};

// What of a request decides where it goes. Empty where the caller says nothing.
struct RouteQuery {
  std::string_view model;
  std::string_view provider;
  std::string_view agent_type;
  absl::Span<const std::string_view> domain_tags;
  StickyKey sticky;
  // Asked only where agents are inferred, and no rule knows the call before
  // that; may be null.
  const absl::FunctionRef<PromptTexts()>* prompt = nullptr;
  // Null for a call that asks for no selection; then the others are not read.
  const SelectionQuery* selection = nullptr;
  const TargetLacks* lacks = nullptr;  // As of ModelSelector::Query.
  absl::Time now;                      // Wall time.
};

// Its texts are valid as long as the router, the query's texts and its chance.
struct RoutePlan {
  // Those that share the calls, the one to ask first; at least one, even if
  // they all rest.
  GroupOrder targets;
  // `explicit`, `override:<node>`, `agent_rule:<agent>`,
  // `selection:<strategy>`, `domain_tag:<tag>`, `model_rule:<what matched>`,
  // `model_tier:<tier>`, `inferred_agent:<agent>` or `default`.
  std::string_view reason;
  // What a fallback without a model is asked for: the request's own, and
  // nothing if that is a tier.
  std::string_view model;
  // Whom to ask when they have failed. Nobody if the caller named the provider.
  FallbackChain rule;
  FallbackChain common;
  // What the call names that its model must be able to do, where another rule
  // than a selection has led to the targets: each of them must be known to have
  // it. What a selection chooses has it anyway.
  CapabilitySet named_capabilities = 0;
  // How the model was chosen by what the call needs; null if it was not.
  std::shared_ptr<const RouteSelection> selection;
  // Where steps are kept: all the targets of the rule, also those that rest or
  // are disabled, and what was left out of it and of the fallbacks, since it
  // has no credential. Empty otherwise.
  std::vector<RouteTarget> named;
};

// A rule that was considered, for operators who ask why.
struct RouteStep {
  std::string rule;     // As in RoutePlan::reason.
  std::string outcome;  // `chosen`, `no match`, `no credential`, ...
  // Of a selection: more of what was chosen, and where it would go.
  std::string detail;
  RouteTarget target;
};

class Router {
 public:
  // Borrows `health`. Without a `selection` it has one of its own. REQUIRES:
  // the configuration has passed validation.
  Router(const llmgateway::config::v1::RoutingConfig& config,
         const TargetHealth& health,
         std::shared_ptr<SelectionState> selection = nullptr);

  // What calls that ask for a selection are chosen by.
  const ModelSelector& selector() const { return selector_; }

  // True if a request that names no model may be routed: the default target
  // names one, or another rule may choose it.
  bool knows_default_model() const { return knows_default_model_; }

  // Faults: INVALID_REQUEST without a model where there must be one,
  // PROVIDER_NOT_FOUND for an unknown explicit provider, PROVIDER_AUTH_FAILED
  // for one without a credential, those of SelectModel, MODEL_NOT_FOUND when
  // nothing applies.
  // `steps`, if not null, receives every rule that was considered.
  absl::StatusOr<RoutePlan> Plan(const RouteQuery& query, Random& random,
                                 std::vector<RouteStep>* steps = nullptr) const;

 private:
  class Planning;

  struct ModelRules {
    std::vector<ModelMatcher> matchers;
    std::vector<RouteGroup> groups;  // By rule.
    // Of the rules that can be followed, and their numbers.
    std::unique_ptr<ModelRuleIndex> index;
    std::vector<size_t> followable;
  };
  struct TagRule {
    std::string tag;
    RouteGroup group;
  };
  // By a name in lower case.
  using NamedGroups = absl::flat_hash_map<std::string, RouteGroup>;

  void AddModelRules(const llmgateway::config::v1::RoutingConfig& config);
  void AddTiers(const llmgateway::config::v1::RoutingConfig& config);
  void AddInference(const llmgateway::config::v1::RoutingConfig& config);

  const TargetHealth& health_;
  const bool strict_;
  const ModelSelector selector_;
  ModelRules model_rules_;
  NamedGroups agents_;
  NamedGroups inferred_agents_;
  std::vector<TagRule> tags_;
  NamedGroups tiers_;
  std::unique_ptr<ModelTiers> model_tiers_;          // Null without rules.
  std::unique_ptr<AgentInference> agent_inference_;  // Null if off.
  std::optional<RouteGroup> default_;
  // These have fallbacks only.
  RouteGroup common_;
  RouteGroup context_length_;
  RouteGroup content_policy_;
  RouteGroup rate_limit_;
  bool knows_default_model_ = false;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTER_H_
