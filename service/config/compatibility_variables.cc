#include "service/config/compatibility_variables.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "providers/provider_settings.h"
#include "service/config/cost_variables.h"
#include "service/config/environment.h"
#include "service/config/redis_url.h"
#include "service/config/tracing_variables.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::RepeatedPtrField;
using ::llmgateway::config::v1::Budget;
using ::llmgateway::config::v1::FailureFallbacks;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RateLimit;
using ::llmgateway::config::v1::RedisConfig;
using ::llmgateway::config::v1::RolloutConfig;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::config::v1::SelectionConfig;
using ::llmgateway::type::v1::Target;

// How a variable's text becomes a field's.
enum class Use {
  kText,         // As it is.
  kSeconds,      // A number of seconds.
  kRetries,      // Retries after the first attempt.
  kAttempts,     // All attempts; none counts as one.
  kLevel,        // A level of Python's logging.
  kOrigins,      // A list, with commas between its entries.
  kMebibytes,    // A number of mebibytes.
  kShare,        // A share, 0.8, or percents, 80.
  kElsewhere,    // Read by code of its own below.
  kNotFollowed,  // Warned of; `field` says why.
};

struct Variable {
  std::string_view name;
  Use use;
  const char* field = "";
};

// The limit that every client's address has where either of its variables is
// set.
constexpr char kClientLimit[] = "per-client";
constexpr int64_t kClientRequestsPerMinute = 60;
constexpr int64_t kClientBurst = 10;

// As many as resilience.retry.attempts_limit may be.
constexpr int32_t kAttemptsMax = 10;

// More than any machine has: 16 TiB.
constexpr int64_t kMebibytesMax = int64_t{16} << 20;

constexpr char kClients[] =
    "is for clients: the gateway makes no requests of its own";

