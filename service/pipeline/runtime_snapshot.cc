#include "service/pipeline/runtime_snapshot.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/os/random.h"
#include "base/os/thread.h"
#include "base/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "proto/proto_time.h"
#include "service/audit/redaction/key_redactor.h"
#include "service/cache/resumable_streams.h"
#include "service/money/configured_price.h"
#include "service/money/cost.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/configured_audit.h"
#include "service/pipeline/configured_models.h"
#include "service/pipeline/configured_secrets.h"
#include "service/pipeline/shared_calls.h"

namespace gateway {
namespace {

// What an operator has said goes on to count while the configuration says the
// same as when he said it.
std::shared_ptr<RolloutSwitch> RolloutOf(
    const llmgateway::config::v1::RolloutConfig& config,
    const std::shared_ptr<RolloutSwitch>& previous) {
  auto next = std::make_shared<RolloutSwitch>(config);
  const bool same =
      previous != nullptr && previous->configured() == next->configured();
  return same ? previous : next;
}

// Callers must not know it, or they could choose what shares a counter.
KeySecret NewSecret(const Ports& ports) {
  return {ports.secure_random->Bits(), ports.secure_random->Bits()};
}

bool SaysTheSameOfStreams(const llmgateway::config::v1::GatewayConfig& a,
                          const llmgateway::config::v1::GatewayConfig& b) {
  return a.has_resumable_streams() == b.has_resumable_streams() &&
         a.resumable_streams().SerializeAsString() ==
             b.resumable_streams().SerializeAsString();
}

// Null if none can be resumed.
std::shared_ptr<ResumableStreams> NewResumableStreams(
    const llmgateway::config::v1::GatewayConfig& config, Clock& clock) {
  if (!config.has_resumable_streams()) return nullptr;
  const auto& said = config.resumable_streams();
  const auto stream_bytes = static_cast<size_t>(said.stream_bytes_limit());
  return std::make_shared<ResumableStreams>(
      ResumableStreams::Limits{
          .streams = std::max<size_t>(
              static_cast<size_t>(said.size_bytes_limit()) / stream_bytes, 1),
          .ring = {.size_bytes = stream_bytes, .keep = ToAbsl(said.grace())}},
      clock);
}

}  // namespace

int EventLoopCount(const llmgateway::config::v1::RuntimeConfig& config) {
  return config.event_loops() > 0 ? config.event_loops() : AvailableCores();
}

absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> RuntimeSnapshot::Make(
    std::shared_ptr<const ConfigSnapshot> config, const Ports& ports,
    const RuntimeSnapshot* previous) {
  const auto existing =
      [&](std::string_view name) -> std::shared_ptr<const Provider> {
    if (ports.registered != nullptr) {
      const auto registered = ports.registered->find(name);
      if (registered != ports.registered->end()) return registered->second;
    }
    if (previous == nullptr) return nullptr;
    const ProviderRegistry::Entry* const entry =
        previous->providers().Find(name);
    const bool same =
        entry != nullptr && config->HasSameProvider(previous->snapshot(), name);
    return same ? entry->provider : nullptr;
  };
  const auto credentials_of = [&config](std::string_view name) {
    ProviderRegistry::Credentials credentials;
    credentials.absent = config->CredentialOf(name) ==
                         ConfigSnapshot::Credential::kAbsent;
    for (const auto& [key_name, key, weight] : config->CredentialsOf(name)) {
      credentials.present.push_back({key_name, key, weight});
    }
    return credentials;
  };
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<const ProviderRegistry> providers,
      ProviderRegistry::Make(config->kinds(), config->config().providers(),
                             credentials_of, config->config().limits(),
                             existing));
  GATEWAY_ASSIGN_OR_RETURN(Aides aides, AidesOf(*config, previous));
  return std::shared_ptr<const RuntimeSnapshot>(
      new RuntimeSnapshot(std::move(config), std::move(providers),
                          std::move(aides), ports, previous));
}

