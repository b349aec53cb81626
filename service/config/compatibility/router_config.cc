#include "service/config/compatibility/router_config.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/time_util.h"
#include "service/config/config_problem.h"
#include "service/config/nearest_name.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::util::TimeUtil;
using ::llmgateway::compatibility::DomainTagRoute;
using ::llmgateway::compatibility::RouterCircuitBreaker;
using ::llmgateway::compatibility::RouterConfig;
using ::llmgateway::compatibility::RouterDevMode;
using ::llmgateway::compatibility::RouterProvider;
using ::llmgateway::compatibility::RouterProviderOptions;
using ::llmgateway::compatibility::RouterRetryPolicy;
using ::llmgateway::config::v1::AnthropicProvider;
using ::llmgateway::config::v1::CircuitBreakerConfig;
using ::llmgateway::config::v1::DomainTagRule;
using ::llmgateway::config::v1::MockProvider;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RetryConfig;
using ::llmgateway::config::v1::RoutingConfig;

// The classes that a provider may be of, and the names that stand for them
// where the file lists no such provider.
constexpr std::string_view kMockClass = "MockProvider";
constexpr std::string_view kAnthropicClass = "AnthropicProvider";
constexpr std::string_view kMockName = "mock";
constexpr std::string_view kAnthropicName = "anthropic";

// What the other system does where the file is silent.
constexpr int64_t kDefaultThreshold = 3;
constexpr int64_t kDefaultRecoveryMs = 30'000;
constexpr int64_t kDefaultHalfOpenMax = 1;
constexpr int64_t kDefaultPolicyRetries = 2;
constexpr int64_t kDefaultPolicyBackoffMs = 1000;
constexpr double kDefaultBackoffMultiplier = 2;
constexpr char kDefaultKeyVariable[] = "ANTHROPIC_API_KEY";
constexpr char kDefaultMockText[] = "Mock response";
constexpr char kDefaultMockModel[] = "mock-model-1";
constexpr int64_t kDefaultMockInputTokens = 100;
constexpr int64_t kDefaultMockOutputTokens = 50;

// Beside its own, of lines of JSON, which is another program's.
constexpr char kUsualLedger[] = "ledger/governance.db";

// Ours.
constexpr int64_t kTimeoutMsMin = 100;
constexpr int64_t kTimeoutMsMax = 86'400'000;
constexpr int64_t kFirstByteMsMax = 3'600'000;
constexpr int64_t kRouterRetriesMax = 9;
constexpr int64_t kBackoffMsMax = 60'000;
constexpr int64_t kBackoffLimitMs = 8000;
constexpr int64_t kBreakerMinimumCalls = 20;

class RouterConfigTranslator {
 public:
  RouterConfigTranslator(const RouterConfig& file, std::string_view section,
                         Translation* translation)
      : file_(file), section_(section), translation_(*translation) {}

  void Run();

 private:
  // The file's path of a field.
  std::string At(std::string_view field) const {
    return JoinPath(section_, field);
  }

  void CheckRequired();
  void AddProviders();
  void AddProvider(const std::string& name, std::string_view type,
                   const RouterProviderOptions& options,
                   const std::string& written);
  void FillMock(const RouterProviderOptions& options,
                const std::string& written, const std::string& field,
                ProviderConfig* config);
  void FillAnthropic(const RouterProviderOptions& options,
                     const std::string& written, const std::string& field,
                     ProviderConfig* config);
  // Warns of options that a class does not have.
  void WarnOfOthers(const RouterProviderOptions& options,
                    const std::set<std::string_view>& known,
                    const std::string& written);
  // Adds a provider that is only named, if its name tells its class.
  void AddNamed(const std::string& name, const std::string& written);
  void AddRouting();
  void AddTagRules();
  void AddBreaker(const RouterCircuitBreaker& breaker);
  void AddRetries();
  void AddRetryPolicy(const RouterRetryPolicy& policy, RetryConfig* retry);
  void AddBackoff(const std::string& written, int64_t backoff_ms,
                  RetryConfig* retry);
  void AddCallTimeout();
  void WarnOfDevMode(const RouterDevMode& dev_mode);

