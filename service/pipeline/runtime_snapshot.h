// RuntimeSnapshot is everything that one configuration amounts to, put
// together: the providers, the rules, the limits. A call holds the runtime
// snapshot it began with, so that the rules do not change under it when another
// is put into use (current_runtime.h).
//
// Thread contract: shared by all loops. Immutable, but for parts that are
// thread-safe: the models that discovery finds, the schemas that SchemaCache
// keeps, whose turn it is among targets and credentials, what has been learned
// of targets, what was taken of limits, and the share of a rollout.

#ifndef SERVICE_PIPELINE_RUNTIME_SNAPSHOT_H_
#define SERVICE_PIPELINE_RUNTIME_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/secret.h"
#include "providers/registry/registry.h"
#include "providers/schema/schema_cache.h"
#include "service/audit/audit_log.h"
#include "service/audit/audit_policy.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/audit/redaction/plain_names.h"
#include "service/budgets/budget_rules.h"
#include "service/budgets/budget_table.h"
#include "service/config/snapshot.h"
#include "service/identity/trusted_proxies.h"
#include "service/limits/key_limit_rules.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rules.h"
#include "service/money/operator_prices.h"
#include "service/money/price_table.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/authenticator.h"
#include "service/pipeline/caller_access.h"
#include "service/pipeline/caller_methods.h"
#include "service/pipeline/context_service.h"
#include "service/pipeline/model_catalog.h"
#include "service/pipeline/model_discovery.h"
#include "service/pipeline/ports.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/target_obstacles.h"
#include "service/resilience/resilience_state.h"
#include "service/resilience/retry.h"
#include "service/resilience/target_board.h"
#include "service/routing/rollout_switch.h"
#include "service/routing/route_target.h"
#include "service/routing/router.h"
#include "service/routing/selection/selection_state.h"
#include "service/routing/target_health.h"
#include "service/tools/tool_service.h"

namespace gateway {

// Returns how many event loops there are by this configuration.
int EventLoopCount(const llmgateway::config::v1::RuntimeConfig& config);

class AnswerCache;
class ResumableStreams;
class SharedCalls;

class RuntimeSnapshot {
 public:
  // Takes over from `previous`, if it is not null, what does not depend on what
  // is configured otherwise now: providers, with their connections and the
  // credentials that cool; the models that they have said they have; what has
  // been learned of targets; what was taken of limits; schemas. Nothing of it
  // changes before the snapshot is put into use. INVALID_ARGUMENT names the
  // provider or the key that cannot be made.
  static absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> Make(
      std::shared_ptr<const ConfigSnapshot> config, const Ports& ports = {},
      const RuntimeSnapshot* previous = nullptr);

  // With providers that somebody else has made, in place of those of `config`.
  static std::shared_ptr<const RuntimeSnapshot> MakeWith(
      std::shared_ptr<const ConfigSnapshot> config,
      std::unique_ptr<const ProviderRegistry> providers,
      const Ports& ports = {});

  RuntimeSnapshot(const RuntimeSnapshot&) = delete;
  RuntimeSnapshot& operator=(const RuntimeSnapshot&) = delete;