constexpr Variable kVariables[] = {
    {"CMS_URL", Use::kText, "cms.url"},
    {"CODE_ORCHESTRATOR_URL", Use::kText, "tools.url"},
    {"CONTROL_PLANE_ROOT", Use::kElsewhere},
    {"ENABLE_COST_OPTIMIZATION", Use::kElsewhere},
    {"ENABLE_GATEWAY_V2", Use::kElsewhere},
    {"ENABLE_MODEL_TRACING", Use::kElsewhere},
    {"GATEWAY_FALLBACK_ENABLED", Use::kElsewhere},
    {"GATEWAY_MAX_RETRIES", Use::kRetries, "resilience.retry.attempts_limit"},
    {"GATEWAY_METRICS_RETENTION_HOURS", Use::kText, "metrics.history_hours"},
    {"GATEWAY_RETRY_DELAY", Use::kSeconds, "resilience.retry.backoff_base"},
    {"GATEWAY_TRACE_SAMPLING_RATE", Use::kElsewhere},
    {"GATEWAY_V2_ENABLED", Use::kElsewhere},
    {"GATEWAY_V2_PERCENTAGE", Use::kText, "routing.rollout.percentage"},
    {"LLM_API_KEY", Use::kElsewhere},
    {"LLM_BASE_URL", Use::kElsewhere},
    {"LLM_COST_LIMIT_USD", Use::kElsewhere},
    {"LLM_COST_WARN_USD", Use::kElsewhere},
    {"LLM_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD", Use::kText,
     "resilience.circuit_breaker.consecutive_failures"},
    {"LLM_GATEWAY_CIRCUIT_BREAKER_RECOVERY_TIMEOUT_SECONDS", Use::kSeconds,
     "resilience.circuit_breaker.open_duration"},
    {"LLM_GATEWAY_CIRCUIT_BREAKER_RESET_TIMEOUT", Use::kSeconds,
     "resilience.circuit_breaker.open_duration"},
    {"LLM_GATEWAY_CORS_ORIGINS", Use::kOrigins},
    {"LLM_GATEWAY_DEFAULT_MODEL", Use::kElsewhere},
    {"LLM_GATEWAY_ENABLE_FILE_LOGGING", Use::kElsewhere},
    {"LLM_GATEWAY_ENVIRONMENT", Use::kNotFollowed,
     "changes nothing here; what a stage needs, its configuration says"},
    {"LLM_GATEWAY_LOG_FILE_PATH", Use::kText, "logging.file"},
    {"LLM_GATEWAY_LOG_LEVEL", Use::kLevel, "logging.level"},
    {"LLM_GATEWAY_MAX_CONCURRENT_REQUESTS", Use::kText,
     "overload.concurrency.calls_limit"},
    {"LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT", Use::kShare,
     "overload.memory.soft_percent"},
    {"LLM_GATEWAY_MEMORY_THRESHOLD_MB", Use::kMebibytes,
     "overload.memory.size_bytes_limit"},
    {"LLM_GATEWAY_METRICS_ENABLED", Use::kNotFollowed,
     "changes nothing: metrics are always served"},
    {"LLM_GATEWAY_PORT", Use::kElsewhere},
    {"LLM_GATEWAY_QUEUE_WARNING_THRESHOLD", Use::kElsewhere},
    {"LLM_GATEWAY_RATE_LIMIT_BURST", Use::kElsewhere},
    {"LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE", Use::kElsewhere},
    {"LLM_GATEWAY_REDIS_POOL_SIZE", Use::kNotFollowed,
     "changes nothing: each event loop has one connection, and a second one "
     "for what is large"},
    {"LLM_GATEWAY_REDIS_URL", Use::kElsewhere},
    {"LLM_GATEWAY_SESSION_TTL_SECONDS", Use::kSeconds, "sessions.ttl"},
    {"LLM_GATEWAY_TRACING_ENABLED", Use::kElsewhere},
    {"LLM_LOG_FORMAT", Use::kText, "logging.format"},
    {"LLM_LOG_LEVEL", Use::kLevel, "logging.level"},
    {"LLM_MAX_RETRIES", Use::kAttempts, "resilience.retry.attempts_limit"},
    {"LLM_MAX_TOKENS", Use::kNotFollowed, kClients},
    {"LLM_MODEL", Use::kElsewhere},
    {"LLM_PROVIDER", Use::kElsewhere},
    {"LLM_TEMPERATURE", Use::kNotFollowed, kClients},
    {"LLM_TIMEOUT_SECONDS", Use::kSeconds, "resilience.call_timeout"},
    {"LLM_TRACE_ENABLED", Use::kElsewhere},
    {"LLM_TRACE_ENDPOINT", Use::kElsewhere},
    {"LLM_TRACE_EXPORTER", Use::kElsewhere},
    {"LLM_TRACE_SERVICE_NAME", Use::kElsewhere},
    {"OPENROUTER_BASE_URL", Use::kElsewhere},
    {"OPENROUTER_FALLBACK_ENABLED", Use::kElsewhere},
    {"OTLP_ENDPOINT", Use::kElsewhere},
    {"REDIS_URL", Use::kElsewhere},
};

// Returns the variable's value; empty if it is not set.
std::string_view Told(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : found->second;
}

// Python's levels, by the names that ours have; of an unknown one, `info`.
std::string LevelOf(std::string_view text) {
  const std::string level = absl::AsciiStrToLower(ToAbsl(text));
  if (level == "warning") return "warn";
  if (level == "critical" || level == "fatal") return "error";
  for (const char* ours : {"trace", "debug", "info", "warn", "error", "off"}) {
    if (level == ours) return level;
  }
  return "info";
}

class Variables {
 public:
  Variables(const Environment& environment, GatewayConfig* config,
            ConfigProblems* problems)
      : environment_(environment), config_(*config), problems_(*problems) {}

  void Apply() {
    for (const Variable& variable : kVariables) {
      const auto found = environment_.find(std::string(variable.name));
      if (found == environment_.end() || found->second.empty()) continue;
      ApplyOne(variable, found->second);
    }
    ApplyRollout();
    ApplyDefaultProvider();
    ApplyDefaultModel();
    ApplyProviders();
    ApplyLogging();
    ApplyWaitingWarning();
    ApplyClientLimit();
    ApplyCostBudget("LLM_COST_LIMIT_USD", "cost-limit", Budget::MODE_ENFORCE);
    ApplyCostBudget("LLM_COST_WARN_USD", "cost-warning", Budget::MODE_WARN);
    ApplyRedisUrl();
    ApplyCostOptimization();
    CheckSwitch("GATEWAY_FALLBACK_ENABLED");
    CheckSwitch("OPENROUTER_FALLBACK_ENABLED");
  }