  const RouterConfig& file_;
  const std::string section_;
  Translation& translation_;
  std::set<std::string> names_;  // Of providers.
};

void RouterConfigTranslator::Run() {
  translation_.KeepsLedger(kUsualLedger);
  CheckRequired();
  AddProviders();
  AddRouting();
  AddBreaker(file_.circuit_breaker());
  AddRetries();
  AddCallTimeout();
  WarnOfDevMode(file_.dev_mode());
  // Last, since in a file without sections its own `providers` is called so.
  translation_.From(At(names_.empty() ? "default_provider" : "providers"),
                    "providers");
}

void RouterConfigTranslator::CheckRequired() {
  if (file_.default_provider().empty()) {
    translation_.Add(At("default_provider"), "is required");
  }
  if (file_.default_model().empty()) {
    translation_.Add(At("default_model"), "is required");
  }
  const std::string timeout = At("default_timeout_ms");
  if (!file_.has_default_timeout_ms()) {
    translation_.Add(timeout, "is required");
  } else {
    translation_.CheckRange(timeout, file_.default_timeout_ms(), kTimeoutMsMin,
                            kTimeoutMsMax);
  }
}

void RouterConfigTranslator::AddProviders() {
  const std::string path = At("providers");
  for (const auto& [name, provider] :
       translation_.InOrder(file_.providers(), path)) {
    const std::string written = EntryPath(path, name);
    // Behind its module, as in `adapters.AnthropicProvider`.
    std::string_view type = provider.provider_class();
    type.remove_prefix(type.find_last_of(".:") + 1);
    if (type != kMockClass && type != kAnthropicClass) {
      translation_.Add(
          JoinPath(written, "provider_class"),
          absl::StrCat("must be a class that is known",
                       Suggestion(type, {std::string(kMockClass),
                                         std::string(kAnthropicClass)})));
      type = kMockClass;
    }
    AddProvider(name, type, provider.config(), written);
  }
  AddNamed(file_.default_provider(), At("default_provider"));
  const std::string routes = At("domain_tag_routes");
  for (const auto& [tag, route] :
       translation_.InOrder(file_.domain_tag_routes(), routes)) {
    AddNamed(route.provider_id(), EntryPath(routes, tag));
  }
}

void RouterConfigTranslator::AddNamed(const std::string& name,
                                      const std::string& written) {
  if (names_.contains(name)) return;
  if (name == kMockName) AddProvider(name, kMockClass, {}, written);
  if (name == kAnthropicName) AddProvider(name, kAnthropicClass, {}, written);
  // Others are found missing when rules are checked, but for these, if there is
  // no provider at all.
  if (names_.empty() && !name.empty()) {
    translation_.Add(written,
                     "names a provider that 'providers' does not have");
  }
}

void RouterConfigTranslator::AddProvider(const std::string& name,
                                         std::string_view type,
                                         const RouterProviderOptions& options,
                                         const std::string& written) {
  names_.insert(name);
  const std::string field = ElementPath(
      "providers", static_cast<size_t>(translation_.config().providers_size()));
  ProviderConfig& config = *translation_.config().add_providers();
  config.set_name(name);
  translation_.From(written, field);
  const std::string option = JoinPath(written, "config");
  if (file_.dev_mode().use_mock_provider()) {
    FillMock({}, option, field, &config);
  } else if (type == kMockClass) {
    WarnOfOthers(options,
                 {"model", "text", "input_tokens", "output_tokens",
                  "latency_ms", "fail_after"},
                 option);
    FillMock(options, option, field, &config);
  } else {
    WarnOfOthers(options, {"base_url", "api_key_env", "model"}, option);
    FillAnthropic(options, option, field, &config);
  }
}