std::shared_ptr<const RuntimeSnapshot> RuntimeSnapshot::MakeWith(
    std::shared_ptr<const ConfigSnapshot> config,
    std::unique_ptr<const ProviderRegistry> providers, const Ports& ports) {
  Aides aides = *AidesOf(*config, /*previous=*/nullptr);
  return std::shared_ptr<const RuntimeSnapshot>(
      new RuntimeSnapshot(std::move(config), std::move(providers),
                          std::move(aides), ports, /*previous=*/nullptr));
}

absl::StatusOr<RuntimeSnapshot::Aides> RuntimeSnapshot::AidesOf(
    const ConfigSnapshot& config, const RuntimeSnapshot* previous) {
  Aides aides;
  if (previous != nullptr) {
    aides.former_secrets = FormerSecrets(config, previous->snapshot(),
                                         previous->aides_.former_secrets);
  }
  GATEWAY_ASSIGN_OR_RETURN(aides.contexts,
                           ContextService::Make(config.config().cms()));
  if (config.config().has_tools()) {
    GATEWAY_ASSIGN_OR_RETURN(
        aides.tools,
        ToolService::Make(config.config().tools(), config.tools_credential()));
  }
  GATEWAY_ASSIGN_OR_RETURN(aides.audit,
                           AuditPolicyOf(config, aides.former_secrets));
  aides.keys = std::make_shared<const BodyRedactor>(
      KeyRedactorWith(ConfiguredSecretDigests(config, aides.former_secrets)));
  aides.plain_names = std::make_unique<PlainNames>(SecureRandom());
  return aides;
}

RuntimeSnapshot::RuntimeSnapshot(
    std::shared_ptr<const ConfigSnapshot> config,
    std::unique_ptr<const ProviderRegistry> providers, Aides aides,
    const Ports& ports, const RuntimeSnapshot* previous)
    : ports_(ports),
      config_(std::move(config)),
      providers_(std::move(providers)),
      configured_models_(std::make_shared<const ConfiguredModels>(
          ConfiguredModelsOf(config_->config(), *providers_))),
      resilience_(previous != nullptr
                      ? previous->resilience_
                      : std::make_shared<ResilienceState>(config_->config())),
      aides_(std::move(aides)),
      overload_(previous != nullptr
                    ? previous->overload_
                    : std::make_shared<OverloadControl>(
                          *ports_.clock, config_->config().overload())),
      limits_(LimitsAnything(config_->config().overload()) ? overload_.get()
                                                           : nullptr),
      selection_(previous != nullptr
                     ? previous->selection_
                     : std::make_shared<SelectionState>(
                           EventLoopCount(config_->config().runtime()))),
      rollout_(RolloutOf(config_->config().routing().rollout(),
                         previous == nullptr ? nullptr : previous->rollout_)),
      prices_(PricesOf(config_->config().prices())),
      operator_prices_(OperatorPricesAfter(previous)),
      policies_(PoliciesAfter(previous)),
      health_(*providers_, *resilience_, prices_, *operator_prices_,
              config_->config().resilience().outlier_ejection().enabled(),
              *ports_.clock),
      proxies_(ProxiesOf(config_->config().listeners())),
      guesses_(GuessesOf(config_->config().auth(), ports_, previous)),
      authentications_(previous == nullptr ? Authentications()
                                           : previous->authentications_),
      caller_methods_(MethodsOfCallers()),
      operator_methods_(MethodsOfOperators()),
      callers_(*config_, *ports_.clock, caller_methods_),
      operators_(config_->operator_keys(), *ports_.clock, operator_methods_),
      router_(config_->config().routing(), health_, selection_),
      retry_(config_->config().resilience().retry()),
      rate_limits_(config_->config().rate_limits(),
                   previous != nullptr ? previous->rate_limits_.secret()
                                       : NewSecret(ports_),
                   previous == nullptr ? nullptr : &previous->rate_limits_),
      key_limits_(previous != nullptr
                      ? previous->key_limits_
                      : std::make_shared<KeyLimitRules>(rate_limits_.secret())),
      budgets_(BudgetsAfter(previous)),
      discovery_(std::make_unique<ModelDiscovery>(
          *providers_, config_->config().routing(), *ports_.clock)),
      schemas_(previous != nullptr ? previous->schemas_
                                   : std::make_shared<SchemaCache>()),
      answer_cache_(AnswerCache::Make(
          config_->config(), *ports_.clock, ports_.shared_answers,
          previous != nullptr ? previous->answer_cache() : nullptr)),
      shared_calls_(SharedCalls::Make(
          config_->config(), *ports_.clock, ports_.key_claims,
          previous != nullptr ? &previous->shared_calls() : nullptr)),
      resumable_streams_(
          previous != nullptr &&
                  SaysTheSameOfStreams(config_->config(), previous->config())
              ? previous->resumable_streams_
              : NewResumableStreams(config_->config(), *ports_.clock)) {
  if (previous != nullptr) discovery_->TakeOver(*previous->discovery_);
  if (previous == nullptr) PutIntoUse();
}