  Clock& clock() const { return *ports_.clock; }
  const Ports& ports() const { return ports_; }
  const ConfigSnapshot& snapshot() const { return *config_; }
  const llmgateway::config::v1::GatewayConfig& config() const {
    return config_->config();
  }
  const ProviderRegistry& providers() const { return *providers_; }
  // Who may call, and who may operate.
  const CallerAccess& callers() const { return callers_; }
  const Authenticator& operators() const { return operators_; }
  // Who is believed where calls come from, by listener.
  struct Proxies {
    TrustedProxies grpc;
    TrustedProxies http;
    TrustedProxies admin;
    TrustedProxies admin_http;
  };
  const Proxies& proxies() const { return proxies_; }
  // How callers and operators have shown who they are, since the start.
  struct Authentications {
    std::shared_ptr<AuthenticationCounts> callers =
        std::make_shared<AuthenticationCounts>();
    std::shared_ptr<AuthenticationCounts> operators =
        std::make_shared<AuthenticationCounts>();
  };
  const Authentications& authentications() const { return authentications_; }
  const Router& router() const { return router_; }
  // Thread-safe; which share of the callers the rules are for now.
  RolloutSwitch& rollout() const { return *rollout_; }
  // What models cost, and what operators have said of that, which is
  // thread-safe and comes first. A call's prices are those of when it began:
  // IncomingCall::FindPrice.
  const PriceTable& prices() const { return prices_; }
  OperatorPrices& operator_prices() const { return *operator_prices_; }
  const RetryPolicy& retry() const { return retry_; }
  // Whether the configuration names a model, as the provider calls it.
  bool NamesModel(std::string_view provider, std::string_view model) const;
  // Thread-safe; what has been learned of providers so far.
  ResilienceState& resilience() const { return *resilience_; }
  // Thread-safe; whether calls may begin. Null if this configuration limits
  // neither calls nor memory.
  OverloadControl* overload() const { return limits_; }
  // Thread-safe; the context management service. Null if there is none.
  ContextService* contexts() const { return aides_.contexts.get(); }
  // Thread-safe; the tools that callers may run. Null if there are none.
  const ToolService* tools() const { return aides_.tools.get(); }
  // How much callers may ask for in a time, and what they have taken. The
  // counters are thread-safe.
  const LimitRules& limits() const { return rate_limits_; }
  // Thread-safe; the limits that keys have.
  KeyLimitRules& key_limits() const { return *key_limits_; }
  // What callers may spend; null if this configuration has no budgets.
  const BudgetRules* budgets() const { return budgets_.rules.get(); }
  // Thread-safe; what was spent, which outlasts configurations.
  BudgetTable& budget_table() const { return *budgets_.table; }
  const std::shared_ptr<BudgetTable>& shared_budget_table() const {
    return budgets_.table;
  }
  // Where limits are counted.
  const CounterStores& counter_stores() const { return counter_stores_; }
  // Thread-safe; what operators have given to nodes, and how calls of models
  // went.
  SelectionState& selection() const { return *selection_; }
  // Has what was learned of targets and credentials follow this configuration,
  // now that it comes into use. The first of a process does so by itself.
  void PutIntoUse() const;
  // REQUIRES: the entry is one of providers().
  const ProviderPolicy& PolicyOf(const ProviderRegistry::Entry& entry) const {
    return policies_[&entry - providers_->entries().data()];
  }
  // Returns why the target is not asked now; whether callers bring a credential
  // of their own is not known here, and taken to be so where they may.
  // REQUIRES: there is such a provider.
  TargetObstacle ObstacleOf(const RouteTarget& target) const;
  // The models by what is known now; `discovery` asks for more.
  std::shared_ptr<const ModelCatalog> catalog() const {
    return discovery_->catalog();
  }
  ModelDiscovery& discovery() const { return *discovery_; }
  // Thread-safe; what is in it changes nothing but the time it takes.
  SchemaCache& schemas() const { return *schemas_; }

  // Null if none is configured. What it has kept outlasts another
  // configuration that says the same of it and of all providers.
  const AnswerCache* answer_cache() const { return answer_cache_.get(); }

  // Where calls find those that they share an answer with.
  const SharedCalls& shared_calls() const { return *shared_calls_; }
  // Thread-safe; null if this configuration has no sessions.
  SessionStore* sessions() const {
    return config().has_sessions() ? ports_.sessions : nullptr;
  }

  // Thread-safe; null if this configuration has no audit log.
  AuditLog* audit() const {
    return aides_.audit == nullptr ? nullptr : ports_.audit;
  }
  // What this configuration says of it. REQUIRES: audit() is not null.
  const AuditPolicy& audit_policy() const { return *aides_.audit; }

  // Takes keys, and the secrets of this configuration, out of short texts that
  // callers make up and that are recorded. Never null.
  const std::shared_ptr<const BodyRedactor>& key_redactor() const {
    return aides_.keys;
  }
  // In which names that one has found nothing.
  PlainNames& plain_names() const { return *aides_.plain_names; }

  // Where streams are found that their callers come back to; null if none can
  // be. It goes over to another configuration that says the same of it.
  ResumableStreams* resumable_streams() const {
    return resumable_streams_.get();
  }

  // What routing knows of the providers and their targets.
  const TargetHealth& health() const { return health_; }

