#include "service/config/defaults.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/time_util.h"
#include "providers/provider_settings.h"
#include "service/config/admission_defaults.h"
#include "service/config/field_value.h"
#include "service/config/fill_fields.h"
#include "service/config/record_defaults.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;
using ::google::protobuf::util::TimeUtil;
using ::llmgateway::config::v1::AdaptiveConcurrencyConfig;
using ::llmgateway::config::v1::AlertsConfig;
using ::llmgateway::config::v1::BALANCING_UNSPECIFIED;
using ::llmgateway::config::v1::BALANCING_WEIGHTED;
using ::llmgateway::config::v1::CircuitBreakerConfig;
using ::llmgateway::config::v1::ConnectionPool;
using ::llmgateway::config::v1::CorsConfig;
using ::llmgateway::config::v1::COST_TIER_HIGH;
using ::llmgateway::config::v1::COST_TIER_MEDIUM;
using ::llmgateway::config::v1::COST_TIER_UNSPECIFIED;
using ::llmgateway::config::v1::CredentialCoolingConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::GrpcListener;
using ::llmgateway::config::v1::HttpListener;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::LimitsConfig;
using ::llmgateway::config::v1::LOG_FORMAT_JSON;
using ::llmgateway::config::v1::LOG_FORMAT_UNSPECIFIED;
using ::llmgateway::config::v1::LOG_LEVEL_INFO;
using ::llmgateway::config::v1::LOG_LEVEL_UNSPECIFIED;
using ::llmgateway::config::v1::LoggingConfig;
using ::llmgateway::config::v1::MetricsConfig;
using ::llmgateway::config::v1::ModelResilience;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::OutlierEjectionConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::ProviderResilience;
using ::llmgateway::config::v1::ResilienceConfig;
using ::llmgateway::config::v1::ResponseStoreConfig;
using ::llmgateway::config::v1::RetryBudgetConfig;
using ::llmgateway::config::v1::RetryConfig;
using ::llmgateway::config::v1::RolloutConfig;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::config::v1::RuntimeConfig;
using ::llmgateway::config::v1::SELECTION_STRATEGY_BALANCED;
using ::llmgateway::config::v1::SELECTION_STRATEGY_UNSPECIFIED;
using ::llmgateway::config::v1::SelectionConfig;
using ::llmgateway::config::v1::UpstreamTimeouts;
using ::llmgateway::config::v1::WeightedCredential;

constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;

// Fields of the HTTP APIs' answers that pages of other origins may see.
constexpr const char* kExposedHeaders[] = {
    "x-request-id",
    "request-id",
    "retry-after",
    "x-should-retry",
    "openai-processing-ms",
    "age",
    "x-llmgateway-answer-of",
    "x-llmgateway-budget-remaining-tokens",
    "x-llmgateway-budget-remaining-usd",
    "x-llmgateway-cache",
    "x-llmgateway-context-hash",
    "x-llmgateway-cost-usd",
    "x-llmgateway-dispatch-entry-id",
    "x-llmgateway-exchange-entry-id",
    "x-llmgateway-ledger-entry-id",
    "x-llmgateway-route",
    "x-llmgateway-warnings",
    "x-active-requests",
    "x-memory-pressure",
    "x-memory-rss-mb",
    "x-cms-routed",
    "x-cms-tier",
    "x-headroom-pct",
    "x-token-count",
    "x-token-limit",
    "x-ratelimit-limit",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "x-llmgateway-upstream-request-id",
    "x-llmgateway-upstream-ratelimit-limit-requests",
    "x-llmgateway-upstream-ratelimit-limit-tokens",
    "x-llmgateway-upstream-ratelimit-remaining-requests",
    "x-llmgateway-upstream-ratelimit-remaining-tokens",
    "x-llmgateway-upstream-ratelimit-reset-requests",
    "x-llmgateway-upstream-ratelimit-reset-tokens",
    "x-llmgateway-upstream-anthropic-ratelimit-requests-limit",
    "x-llmgateway-upstream-anthropic-ratelimit-requests-remaining",
    "x-llmgateway-upstream-anthropic-ratelimit-requests-reset",
    "x-llmgateway-upstream-anthropic-ratelimit-tokens-limit",
    "x-llmgateway-upstream-anthropic-ratelimit-tokens-remaining",
    "x-llmgateway-upstream-anthropic-ratelimit-tokens-reset",
    "x-llmgateway-upstream-anthropic-ratelimit-input-tokens-limit",
    "x-llmgateway-upstream-anthropic-ratelimit-input-tokens-remaining",
    "x-llmgateway-upstream-anthropic-ratelimit-input-tokens-reset",
    "x-llmgateway-upstream-anthropic-ratelimit-output-tokens-limit",
    "x-llmgateway-upstream-anthropic-ratelimit-output-tokens-remaining",
    "x-llmgateway-upstream-anthropic-ratelimit-output-tokens-reset"};

