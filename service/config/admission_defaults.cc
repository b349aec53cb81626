#include "service/config/admission_defaults.h"

#include <cstdint>

#include "llmgateway/config/v1/audit.pb.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "llmgateway/config/v1/cache.pb.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/config/v1/server.pb.h"
#include "llmgateway/config/v1/store.pb.h"
#include "llmgateway/config/v1/tracing.pb.h"
#include "service/config/fill_fields.h"
#include "service/config/store_validator.h"
#include "service/config/tools_defaults.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// As in kRanges of field_ranges.cc.
constexpr int64_t kLimitMax = 1'000'000'000'000;

// What RateLimit and KeyLimit have in common.
template <typename Limit>
void FillAmount(Limit* limit) {
  if (limit->unit() == configv1::LIMIT_UNIT_CONCURRENT_CALLS) return;
  FILL_TIME(*limit, window, 60'000);
  if (limit->unit() == configv1::LIMIT_UNIT_COST) return;
  // Of a limit that is no good, nothing else is.
  if (limit->limit() < 1 || limit->limit() > kLimitMax) return;
  FILL(*limit, burst, limit->limit());
}

void FillLimit(configv1::RateLimit* limit) {
  FILL_ENUM(*limit, mode, configv1::RateLimit::MODE_ENFORCE);
  FILL_ENUM(*limit, sharing, configv1::RateLimit::SHARING_LEASED);
  FillAmount(limit);
}

void FillGrants(configv1::CallerGrants* grants) {
  for (configv1::KeyLimit& limit : *grants->mutable_limits()) {
    FillKeyLimit(&limit);
  }
}

void FillMethods(configv1::AuthMethods* methods) {
  for (configv1::ApiKey& key : *methods->mutable_api_keys()) {
    FILL_ENUM(key, state, configv1::ApiKey::STATE_ACTIVE);
    for (configv1::KeyLimit& limit : *key.mutable_limits()) {
      FillKeyLimit(&limit);
    }
  }
  for (configv1::JwtIssuer& issuer : *methods->mutable_jwt_issuers()) {
    FILL_TEXT(issuer, caller_claim, "sub");
    FILL_TEXT(issuer, caller_prefix, "jwt:");
    FILL_TEXT(issuer, scopes_claim, "scope");
    FILL_TIME(issuer, clock_skew, 60'000);
    FILL_TIME(issuer, key_set_interval, 600'000);
    FillGrants(issuer.mutable_grants());
  }
  if (methods->has_client_certificates()) {
    FillGrants(methods->mutable_client_certificates()->mutable_grants());
  }
  if (methods->has_issued_keys()) {
    FILL_TIME(*methods->mutable_issued_keys(), rotation_grace, 86'400'000);
    FILL(*methods->mutable_issued_keys(), keys_limit, 100'000);
  }
}

// Operators make no calls.
void FillPriorities(configv1::AuthMethods* callers) {
  for (configv1::ApiKey& key : *callers->mutable_api_keys()) {
    FILL_ENUM(key, priority, configv1::PRIORITY_NORMAL);
  }
  for (configv1::JwtIssuer& issuer : *callers->mutable_jwt_issuers()) {
    FILL_ENUM(*issuer.mutable_grants(), priority, configv1::PRIORITY_NORMAL);
  }
  if (callers->has_client_certificates()) {
    FILL_ENUM(*callers->mutable_client_certificates()->mutable_grants(),
              priority, configv1::PRIORITY_NORMAL);
  }
}

void FillAuth(configv1::AuthConfig* auth) {
  FillMethods(auth->mutable_callers());
  FillPriorities(auth->mutable_callers());
  FillMethods(auth->mutable_operators());
  if (!auth->has_guess_limit()) return;
  FILL(*auth->mutable_guess_limit(), failures_limit, 20);
  FILL_TIME(*auth->mutable_guess_limit(), base_delay, 1'000);
}

void FillOverload(configv1::OverloadConfig* overload) {
  if (overload->has_concurrency()) {
    configv1::ConcurrencyConfig& concurrency = *overload->mutable_concurrency();
    FILL(concurrency, waiting_limit, 1000);
    FILL_TIME(concurrency, wait_timeout, 5'000);
    FILL_TIME(concurrency, overload_time, 500);
    FILL(concurrency, waiting_warning, 30);
  }
  if (overload->has_memory()) {
    configv1::MemoryConfig& memory = *overload->mutable_memory();
    FILL(memory, soft_percent, 80);
    FILL_TEXT(memory, cgroup_root, "/sys/fs/cgroup");
    FILL_TIME(memory, interval, 100);
  }
}

void FillAudit(configv1::AuditConfig* audit) {
  FILL_TEXT(*audit, file, "audit.db");
  FILL(*audit, retention_days, 30);
  FILL(*audit, unknown_callers_per_second, 10);
  FILL(*audit, refusals_per_second, 10);
  FILL(*audit, queue_entries_limit, 10'000);
  FILL(*audit, queue_bytes_limit, int64_t{64} << 20);
  for (configv1::AuditBodyRule& rule : *audit->mutable_bodies()) {
    FILL(rule, body_bytes_limit, int64_t{64} << 10);
  }
  configv1::AuditRedaction& redaction = *audit->mutable_redaction();
  if (redaction.patterns().empty()) {
    redaction.add_patterns(configv1::AuditRedaction::PATTERN_KEYS);
    redaction.add_patterns(configv1::AuditRedaction::PATTERN_TOKENS);
    redaction.add_patterns(configv1::AuditRedaction::PATTERN_EMAIL);
    redaction.add_patterns(configv1::AuditRedaction::PATTERN_CARD_NUMBER);
  }
}

void FillCache(configv1::CacheConfig* cache) {
  FILL_TIME(*cache, ttl, 3'600'000);
  FILL(*cache, entries_limit, 10'000);
  FILL(*cache, size_bytes_limit, int64_t{64} << 20);
  FILL(*cache, answer_bytes_limit, int64_t{1} << 20);
  FILL_ENUM(*cache, scope, configv1::CacheConfig::SCOPE_CALLER);
  if (cache->ignored_fields().empty()) {
    for (const char* field :
         {"user", "metadata", "safety_identifier", "prompt_cache_key"}) {
      cache->add_ignored_fields(field);
    }
  }
}

void FillIdempotency(configv1::IdempotencyConfig* idempotency) {
  FILL_TIME(*idempotency, ttl, 86'400'000);
  FILL(*idempotency, entries_limit, 10'000);
  FILL(*idempotency, size_bytes_limit, int64_t{64} << 20);
}

void FillResumableStreams(configv1::ResumableStreamsConfig* streams) {
  FILL(*streams, stream_bytes_limit, int64_t{1} << 20);
  FILL(*streams, size_bytes_limit, int64_t{64} << 20);
  FILL_TIME(*streams, grace, 30'000);
}

// In a file there is more room than in memory, and more of it is asked for: it
// outlasts the process.
void FillSessions(configv1::SessionsConfig* sessions, bool in_memory) {
  FILL_TIME(*sessions, ttl, 3'600'000);
  FILL(*sessions, sessions_limit, 10'000);
  FILL(*sessions, messages_limit, 1'000);
  FILL(*sessions, session_bytes_limit, int64_t{1} << 20);
  FILL(*sessions, size_bytes_limit, int64_t{in_memory ? 64 : 256} << 20);
}

void FillBudgets(configv1::BudgetsConfig* budgets) {
  FILL_ENUM(*budgets, mode, configv1::Budget::MODE_ENFORCE);
  FILL(*budgets, warn_threshold, 0.8);
  FILL(*budgets, expected_output_tokens, 1024);
  FILL_TEXT(*budgets, role_label, "role");
  FILL(*budgets, scopes_limit, 100'000);
  FILL_TIME(*budgets, share_interval, 100);
  FILL_TIME(*budgets, retention, int64_t{2160} * 3'600'000);
  for (configv1::Budget& rule : *budgets->mutable_rules()) {
    FILL_ENUM(rule, mode, budgets->mode());
    FILL(rule, warn_threshold, budgets->warn_threshold());
    if (rule.period() != configv1::Budget::PERIOD_UNSPECIFIED) {
      FILL_TEXT(rule, time_zone, "UTC");
    }
  }
  if (budgets->has_sessions()) {
    FILL_ENUM(*budgets->mutable_sessions(), mode, budgets->mode());
  }
}

void FillRedis(configv1::RedisConfig* redis) {
  FILL_ENUM(*redis, topology, configv1::RedisConfig::TOPOLOGY_STANDALONE);
  FILL(*redis, database, 0);
  FILL_TIME(*redis, timeout, 20);
  FILL_TEXT(*redis, prefix, "llmgw:");
}

void FillTracing(configv1::TracingConfig* tracing) {
  using configv1::TracingConfig;
  FILL_ENUM(*tracing, exporter,
            tracing->endpoint().empty() ? TracingConfig::EXPORTER_NONE
                                        : TracingConfig::EXPORTER_OTLP_GRPC);
  FILL(*tracing, sampling_ratio, 1);
  FILL_TIME(*tracing, slow_threshold, 60'000);
  FILL(*tracing, batch_spans_limit, 512);
  FILL_TIME(*tracing, batch_interval, 5'000);
  FILL(*tracing, queue_spans_limit, 8192);
  FILL_TIME(*tracing, timeout, 10'000);
  FILL_TEXT(*tracing, service_name, "llm-gateway");
  configv1::TraceStoreConfig& store = *tracing->mutable_store();
  FILL(store, traces_limit, 10'000);
  FILL(store, size_bytes_limit, int64_t{32} << 20);
  FILL_TIME(store, ttl, 86'400'000);
}

}  // namespace

void FillKeyLimit(configv1::KeyLimit* limit) { FillAmount(limit); }

void FillAdmission(configv1::GatewayConfig* config) {
  FillAuth(config->mutable_auth());
  for (configv1::RateLimit& limit : *config->mutable_rate_limits()) {
    FillLimit(&limit);
  }
  if (config->has_budgets()) FillBudgets(config->mutable_budgets());
  if (config->has_overload()) FillOverload(config->mutable_overload());
  if (config->has_cms()) {
    FILL(*config->mutable_cms(), enabled, true);
    FILL_TIME(*config->mutable_cms(), timeout, 5'000);
  }
  if (config->has_audit()) FillAudit(config->mutable_audit());
  if (config->has_cache()) FillCache(config->mutable_cache());
  if (config->has_idempotency()) {
    FillIdempotency(config->mutable_idempotency());
  }
  if (config->has_resumable_streams()) {
    FillResumableStreams(config->mutable_resumable_streams());
  }
  if (config->has_sessions()) {
    FillSessions(
        config->mutable_sessions(),
        RecordStoreEngine(*config) == configv1::StoreConfig::ENGINE_MEMORY);
  }
  if (config->has_redis()) FillRedis(config->mutable_redis());
  if (config->has_tracing()) FillTracing(config->mutable_tracing());
  if (config->has_tools()) FillTools(config->mutable_tools());
}

}  // namespace gateway