 private:
  std::string_view Told(const char* name) const {
    return gateway::Told(environment_, name);
  }
  void Add(std::string_view name, std::string_view problem) {
    problems_.AddFrom(kVariableSource, name, problem);
  }
  void Warn(std::string_view name, std::string_view warning) {
    problems_.WarnFrom(kVariableSource, name, warning);
  }
  void Assign(std::string_view name, const char* path, std::string_view text) {
    const absl::Status status = AssignPath(path, text, &config_);
    if (!status.ok()) return Add(name, ToStd(status.message()));
    ToldBy(name, path);
  }
  // What is wrong with the field is the variable's fault from here on.
  void ToldBy(std::string_view name, std::string path) {
    problems_.TellAsFrom(std::move(path), kVariableSource, std::string(name));
  }

  // Returns nothing, and adds the problem, if it is set to anything else than a
  // switch.
  std::optional<bool> CheckSwitch(const char* name) {
    const std::string_view text = Told(name);
    if (text.empty()) return std::nullopt;
    const std::optional<bool> value = SwitchOf(text);
    if (!value.has_value()) Add(name, "must be true or false");
    return value;
  }

  void ApplyOne(const Variable& variable, const std::string& text) {
    switch (variable.use) {
      case Use::kText:
        return Assign(variable.name, variable.field, text);
      case Use::kLevel:
        return Assign(variable.name, variable.field, LevelOf(text));
      case Use::kSeconds: {
        const std::string seconds =
            absl::StrCat(absl::StripAsciiWhitespace(text), "s");
        if (!AssignPath(variable.field, seconds, &config_).ok()) {
          return Add(variable.name, "must be seconds, as in 1.5");
        }
        return ToldBy(variable.name, variable.field);
      }
      case Use::kRetries:
      case Use::kAttempts:
        return ApplyAttempts(variable, text);
      case Use::kOrigins:
        return ApplyOrigins(text);
      case Use::kMebibytes:
        return ApplyMebibytes(variable, text);
      case Use::kShare:
        return ApplyShare(variable, text);
      case Use::kNotFollowed:
        return Warn(variable.name, variable.field);
      case Use::kElsewhere:
        return;
    }
  }

  void ApplyAttempts(const Variable& variable, const std::string& text) {
    const bool is_retries = variable.use == Use::kRetries;
    const int32_t most = is_retries ? kAttemptsMax - 1 : kAttemptsMax;
    int32_t count = 0;
    if (!absl::SimpleAtoi(text, &count) || count < 0 || count > most) {
      return Add(variable.name,
                 absl::StrCat("must be a whole number, 0 to ", most));
    }
    const int32_t attempts = is_retries ? count + 1 : std::max(count, 1);
    Assign(variable.name, variable.field, absl::StrCat(attempts));
  }

  void ApplyMebibytes(const Variable& variable, const std::string& text) {
    int64_t mebibytes = 0;
    if (!absl::SimpleAtoi(text, &mebibytes) || mebibytes < 0 ||
        mebibytes > kMebibytesMax) {
      return Add(variable.name, "must be a whole number of MiB, as in 1024");
    }
    Assign(variable.name, variable.field, absl::StrCat(mebibytes << 20));
  }

  void ApplyShare(const Variable& variable, const std::string& text) {
    double share = 0;
    if (!absl::SimpleAtod(text, &share) || !(share > 0 && share <= 100)) {
      return Add(variable.name, "must be a share, as in 0.8, or percents");
    }
    const double percent = share <= 1 ? share * 100 : share;
    Assign(variable.name, variable.field, absl::StrCat(std::lround(percent)));
  }

  void ApplyOrigins(const std::string& text) {
    auto& cors = *config_.mutable_listeners()->mutable_http()->mutable_cors();
    cors.clear_allowed_origins();
    for (const absl::string_view origin : absl::StrSplit(text, ',')) {
      const absl::string_view one = absl::StripAsciiWhitespace(origin);
      if (!one.empty()) cors.add_allowed_origins(std::string(one));
    }
    ToldBy("LLM_GATEWAY_CORS_ORIGINS", "listeners.http.cors.allowed_origins");
  }