void FillGrpcListener(const char* address, GrpcListener* listener) {
  FILL_TEXT(*listener, address, address);
  if (listener->engine() == GrpcListener::ENGINE_UNSPECIFIED) {
    listener->set_engine(GrpcListener::ENGINE_NATIVE);
  }
  FILL(*listener, receive_message_bytes_limit, 4 * kMiB);
  FILL(*listener, metadata_bytes_limit, 16 * kKiB);
  FILL(*listener, concurrent_streams_limit, 1024);
  FILL(*listener, stream_window_bytes_limit, 64 * kKiB);
  FILL(*listener, connections_limit, 16384);
  FILL_TIME(*listener, handshake_timeout, 10'000);
  FILL_TIME(*listener, request_timeout, 60'000);
  FILL_TIME(*listener, write_stall_timeout, 60'000);
  FILL_TIME(*listener, keepalive_time, 120'000);
  FILL_TIME(*listener, keepalive_timeout, 20'000);
  FILL_TIME(*listener, connection_idle_limit, 900'000);
  FILL_TIME(*listener, connection_age_grace, 900'000);
  FILL(*listener, request_buffer_bytes_limit, 128 * kMiB);
}

// Sets the age, but not for the admin listener, whose calls watch for as long
// as somebody looks.
void FillAge(GrpcListener* listener) {
  FILL_TIME(*listener, connection_age_limit, 1'800'000);
}

void FillHttpListener(const char* address, HttpListener* listener) {
  FILL_TEXT(*listener, address, address);
  FILL(*listener, header_bytes_limit, 64 * kKiB);
  FILL(*listener, body_bytes_limit, 32 * kMiB);
  FILL_TIME(*listener, header_timeout, 10'000);
  FILL_TIME(*listener, idle_timeout, 120'000);
  FILL_TIME(*listener, body_stall_timeout, 30'000);
  FILL_TIME(*listener, body_timeout, 300'000);
  FILL_TIME(*listener, write_stall_timeout, 60'000);
  FILL(*listener, connections_limit, 16384);
  FILL(*listener, concurrent_streams_limit, 256);
  if (!listener->has_cors()) return;
  CorsConfig& cors = *listener->mutable_cors();
  if (cors.allowed_headers().empty()) cors.add_allowed_headers("*");
  if (cors.exposed_headers().empty()) {
    for (const char* name : kExposedHeaders) cors.add_exposed_headers(name);
  }
  FILL_TIME(cors, max_age, 600'000);
}

void FillHttpUpstream(const LimitsConfig& limits, HttpUpstream* http) {
  UpstreamTimeouts& timeouts = *http->mutable_timeouts();
  FILL_TIME(timeouts, connect, 3'000);
  FILL_TIME(timeouts, first_byte, 600'000);
  if (!timeouts.has_stream_first_byte()) {
    *timeouts.mutable_stream_first_byte() =
        std::min(timeouts.first_byte(), TimeUtil::SecondsToDuration(60));
  }
  FILL_TIME(timeouts, total, 600'000);
  if (!timeouts.has_first_content()) {
    *timeouts.mutable_first_content() =
        std::min(timeouts.total(), TimeUtil::SecondsToDuration(3600));
  }
  if (!timeouts.has_idle()) {
    *timeouts.mutable_idle() =
        std::min(timeouts.total(), TimeUtil::SecondsToDuration(600));
  }
  ConnectionPool& pool = *http->mutable_pool();
  FILL(pool, idle_connections_limit, 256);
  FILL_TIME(pool, idle_timeout, 60'000);
  FILL_TIME(pool, age_limit, 3'600'000);
  FILL(pool, http2_connections_limit, 64);
  FILL(*http, response_bytes_limit, limits.response_bytes_limit());
  if (http->http_version() == HttpUpstream::HTTP_VERSION_UNSPECIFIED) {
    http->set_http_version(HttpUpstream::HTTP_VERSION_AUTO);
  }
}

// Fills in the settings that the kind's table has defaults for.
void FillSettings(const ProviderKind& kind, Message* settings) {
  const google::protobuf::Reflection& reflection = *settings->GetReflection();
  for (const ProviderSetting& setting : kind.settings) {
    if (setting.value.empty()) continue;
    const google::protobuf::FieldDescriptor* const field =
        settings->GetDescriptor()->FindFieldByName(std::string(setting.field));
    assert(field != nullptr && !field->is_repeated());
    if (reflection.HasField(*settings, field)) continue;
    const absl::Status status = AssignText(setting.value, *field, settings);
    assert(status.ok());
    status.IgnoreError();
  }
}

void FillKind(const ProviderKinds& kinds, ProviderConfig* provider) {
  const ProviderKind* const kind = kinds.Find(*provider);
  if (kind == nullptr) return;  // Refused by the validator.
  if (kind->fill != nullptr) kind->fill(provider);
  FillSettings(*kind, MutableProviderSettings(provider));
  if (!provider->models().empty()) return;
  for (const std::string_view model : kind->models) {
    provider->add_models(std::string(model));
  }
}

void FillAdaptiveConcurrency(AdaptiveConcurrencyConfig* adaptive) {
  FILL(*adaptive, min_limit, 1);
  FILL(*adaptive, max_limit, 200);
  FILL(*adaptive, initial_limit,
       std::clamp(20, adaptive->min_limit(),
                  std::max(adaptive->min_limit(), adaptive->max_limit())));
  FILL(*adaptive, tolerance_percent, 50);
}

void FillProvider(const ProviderKinds& kinds, const LimitsConfig& limits,
                  ProviderConfig* provider) {
  if (provider->unsupported_parameters() ==
      ProviderConfig::UNSUPPORTED_PARAMETERS_UNSPECIFIED) {
    provider->set_unsupported_parameters(
        ProviderConfig::UNSUPPORTED_PARAMETERS_DROP);
  }
  int place = 0;
  for (WeightedCredential& credential : *provider->mutable_credentials()) {
    FILL(credential, weight, 1);
    FILL_TEXT(credential, name, absl::StrCat("credential-", ++place));
  }
  FillKind(kinds, provider);
  ProviderResilience& resilience = *provider->mutable_resilience();
  FILL(resilience, concurrent_attempts_limit, 0);
  for (ModelResilience& model : *resilience.mutable_models()) {
    FILL(model, concurrent_attempts_limit, 0);
  }
  if (resilience.has_adaptive_concurrency()) {
    FillAdaptiveConcurrency(resilience.mutable_adaptive_concurrency());
  }
  FILL_TIME(*resilience.mutable_health_check(), interval, 30'000);
  FILL_TIME(*resilience.mutable_health_check(), timeout, 5'000);
  Message* const settings = MutableProviderSettings(provider);
  if (settings == nullptr) return;
  HttpUpstream* const http = MutableHttpSettings(settings);
  if (http != nullptr) FillHttpUpstream(limits, http);
}

// Adds rules for models that are expected at their makers. A provider's name
// decides, so that nothing goes to a service that was not named for it.
void AddShippedRules(const ProviderKinds& kinds, GatewayConfig* config) {
  std::set<std::string, std::less<>> names;
  for (const ProviderConfig& provider : config->providers()) {
    names.insert(provider.name());
  }
  std::vector<const ProviderKind*> has_all_models;
  for (const ProviderKind* kind : kinds) {
    if (names.find(kind->name) == names.end()) continue;
    if (kind->has_all_models) has_all_models.push_back(kind);
    for (const std::string_view prefix : kind->model_prefixes) {
      ModelRule& rule = *config->mutable_routing()->add_model_rules();
      rule.set_prefix(std::string(prefix));
      rule.add_targets()->set_provider(std::string(kind->name));
    }
  }
  for (const ProviderKind* kind : has_all_models) {
    ModelRule& rule = *config->mutable_routing()->add_model_rules();
    rule.set_glob("*");
    rule.add_targets()->set_provider(std::string(kind->name));
  }
}

void FillSelection(SelectionConfig* selection) {
  if (selection->default_strategy() == SELECTION_STRATEGY_UNSPECIFIED) {
    selection->set_default_strategy(SELECTION_STRATEGY_BALANCED);
  }
  FILL(*selection, fallback_enabled, true);
  for (auto& policy : *selection->mutable_policies()) {
    if (policy.cost_tier() == COST_TIER_UNSPECIFIED) {
      policy.set_cost_tier(COST_TIER_MEDIUM);
    }
    FILL(policy, context_window_tokens, 8'000);
    FILL_TEXT(policy, input_cost_per_1k, "0.001");
    FILL_TEXT(policy, output_cost_per_1k, "0.003");
    FILL(policy, admin_overridable, true);
  }
  for (auto& node : *selection->mutable_nodes()) {
    FILL(node, context_window_tokens_min, 4'000);
    if (node.cost_tier_max() == COST_TIER_UNSPECIFIED) {
      node.set_cost_tier_max(COST_TIER_HIGH);
    }
  }
}

void FillRouting(const ProviderKinds& kinds, GatewayConfig* config) {
  RoutingConfig& routing = *config->mutable_routing();
  // Whoever has rules of another kind means them to be reached.
  const bool has_rules = !routing.model_rules().empty() ||
                         !routing.agent_rules().empty() ||
                         !routing.domain_tag_rules().empty() ||
                         !routing.model_tier_rules().empty();
  if (!has_rules) AddShippedRules(kinds, config);
  if (routing.balancing() == BALANCING_UNSPECIFIED) {
    routing.set_balancing(BALANCING_WEIGHTED);
  }
  RolloutConfig& rollout = *routing.mutable_rollout();
  FILL(rollout, enabled, true);
  FILL(rollout, percentage, 100);
  FillSelection(routing.mutable_selection());
}

void FillLimits(LimitsConfig* limits) {
  FILL(*limits, messages_limit, 10'000);
  FILL(*limits, tools_limit, 512);
  FILL(*limits, labels_limit, 16);
  FILL(*limits, hold_back_bytes_limit, 256 * kKiB);
  FILL(*limits, sse_event_bytes_limit, 32 * kMiB);
  FILL(*limits, response_bytes_limit, 64 * kMiB);
}

void FillEjection(OutlierEjectionConfig* ejection) {
  FILL(*ejection, consecutive_failures, 5);
  FILL_TIME(*ejection, interval, 10'000);
  FILL(*ejection, success_rate_deviation, 1.9);
  FILL(*ejection, latency_percent, 300);
  FILL_TIME(*ejection, base_ejection, 30'000);
  if (!ejection->has_ejection_limit()) {
    *ejection->mutable_ejection_limit() =
        std::max(ejection->base_ejection(), TimeUtil::SecondsToDuration(300));
  }
  FILL(*ejection, ejected_percent_limit, 50);
  FILL_TIME(*ejection, slow_start, 30'000);
}

void FillResilience(ResilienceConfig* resilience) {
  FILL_TIME(*resilience, call_timeout, 900'000);
  RetryConfig& retry = *resilience->mutable_retry();
  FILL(retry, attempts_limit, 3);
  FILL_TIME(retry, backoff_base, 250);
  FILL(retry, backoff_multiplier, 2);
  FILL_TIME(retry, backoff_limit, 8'000);
  FILL_TIME(retry, retry_after_limit, 60'000);
  CircuitBreakerConfig& breaker = *resilience->mutable_circuit_breaker();
  if (breaker.mode() == CircuitBreakerConfig::MODE_UNSPECIFIED) {
    breaker.set_mode(CircuitBreakerConfig::MODE_ENFORCE);
  }
  FILL(breaker, consecutive_failures, 5);
  FILL(breaker, failure_percent, 50);
  FILL_TIME(breaker, window, 30'000);
  FILL(breaker, minimum_calls, 20);
  FILL_TIME(breaker, open_duration, 30'000);
  FILL(breaker, half_open_probes, 1);
  RetryBudgetConfig& budget = *resilience->mutable_retry_budget();
  FILL(budget, percent, 20);
  FILL(budget, minimum, 3);
  CredentialCoolingConfig& cooling = *resilience->mutable_credential_cooling();
  FILL_TIME(cooling, default_cooling, 5'000);
  FILL_TIME(cooling, cooling_limit, 300'000);
  FillEjection(resilience->mutable_outlier_ejection());
  FILL(*resilience->mutable_hedging(), cost_limit_usd_nanos, 0);
  FILL(*resilience, disable_model_after_failures, 0);
}

void FillLogging(LoggingConfig* logging) {
  if (logging->level() == LOG_LEVEL_UNSPECIFIED) {
    logging->set_level(LOG_LEVEL_INFO);
  }
  FILL(*logging, access_log, true);
  FILL(*logging, access_log_refusals_per_second, 10);
  if (logging->format() == LOG_FORMAT_UNSPECIFIED) {
    logging->set_format(LOG_FORMAT_JSON);
  }
  if (logging->has_rotation()) {
    auto& rotation = *logging->mutable_rotation();
    FILL(rotation, size_bytes_limit, 0);
    FILL_TIME(rotation, interval, 0);
    FILL(rotation, files_limit, 10);
  }
}

void FillMetrics(MetricsConfig* metrics) {
  FILL(*metrics, model_labels_limit, 512);
  FILL(*metrics, watch_events_limit, 1024);
  FILL(*metrics, caller_labels_limit, 256);
  FILL(*metrics, history_hours, 168);
  FILL(*metrics, recent_requests_limit, 1000);
  FILL(*metrics, agent_labels_limit, 128);
  FILL(*metrics, project_labels_limit, 256);
  FILL(*metrics, groups_limit, 1000);
}

void FillAlerts(AlertsConfig* alerts) {
  FILL_TIME(*alerts, interval, 15'000);
  for (auto& rule : *alerts->mutable_rules()) {
    FILL_TIME(rule, window, 300'000);
    FILL(rule, calls_min, 10);
  }
  for (auto& action : *alerts->mutable_actions()) {
    if (!action.has_webhook()) continue;
    FILL_TIME(*action.mutable_webhook(), timeout, 5'000);
  }
}

void FillRuntime(RuntimeConfig* runtime) {
  FILL(*runtime, event_loops, 0);
  FILL_TIME(*runtime, drain_grace, 30'000);
  FILL(*runtime, request_buffer_bytes_limit, 256 * kMiB);
  FILL(*runtime, answer_buffer_bytes_limit, 512 * kMiB);
  FILL(*runtime, watch_files, true);
}

void FillResponseStore(ResponseStoreConfig* store) {
  FILL_TIME(*store, ttl, 3'600'000);
  FILL(*store, entries_limit, 10'000);
  FILL(*store, size_bytes_limit, 64 * kMiB);
}

}  // namespace

void ApplyDefaults(const ProviderKinds& kinds, GatewayConfig* config) {
  auto& listeners = *config->mutable_listeners();
  FillGrpcListener("127.0.0.1:50051", listeners.mutable_grpc());
  FillAge(listeners.mutable_grpc());
  FillHttpListener("127.0.0.1:8080", listeners.mutable_http());
  FillGrpcListener("127.0.0.1:50052", listeners.mutable_admin());
  FillHttpListener("127.0.0.1:9464", listeners.mutable_operations());
  if (listeners.has_admin_http()) {
    FillHttpListener("127.0.0.1:50053", listeners.mutable_admin_http());
  }

  FillLimits(config->mutable_limits());
  for (ProviderConfig& provider : *config->mutable_providers()) {
    FillProvider(kinds, config->limits(), &provider);
  }
  FillRouting(kinds, config);

  FillResilience(config->mutable_resilience());
  FillAdmission(config);
  FillRecords(config);
  if (config->has_alerts()) FillAlerts(config->mutable_alerts());
  FillLogging(config->mutable_logging());
  FillMetrics(config->mutable_metrics());
  FillRuntime(config->mutable_runtime());
  FillResponseStore(config->mutable_response_store());
}

void UseFreePorts(GatewayConfig* config) {
  constexpr char kFreePort[] = "127.0.0.1:0";
  auto& listeners = *config->mutable_listeners();
  FILL_TEXT(*listeners.mutable_grpc(), address, kFreePort);
  FILL_TEXT(*listeners.mutable_http(), address, kFreePort);
  FILL_TEXT(*listeners.mutable_admin(), address, kFreePort);
  FILL_TEXT(*listeners.mutable_operations(), address, kFreePort);
  if (!listeners.has_admin_http()) return;
  FILL_TEXT(*listeners.mutable_admin_http(), address, kFreePort);
}

}  // namespace gateway