 private:
  // What the router knows of the providers.
  class Health final : public TargetHealth {
   public:
    Health(const ProviderRegistry& providers, ResilienceState& resilience,
           const PriceTable& prices, const OperatorPrices& operator_prices,
           bool compares_targets, Clock& clock)
        : providers_(providers),
          resilience_(resilience),
          prices_(prices),
          operator_prices_(operator_prices),
          compares_targets_(compares_targets),
          clock_(clock) {}
    ProviderState StateOf(std::string_view provider) const override;
    std::string_view NameOf(std::string_view provider) const override;
    TargetLoad LoadOf(std::string_view provider,
                      std::string_view model) const override;
    std::vector<GroupMember*> CompareTargets(
        absl::Span<const RouteTarget> targets) const override;
    void AddStanding(const GroupMember& member,
                     TargetLoad* load) const override;
    std::optional<int64_t> PriceOf(std::string_view provider,
                                   std::string_view model) const override;

   private:
    const ProviderRegistry& providers_;
    ResilienceState& resilience_;
    const PriceTable& prices_;
    const OperatorPrices& operator_prices_;
    const bool compares_targets_;
    Clock& clock_;
  };

  struct Budgets {
    std::shared_ptr<BudgetTable> table;
    std::unique_ptr<const BudgetRules> rules;  // Null if there are none.
  };

  static std::shared_ptr<OperatorPrices> OperatorPricesAfter(
      const RuntimeSnapshot* previous);
  // By what is before them among the members.
  Budgets BudgetsAfter(const RuntimeSnapshot* previous) const;
  std::vector<ProviderPolicy> PoliciesAfter(
      const RuntimeSnapshot* previous) const;
  CallerMethods MethodsOfCallers() const;
  CallerMethods MethodsOfOperators() const;
  static Proxies ProxiesOf(const llmgateway::config::v1::Listeners& config);
  static std::shared_ptr<GuessLimit> GuessesOf(
      const llmgateway::config::v1::AuthConfig& config, const Ports& ports,
      const RuntimeSnapshot* previous);

  // What calls are served with besides providers, made anew by each
  // configuration. Each is null if there is none, unless it says else.
  struct Aides {
    std::unique_ptr<ContextService> contexts;
    std::unique_ptr<const ToolService> tools;
    std::shared_ptr<const AuditPolicy> audit;
    std::shared_ptr<const BodyRedactor> keys;  // Always there.
    std::unique_ptr<PlainNames> plain_names;   // So is this.
    // Which connections may still stand by.
    std::vector<Secret> former_secrets;
  };
  static absl::StatusOr<Aides> AidesOf(const ConfigSnapshot& config,
                                       const RuntimeSnapshot* previous);

  RuntimeSnapshot(std::shared_ptr<const ConfigSnapshot> config,
                  std::unique_ptr<const ProviderRegistry> providers,
                  Aides aides, const Ports& ports,
                  const RuntimeSnapshot* previous);

  // Each borrows from those before it.
  const Ports ports_;
  const std::shared_ptr<const ConfigSnapshot> config_;
  const std::unique_ptr<const ProviderRegistry> providers_;
  const std::shared_ptr<const ConfiguredModels> configured_models_;
  const std::shared_ptr<ResilienceState> resilience_;
  // Keeps what calls under this snapshot have found there; null before it is
  // put into use. Only PutIntoUse touches it.
  mutable std::shared_ptr<const void> learned_;
  const Aides aides_;
  const std::shared_ptr<OverloadControl> overload_;
  OverloadControl* const limits_;  // Null if there are none.
  const std::shared_ptr<SelectionState> selection_;
  const std::shared_ptr<RolloutSwitch> rollout_;
  const PriceTable prices_;
  const std::shared_ptr<OperatorPrices> operator_prices_;
  const std::vector<ProviderPolicy> policies_;
  const Health health_;
  const Proxies proxies_;
  // Taken over while `auth.guess_limit` stays as it is: what is owed stays.
  const std::shared_ptr<GuessLimit> guesses_;
  const Authentications authentications_;
  const CallerMethods caller_methods_;
  const CallerMethods operator_methods_;
  const CallerAccess callers_;
  const Authenticator operators_;
  const Router router_;
  const RetryPolicy retry_;
  const LimitRules rate_limits_;
  const std::shared_ptr<KeyLimitRules> key_limits_;
  const Budgets budgets_;
  mutable LocalCounterStore local_counters_;
  const CounterStores counter_stores_ = {.local = &local_counters_,
                                         .shared = ports_.shared_counters};
  const std::unique_ptr<ModelDiscovery> discovery_;
  const std::shared_ptr<SchemaCache> schemas_;
  const std::shared_ptr<const AnswerCache> answer_cache_;
  const std::shared_ptr<const SharedCalls> shared_calls_;
  const std::shared_ptr<ResumableStreams> resumable_streams_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RUNTIME_SNAPSHOT_H_