  // Either of two enables it.
  void ApplyRollout() {
    const std::optional<bool> one = CheckSwitch("ENABLE_GATEWAY_V2");
    const std::optional<bool> other = CheckSwitch("GATEWAY_V2_ENABLED");
    if (!one.has_value() && !other.has_value()) return;
    config_.mutable_routing()->mutable_rollout()->set_enabled(
        one.value_or(false) || other.value_or(false));
  }

  void ApplyCostOptimization() {
    const char* const name = "ENABLE_COST_OPTIMIZATION";
    const std::optional<bool> is_on = CheckSwitch(name);
    if (!is_on.has_value()) return;
    if (SetCostOptimization(*is_on, &config_)) {
      ToldBy(name, "routing.selection.default_strategy");
    } else if (*is_on) {
      Warn(name,
           "is not followed: it is how models are chosen, and there is no "
           "routing.selection with any");
    }
  }

  void ApplyDefaultProvider() {
    const std::string_view provider = Told("LLM_PROVIDER");
    if (provider.empty()) return;
    Target& target = *config_.mutable_routing()->mutable_default_target();
    // Another provider's model is not this one's.
    if (target.provider() != provider) target.clear_model();
    target.set_provider(std::string(provider));
    ToldBy("LLM_PROVIDER", "routing.default_target.provider");
  }

  void ApplyDefaultModel() {
    for (const char* name : {"LLM_GATEWAY_DEFAULT_MODEL", "LLM_MODEL"}) {
      const std::string_view model = Told(name);
      if (model.empty()) continue;
      if (config_.routing().default_target().provider().empty()) {
        Warn(name,
             "is not followed: no provider is named for it, by "
             "routing.default_target or LLM_PROVIDER");
        continue;
      }
      Assign(name, "routing.default_target.model", model);
    }
  }

  // Sets a text of the provider's settings; warns if its kind has none of this
  // name.
  void SetText(const char* variable, const char* field, std::string_view text,
               int place) {
    ProviderConfig* const provider = config_.mutable_providers(place);
    Message* const settings = MutableProviderSettings(provider);
    if (settings == nullptr) return;
    const FieldDescriptor* const found =
        settings->GetDescriptor()->FindFieldByName(field);
    if (found == nullptr) {
      return Warn(variable, absl::StrCat("is not followed: the provider '",
                                         provider->name(), "' has no ", field));
    }
    settings->GetReflection()->SetString(settings, found, std::string(text));
    const std::string path =
        ElementPath("providers", static_cast<size_t>(place));
    ToldBy(variable,
           JoinPath(JoinPath(path, ProviderKindName(*provider)), field));
  }

  void ApplyProviders() {
    const std::string& name = config_.routing().default_target().provider();
    const std::string_view base_url = Told("LLM_BASE_URL");
    const std::string_view openrouter = Told("OPENROUTER_BASE_URL");
    const bool has_key = !Told("LLM_API_KEY").empty();
    bool found = false;
    for (int i = 0; i < config_.providers_size(); ++i) {
      const ProviderConfig& provider = config_.providers(i);
      if (!openrouter.empty() && ProviderKindName(provider) == "openrouter") {
        SetText("OPENROUTER_BASE_URL", "base_url", openrouter, i);
      }
      if (provider.name() != name) continue;
      found = true;
      if (!base_url.empty()) SetText("LLM_BASE_URL", "base_url", base_url, i);
      if (has_key) SetText("LLM_API_KEY", "api_key", "env:LLM_API_KEY", i);
    }
    if (found) return;
    for (const char* variable : {"LLM_BASE_URL", "LLM_API_KEY"}) {
      if (Told(variable).empty()) continue;
      Warn(variable,
           "is not followed: it is for the provider of routing.default_target "
           "or LLM_PROVIDER, and none is configured");
    }
  }

  void ApplyLogging() {
    if (CheckSwitch("LLM_GATEWAY_ENABLE_FILE_LOGGING") == false) {
      config_.mutable_logging()->clear_file();
    }
  }