void RouterConfigTranslator::FillMock(const RouterProviderOptions& options,
                                      const std::string& written,
                                      const std::string& field,
                                      ProviderConfig* config) {
  config->add_models(options.model().empty() ? kDefaultMockModel
                                             : options.model());
  translation_.From(JoinPath(written, "model"), JoinPath(field, "models"));
  MockProvider& mock = *config->mutable_mock();
  mock.set_reply(options.text().empty() ? kDefaultMockText : options.text());
  mock.set_input_tokens(options.has_input_tokens() ? options.input_tokens()
                                                   : kDefaultMockInputTokens);
  mock.set_output_tokens(options.has_output_tokens()
                             ? options.output_tokens()
                             : kDefaultMockOutputTokens);
  const std::string latency = JoinPath(written, "latency_ms");
  if (translation_.CheckRange(latency, options.latency_ms(), 0,
                              kFirstByteMsMax)) {
    *mock.mutable_delay() =
        TimeUtil::MillisecondsToDuration(options.latency_ms());
  }
  const std::string fail_after = JoinPath(written, "fail_after");
  if (options.has_fail_after() &&
      translation_.CheckRange(fail_after, options.fail_after(), 0, 1'000'000)) {
    mock.set_fault(MockProvider::FAULT_SERVER_ERROR);
    mock.set_fault_after_calls(static_cast<int32_t>(options.fail_after()));
  }
  for (const char* same : {"input_tokens", "output_tokens"}) {
    translation_.From(JoinPath(written, same),
                      absl::StrCat(field, ".mock.", same));
  }
  translation_.From(JoinPath(written, "text"), JoinPath(field, "mock.reply"));
}

void RouterConfigTranslator::FillAnthropic(const RouterProviderOptions& options,
                                           const std::string& written,
                                           const std::string& field,
                                           ProviderConfig* config) {
  if (!options.model().empty()) config->add_models(options.model());
  translation_.From(JoinPath(written, "model"), JoinPath(field, "models"));
  AnthropicProvider& anthropic = *config->mutable_anthropic();
  const std::string kind = JoinPath(field, "anthropic");
  if (!options.base_url().empty()) {
    anthropic.set_base_url(options.base_url());
    translation_.From(JoinPath(written, "base_url"),
                      JoinPath(kind, "base_url"));
  }
  anthropic.set_api_key(absl::StrCat("env:", options.api_key_env().empty()
                                                 ? kDefaultKeyVariable
                                                 : options.api_key_env()));
  translation_.From(JoinPath(written, "api_key_env"),
                    JoinPath(kind, "api_key"));
  const int64_t timeout =
      std::clamp(file_.default_timeout_ms(), kTimeoutMsMin, kTimeoutMsMax);
  auto& timeouts = *anthropic.mutable_http()->mutable_timeouts();
  const auto first_byte =
      TimeUtil::MillisecondsToDuration(std::min(timeout, kFirstByteMsMax));
  *timeouts.mutable_total() = TimeUtil::MillisecondsToDuration(timeout);
  *timeouts.mutable_first_byte() = first_byte;
  *timeouts.mutable_stream_first_byte() = first_byte;
  translation_.From(At("default_timeout_ms"), JoinPath(kind, "http.timeouts"));
}

void RouterConfigTranslator::WarnOfOthers(
    const RouterProviderOptions& options,
    const std::set<std::string_view>& known, const std::string& written) {
  std::vector<const FieldDescriptor*> given;
  options.GetReflection()->ListFields(options, &given);
  for (const FieldDescriptor* field : given) {
    if (known.contains(field->name())) continue;
    translation_.Warn(JoinPath(written, field->name()),
                      "is not followed: it means nothing to this class");
  }
}