RuntimeSnapshot::Budgets RuntimeSnapshot::BudgetsAfter(
    const RuntimeSnapshot* previous) const {
  Budgets budgets;
  budgets.table = previous != nullptr
                      ? previous->budgets_.table
                      : std::make_shared<BudgetTable>(rate_limits_.secret());
  if (!config().has_budgets()) return budgets;
  const auto counts = [&budgets](const std::string& name) {
    return budgets.table->CountsOf(name);
  };
  budgets.rules = std::make_unique<const BudgetRules>(
      config().budgets(), rate_limits_.secret(), counts);
  return budgets;
}

std::shared_ptr<OperatorPrices> RuntimeSnapshot::OperatorPricesAfter(
    const RuntimeSnapshot* previous) {
  return previous != nullptr ? previous->operator_prices_
                             : std::make_shared<OperatorPrices>();
}

std::vector<ProviderPolicy> RuntimeSnapshot::PoliciesAfter(
    const RuntimeSnapshot* previous) const {
  const auto limits_before =
      [previous](std::string_view name) -> const CredentialLimits* {
    if (previous == nullptr) return nullptr;
    const ProviderRegistry::Entry* const entry =
        previous->providers().Find(name);
    return entry == nullptr
               ? nullptr
               : previous->PolicyOf(*entry).credential_limits.get();
  };
  return MakeProviderPolicies(*config_, *providers_, *resilience_,
                              limits_before);
}

CallerMethods RuntimeSnapshot::MethodsOfCallers() const {
  return CallerMethodsOf(config_->config().auth().callers(),
                         config_->caller_key_sets(), guesses_,
                         authentications_.callers, ports_);
}

CallerMethods RuntimeSnapshot::MethodsOfOperators() const {
  return CallerMethodsOf(config_->config().auth().operators(),
                         config_->operator_key_sets(), guesses_,
                         authentications_.operators, ports_);
}

RuntimeSnapshot::Proxies RuntimeSnapshot::ProxiesOf(
    const llmgateway::config::v1::Listeners& config) {
  return {.grpc = TrustedProxies(config.grpc().trusted_proxies()),
          .http = TrustedProxies(config.http().trusted_proxies()),
          .admin = TrustedProxies(config.admin().trusted_proxies()),
          .admin_http = TrustedProxies(config.admin_http().trusted_proxies())};
}

std::shared_ptr<GuessLimit> RuntimeSnapshot::GuessesOf(
    const llmgateway::config::v1::AuthConfig& config, const Ports& ports,
    const RuntimeSnapshot* previous) {
  if (previous != nullptr && previous->guesses_ != nullptr &&
      config.has_guess_limit() &&
      google::protobuf::util::MessageDifferencer::Equals(
          config.guess_limit(), previous->config().auth().guess_limit())) {
    return previous->guesses_;
  }
  return GuessLimitOf(config, ports);
}