  // A queue that nobody waits in needs no warning.
  void ApplyWaitingWarning() {
    const char* const name = "LLM_GATEWAY_QUEUE_WARNING_THRESHOLD";
    const std::string_view text = Told(name);
    if (text.empty()) return;
    if (!config_.overload().has_concurrency()) {
      return Warn(name,
                  "is not followed: nobody waits without "
                  "overload.concurrency.calls_limit or "
                  "LLM_GATEWAY_MAX_CONCURRENT_REQUESTS");
    }
    Assign(name, "overload.concurrency.waiting_warning", text);
  }

  // One of two is enough; the other is then as it was where it had a default.
  void ApplyClientLimit() {
    const char* const rate = "LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE";
    const char* const burst = "LLM_GATEWAY_RATE_LIMIT_BURST";
    if (Told(rate).empty() && Told(burst).empty()) return;
    const size_t place = static_cast<size_t>(config_.rate_limits_size());
    RateLimit& limit = *config_.add_rate_limits();
    limit.set_name(kClientLimit);
    limit.set_unit(llmgateway::config::v1::LIMIT_UNIT_REQUESTS);
    limit.add_per(llmgateway::config::v1::LIMIT_DIMENSION_PEER);
    const std::string path = ElementPath("rate_limits", place);
    limit.set_limit(CountOf(rate, kClientRequestsPerMinute));
    limit.set_burst(CountOf(burst, kClientBurst));
    ToldBy(rate, JoinPath(path, "limit"));
    ToldBy(burst, JoinPath(path, "burst"));
  }

  // The variable's number; `otherwise` if it is not set, or is none.
  int64_t CountOf(const char* name, int64_t otherwise) {
    if (Told(name).empty()) return otherwise;
    int64_t count = 0;
    if (absl::SimpleAtoi(ToAbsl(Told(name)), &count)) return count;
    Add(name, "must be a whole number");
    return otherwise;
  }

  // What all calls together may cost, for ever; 0 is no limit.
  void ApplyCostBudget(const char* variable, const char* name,
                       Budget::Mode mode) {
    if (Told(variable).empty()) return;
    const absl::StatusOr<std::string> field =
        AddCostBudget(Told(variable), name, mode, &config_);
    if (!field.ok()) return Add(variable, ToStd(field.status().message()));
    if (!field->empty()) ToldBy(variable, *field);
  }

  void ApplyRedisUrl() {
    const char* name = "LLM_GATEWAY_REDIS_URL";
    if (Told(name).empty()) name = "REDIS_URL";
    const std::string_view text = Told(name);
    if (text.empty()) return;
    const absl::StatusOr<RedisUrl> url = ParseRedisUrl(text);
    if (!url.ok()) return Add(name, ToStd(url.status().message()));
    RedisConfig& redis = *config_.mutable_redis();
    redis.clear_topology();
    redis.clear_master_name();
    redis.clear_addresses();
    redis.add_addresses(url->address);
    ToldBy(name, "redis.addresses[0]");
    if (url->tls) redis.mutable_tls();
    if (url->database.has_value()) {
      redis.set_database(*url->database);
      ToldBy(name, "redis.database");
    }
    if (url->password.empty()) return;
    redis.set_username(url->user);
    redis.set_password(absl::StrCat("env:", name));
    ToldBy(name, "redis.password");
  }

  const Environment& environment_;
  GatewayConfig& config_;
  ConfigProblems& problems_;
};

template <typename Keep>
void Retain(RepeatedPtrField<Target>* targets, Keep keep) {
  for (int i = targets->size() - 1; i >= 0; --i) {
    if (!keep(targets->Get(i))) targets->DeleteSubrange(i, 1);
  }
}

// Keeps only such targets, in rules that have some then.
template <typename Rules, typename Keep>
void RetainInRules(Rules* rules, Keep keep) {
  for (int i = rules->size() - 1; i >= 0; --i) {
    Retain((*rules)[i].mutable_targets(), keep);
    Retain((*rules)[i].mutable_fallbacks(), keep);
    if ((*rules)[i].targets().empty()) rules->DeleteSubrange(i, 1);
  }
}