void RouterConfigTranslator::AddRouting() {
  const std::string& provider = file_.default_provider();
  if (provider.empty()) return;
  RoutingConfig& config = *translation_.config().mutable_routing();
  AddTagRules();
  // A call that names a model is for it, wherever it goes; one that names none
  // is for the default.
  ModelRule& rule = *config.add_model_rules();
  rule.set_glob("*");
  rule.add_targets()->set_provider(provider);
  config.mutable_default_target()->set_provider(provider);
  config.mutable_default_target()->set_model(file_.default_model());
  translation_.From(At("default_provider"), "routing.model_rules[0]");
  translation_.From(At("default_provider"), "routing.default_target");
  translation_.From(At("default_model"), "routing.default_target.model");
}

void RouterConfigTranslator::AddTagRules() {
  RoutingConfig& config = *translation_.config().mutable_routing();
  const std::string path = At("domain_tag_routes");
  translation_.From(path, "routing.domain_tag_rules");
  for (const auto& [tag, route] :
       translation_.InOrder(file_.domain_tag_routes(), path)) {
    const std::string written = EntryPath(path, tag);
    const std::string field =
        ElementPath("routing.domain_tag_rules",
                    static_cast<size_t>(config.domain_tag_rules_size()));
    DomainTagRule& rule = *config.add_domain_tag_rules();
    rule.set_tag(tag);
    rule.add_targets()->set_provider(route.provider_id());
    rule.mutable_targets(0)->set_model(route.model_id());
    translation_.From(written, field);
  }
}

void RouterConfigTranslator::AddBreaker(const RouterCircuitBreaker& breaker) {
  CircuitBreakerConfig& config =
      *translation_.config().mutable_resilience()->mutable_circuit_breaker();
  const std::string path = At("circuit_breaker");
  const int64_t threshold = breaker.has_failure_threshold()
                                ? breaker.failure_threshold()
                                : kDefaultThreshold;
  const int64_t recovery = breaker.has_recovery_timeout_ms()
                               ? breaker.recovery_timeout_ms()
                               : kDefaultRecoveryMs;
  const int64_t probes = breaker.has_half_open_max() ? breaker.half_open_max()
                                                     : kDefaultHalfOpenMax;
  if (translation_.CheckRange(JoinPath(path, "failure_threshold"), threshold, 1,
                              1000)) {
    config.set_consecutive_failures(static_cast<int32_t>(threshold));
    // Failures in a row alone open it: a share of all of so many calls is as
    // many in a row.
    config.set_failure_percent(100);
    config.set_minimum_calls(
        static_cast<int32_t>(std::max(threshold, kBreakerMinimumCalls)));
  }
  if (translation_.CheckRange(JoinPath(path, "recovery_timeout_ms"), recovery,
                              1, kFirstByteMsMax)) {
    *config.mutable_open_duration() =
        TimeUtil::MillisecondsToDuration(recovery);
  }
  if (translation_.CheckRange(JoinPath(path, "half_open_max"), probes, 1,
                              100)) {
    config.set_half_open_probes(static_cast<int32_t>(probes));
  }
}

void RouterConfigTranslator::AddRetries() {
  RetryConfig& retry =
      *translation_.config().mutable_resilience()->mutable_retry();
  retry.set_attempts_limit(1);
  if (file_.has_retry_policy()) AddRetryPolicy(file_.retry_policy(), &retry);
  constexpr char kTwice[] = "is said by retry_policy too; keep one";
  const std::string retries = At("max_retries");
  if (file_.has_max_retries()) {
    if (file_.has_retry_policy()) {
      translation_.Add(retries, kTwice);
    } else if (translation_.CheckRange(retries, file_.max_retries(), 0,
                                       kRouterRetriesMax)) {
      retry.set_attempts_limit(static_cast<int32_t>(file_.max_retries()) + 1);
      // A time-out is among what is retried.
      retry.set_resend_after_timeout(file_.max_retries() > 0);
    }
  }
  if (!file_.has_retry_backoff_ms()) return;
  const std::string backoff = At("retry_backoff_ms");
  if (file_.has_retry_policy()) {
    translation_.Add(backoff, kTwice);
  } else {
    AddBackoff(backoff, file_.retry_backoff_ms(), &retry);
  }
}