void RuntimeSnapshot::PutIntoUse() const {
  shared_calls_->PutIntoUse();
  caller_methods_.Use();
  operator_methods_.Use();
  std::shared_ptr<const void> learned =
      resilience_->Apply(config(), clock().SteadyTime());
  resilience_->targets.SetConfigured(configured_models_);
  overload_->Apply(config().overload());
  if (budgets_.rules != nullptr) {
    budgets_.table->SetOptions(
        {.scopes_limit = static_cast<size_t>(config().budgets().scopes_limit()),
         .retention = budgets_.rules->retention()});
    budgets_.table->SetShared(config().budgets().shared() &&
                              ports_.budget_sharer != nullptr);
  }
  if (audit() != nullptr) audit()->Use(aides_.audit);
  // Since the first time: that keeps what is forgotten later, too.
  if (learned_ == nullptr) learned_ = std::move(learned);
  for (const ProviderRegistry::Entry& entry : providers_->entries()) {
    resilience_->providers.UseCredentials(entry.name,
                                          PolicyOf(entry).credentials);
  }
}

TargetObstacle RuntimeSnapshot::ObstacleOf(const RouteTarget& target) const {
  const ProviderRegistry::Entry& entry = *providers_->Find(target.provider);
  const ProviderPolicy& policy = PolicyOf(entry);
  return gateway::ObstacleOf(
      resilience_->targets.FindKnown(target.provider,
                                     entry.UpstreamModel(target.model)),
      policy, clock().SteadyTime(), policy.takes_callers_credential);
}

ProviderState RuntimeSnapshot::Health::StateOf(
    std::string_view provider) const {
  const ProviderRegistry::Entry* const entry = providers_.Find(provider);
  if (entry == nullptr) return ProviderState::kUnknown;
  return entry->credential_absent ? ProviderState::kNoCredential
                                  : ProviderState::kReady;
}

bool RuntimeSnapshot::NamesModel(std::string_view provider,
                                 std::string_view model) const {
  const auto named = configured_models_->find(provider);
  return named != configured_models_->end() && named->second.contains(model);
}

std::string_view RuntimeSnapshot::Health::NameOf(
    std::string_view provider) const {
  return providers_.Find(provider)->name;
}

TargetLoad RuntimeSnapshot::Health::LoadOf(std::string_view provider,
                                           std::string_view model) const {
  const TargetState& target = resilience_.targets.Find(
      provider, providers_.Find(provider)->UpstreamModel(model));
  const absl::Duration now = clock_.SteadyTime();
  const bool usable = LetsCallsThrough(target, now);
  return {
      .usable = usable,
      .out_of_use = !usable && IsOutOfUse(target, now),
      .avoided = target.probes.failing(),
      .in_flight = target.in_flight.load(std::memory_order_relaxed),
      .latency = target.latency.Average(now).value_or(absl::ZeroDuration())};
}

std::vector<GroupMember*> RuntimeSnapshot::Health::CompareTargets(
    absl::Span<const RouteTarget> targets) const {
  if (!compares_targets_) return {};
  std::vector<OutlierGroups::Name> names;
  for (const RouteTarget& target : targets) {
    names.push_back(
        {target.provider, providers_.Find(target.provider)
                              ->UpstreamModel(target.model)});
  }
  return resilience_.outliers.Find(names, clock_.SteadyTime());
}

void RuntimeSnapshot::Health::AddStanding(const GroupMember& member,
                                          TargetLoad* load) const {
  // Most never are, and to ask the time costs more than all else here.
  if (!member.was_ejected()) return;
  const int weight = member.WeightPermille(clock_.SteadyTime());
  if (weight == 0) {
    load->avoided = true;
  } else {
    load->weight_permille = static_cast<uint32_t>(weight);
  }
}

std::optional<int64_t> RuntimeSnapshot::Health::PriceOf(
    std::string_view provider, std::string_view model) const {
  // One without a model is asked for what the caller names.
  if (model.empty()) return std::nullopt;
  const ProviderRegistry::Entry& entry = *providers_.Find(provider);
  const std::shared_ptr<const PriceList> said = operator_prices_.Get();
  const ModelRates* const price =
      prices_.Find(PricedAs(entry), entry.UpstreamModel(model),
                   clock_.WallTime(), said.get());
  if (price == nullptr) return std::nullopt;
  return EstimateSelectionCost(*price, /*long_context=*/false,
                               /*reasoning=*/false)
      .nanos();
}

}  // namespace gateway