// Keeps policies of such targets, and of fallbacks those that are no policy
// that went.
template <typename Keep>
void RetainPolicies(SelectionConfig* selection, Keep keep) {
  auto& policies = *selection->mutable_policies();
  std::set<std::string> gone;
  for (int i = policies.size() - 1; i >= 0; --i) {
    if (keep(policies[i].target())) continue;
    gone.insert(policies[i].id());
    policies.DeleteSubrange(i, 1);
  }
  for (auto& policy : policies) {
    auto& fallbacks = *policy.mutable_fallback_models();
    for (int i = fallbacks.size() - 1; i >= 0; --i) {
      if (gone.contains(fallbacks[i])) fallbacks.DeleteSubrange(i, 1);
    }
  }
}

template <typename Keep>
void RetainTargets(RoutingConfig* routing, Keep keep) {
  RetainInRules(routing->mutable_model_rules(), keep);
  RetainInRules(routing->mutable_agent_rules(), keep);
  RetainInRules(routing->mutable_domain_tag_rules(), keep);
  RetainInRules(routing->mutable_model_tier_rules(), keep);
  Retain(routing->mutable_fallbacks(), keep);
  if (routing->has_failure_fallbacks()) {
    FailureFallbacks& failures = *routing->mutable_failure_fallbacks();
    Retain(failures.mutable_context_length(), keep);
    Retain(failures.mutable_content_policy(), keep);
    Retain(failures.mutable_rate_limit(), keep);
  }
  if (routing->has_default_target() && !keep(routing->default_target())) {
    routing->clear_default_target();
  }
  RolloutConfig& rollout = *routing->mutable_rollout();
  if (rollout.has_baseline() && !keep(rollout.baseline())) {
    rollout.clear_baseline();
  }
  RetainPolicies(routing->mutable_selection(), keep);
}

template <typename Rules>
void ClearFallbacksOf(Rules* rules) {
  for (auto& rule : *rules) rule.clear_fallbacks();
}

void ClearFallbacks(RoutingConfig* routing) {
  ClearFallbacksOf(routing->mutable_model_rules());
  ClearFallbacksOf(routing->mutable_agent_rules());
  ClearFallbacksOf(routing->mutable_domain_tag_rules());
  ClearFallbacksOf(routing->mutable_model_tier_rules());
  routing->clear_fallbacks();
  routing->clear_failure_fallbacks();
  routing->mutable_selection()->set_fallback_enabled(false);
}

}  // namespace

std::optional<bool> SwitchOf(std::string_view text) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(text));
  for (const char* yes : {"true", "1", "yes", "on"}) {
    if (lower == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off"}) {
    if (lower == no) return false;
  }
  return std::nullopt;
}

std::vector<std::string_view> CompatibilityVariables() {
  std::vector<std::string_view> names;
  for (const Variable& variable : kVariables) names.push_back(variable.name);
  return names;
}

bool IsCompatibilityVariable(std::string_view name) {
  return std::any_of(
      std::begin(kVariables), std::end(kVariables),
      [name](const Variable& variable) { return variable.name == name; });
}

void ApplyCompatibilityVariables(const Environment& environment,
                                 GatewayConfig* config,
                                 ConfigProblems* problems) {
  Variables(environment, config, problems).Apply();
  ApplyTracingVariables(environment, config, problems);
}

void ApplyCompatibilitySwitches(const ProviderKinds& kinds,
                                const Environment& environment,
                                GatewayConfig* config) {
  const auto is_off = [&environment](const char* name) {
    return SwitchOf(Told(environment, name)) == false;
  };
  if (is_off("GATEWAY_FALLBACK_ENABLED")) {
    ClearFallbacks(config->mutable_routing());
  }
  if (!is_off("OPENROUTER_FALLBACK_ENABLED")) return;
  RetainTargets(config->mutable_routing(), [&](const Target& target) {
    for (const ProviderConfig& provider : config->providers()) {
      if (provider.name() != target.provider()) continue;
      const ProviderKind* const kind = kinds.Find(provider);
      return kind == nullptr || !kind->has_all_models;
    }
    return true;
  });
}

}  // namespace gateway