void RouterConfigTranslator::AddRetryPolicy(const RouterRetryPolicy& policy,
                                            RetryConfig* retry) {
  const std::string path = At("retry_policy");
  const int64_t retries =
      policy.has_max_retries() ? policy.max_retries() : kDefaultPolicyRetries;
  if (translation_.CheckRange(JoinPath(path, "max_retries"), retries, 0,
                              kRouterRetriesMax)) {
    retry->set_attempts_limit(static_cast<int32_t>(retries) + 1);
  }
  AddBackoff(JoinPath(path, "backoff_base_ms"),
             policy.has_backoff_base_ms() ? policy.backoff_base_ms()
                                          : kDefaultPolicyBackoffMs,
             retry);
  retry->set_backoff_multiplier(policy.has_backoff_multiplier()
                                    ? policy.backoff_multiplier()
                                    : kDefaultBackoffMultiplier);
  translation_.From(JoinPath(path, "backoff_multiplier"),
                    "resilience.retry.backoff_multiplier");
  const auto& listed = policy.retryable_errors();
  const auto has = [&listed](RouterRetryPolicy::Error error) {
    return std::find(listed.begin(), listed.end(), error) != listed.end();
  };
  retry->set_resend_after_timeout(
      retries > 0 && (listed.empty() || has(RouterRetryPolicy::TIMEOUT)));
  const std::string errors = JoinPath(path, "retryable_errors");
  if (has(RouterRetryPolicy::AUTH_ERROR) ||
      has(RouterRetryPolicy::INVALID_REQUEST)) {
    translation_.Warn(errors,
                      "AUTH_ERROR and INVALID_REQUEST are not followed: what "
                      "would fail again is never retried");
  } else if (!listed.empty() && (!has(RouterRetryPolicy::RATE_LIMITED) ||
                                 !has(RouterRetryPolicy::SERVER_ERROR))) {
    translation_.Warn(errors,
                      "is not followed in full: RATE_LIMITED and SERVER_ERROR "
                      "are always retried");
  }
}

void RouterConfigTranslator::AddBackoff(const std::string& written,
                                        int64_t backoff_ms,
                                        RetryConfig* retry) {
  if (!translation_.CheckRange(written, backoff_ms, 0, kBackoffMsMax)) return;
  // There is no wait of nothing.
  const int64_t base = std::max(backoff_ms, int64_t{1});
  *retry->mutable_backoff_base() = TimeUtil::MillisecondsToDuration(base);
  *retry->mutable_backoff_limit() =
      TimeUtil::MillisecondsToDuration(std::max(base, kBackoffLimitMs));
}

void RouterConfigTranslator::AddCallTimeout() {
  const auto& retry = translation_.config().resilience().retry();
  const int64_t attempts = retry.attempts_limit();
  const int64_t wait = std::max(
      TimeUtil::DurationToMilliseconds(retry.backoff_limit()), kBackoffLimitMs);
  const int64_t timeout =
      std::clamp(file_.default_timeout_ms(), kTimeoutMsMin, kTimeoutMsMax);
  *translation_.config().mutable_resilience()->mutable_call_timeout() =
      TimeUtil::MillisecondsToDuration(
          std::min(attempts * timeout + (attempts - 1) * wait, kTimeoutMsMax));
  translation_.From(At("default_timeout_ms"), "resilience.call_timeout");
}

void RouterConfigTranslator::WarnOfDevMode(const RouterDevMode& dev_mode) {
  if (!dev_mode.bypass_auth()) {
    translation_.Warn(At("dev_mode.bypass_auth"),
                      "is not set, and the file has no keys that callers could "
                      "show: they are served without, on loopback only");
  }
}

}  // namespace

void TranslateRouterConfig(const RouterConfig& file, std::string_view section,
                           Translation* translation) {
  RouterConfigTranslator(file, section, translation).Run();
}

}  // namespace gateway
