#include "service/pipeline/provider_policy.h"

#include <string>
#include <string_view>

#include "absl/hash/hash.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "proto/overlay.h"
#include "proto/proto_time.h"
#include "providers/provider_settings.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

const configv1::ProviderConfig& ConfigOf(const configv1::GatewayConfig& config,
                                         std::string_view name) {
  for (const configv1::ProviderConfig& provider : config.providers()) {
    if (provider.name() == name) return provider;
  }
  // One that a test has made.
  return configv1::ProviderConfig::default_instance();
}

std::vector<CredentialPool::Credential> ConfiguredCredentials(
    const ConfigSnapshot& config, std::string_view provider,
    const std::string& destination) {
  std::vector<CredentialPool::Credential> credentials;
  for (const ConfigSnapshot::ProviderKey& each :
       config.CredentialsOf(provider)) {
    credentials.push_back(
        {.name = each.name,
         .fingerprint = absl::HashOf(ToAbsl(each.key.Reveal()), destination),
         .weight = each.weight});
  }
  // What is without one cools by itself.
  if (credentials.empty()) {
    credentials.push_back({.fingerprint = absl::HashOf(destination)});
  }
  return credentials;
}

std::shared_ptr<CredentialPool> PoolOf(
    const ConfigSnapshot& config, std::string_view provider,
    const std::vector<CredentialPool::Credential>& credentials,
    ResilienceState& state) {
  const configv1::CredentialCoolingConfig& cooling =
      config.config().resilience().credential_cooling();
  return state.providers.MakeCredentials(
      provider, credentials,
      {.default_cooling = ToAbsl(cooling.default_cooling()),
       .cooling_limit = ToAbsl(cooling.cooling_limit())});
}

AttemptLimits LimitsOf(const configv1::ProviderConfig& provider) {
  AttemptLimits limits;
  const google::protobuf::Message* const settings = ProviderSettings(provider);
  const configv1::HttpUpstream* const http =
      settings == nullptr ? nullptr : HttpSettings(*settings);
  if (http == nullptr) return limits;
  const configv1::UpstreamTimeouts& timeouts = http->timeouts();
  limits.connect = ToAbsl(timeouts.connect());
  const absl::Duration first_content = ToAbsl(timeouts.first_content());
  if (first_content < ToAbsl(timeouts.total())) {
    limits.first_content = first_content;
  }
  return limits;
}

configv1::RetryConfig RetryOf(const configv1::ProviderConfig& provider,
                              configv1::RetryConfig retry) {
  LayOver(provider.resilience().retry(), &retry);
  return retry;
}

TargetPolicy CommonPolicy(const configv1::ProviderConfig& provider,
                          const configv1::RetryConfig& retry) {
  return {.retry = RetryPolicy(RetryOf(provider, retry)),
          .limits = LimitsOf(provider)};
}

// Returns zero for what is not set.
absl::Duration TimeOf(bool is_set, const google::protobuf::Duration& time) {
  return is_set ? ToAbsl(time) : absl::ZeroDuration();
}

TargetPolicy PolicyOfModel(const configv1::ModelResilience& model,
                           const TargetPolicy& common,
                           const configv1::ProviderConfig& provider,
                           const configv1::GatewayConfig& config,
                           ResilienceState& state) {
  configv1::RetryConfig retry = RetryOf(provider, config.resilience().retry());
  LayOver(model.retry(), &retry);
  const configv1::ModelTimeouts& timeouts = model.timeouts();
  TargetPolicy policy{
      .retry = RetryPolicy(retry),
      .limits = common.limits,
      .first_byte = TimeOf(timeouts.has_first_byte(), timeouts.first_byte()),
      .stream_first_byte = TimeOf(timeouts.has_stream_first_byte(),
                                  timeouts.stream_first_byte())};
  if (timeouts.has_first_content()) {
    policy.limits.first_content = ToAbsl(timeouts.first_content());
  }
  policy.concurrent_attempts_limit = model.concurrent_attempts_limit();
  if (policy.concurrent_attempts_limit != 0) {
    policy.load = state.providers.LoadOf(provider.name(), model.model());
  }
  return policy;
}

}  // namespace

absl::Duration ProviderPolicy::CredentialsRest(absl::Duration now,
                                               bool brings_credential) const {
  if (credentials == nullptr || brings_credential) return absl::ZeroDuration();
  return credentials->WaitFrom(now).value_or(absl::InfiniteDuration());
}

std::vector<ProviderPolicy> MakeProviderPolicies(
    const ConfigSnapshot& config, const ProviderRegistry& providers,
    ResilienceState& state,
    absl::FunctionRef<const CredentialLimits*(std::string_view provider)>
        limits_before) {
  std::vector<ProviderPolicy> policies;
  policies.reserve(providers.entries().size());
  for (const ProviderRegistry::Entry& entry : providers.entries()) {
    const configv1::ProviderConfig& provider =
        ConfigOf(config.config(), entry.name);
    const int limit = provider.resilience().concurrent_attempts_limit();
    const std::vector<CredentialPool::Credential> credentials =
        ConfiguredCredentials(config, entry.name, DestinationOf(provider));
    policies.push_back(
        {.common = CommonPolicy(provider, config.config().resilience().retry()),
         .credentials = PoolOf(config, entry.name, credentials, state),
         .takes_callers_credential = provider.credential_passthrough(),
         .load = limit == 0 ? nullptr : state.providers.LoadOf(entry.name),
         .concurrent_attempts_limit = limit});
    ProviderPolicy& policy = policies.back();
    if (provider.resilience().has_adaptive_concurrency()) {
      policy.credential_limits = std::make_shared<const CredentialLimits>(
          credentials,
          CredentialLimits::OptionsOf(
              provider.resilience().adaptive_concurrency()),
          limits_before(entry.name));
    }
    for (const auto& model : provider.resilience().models()) {
      policy.of_model.emplace(model.model(),
                              PolicyOfModel(model, policy.common, provider,
                                            config.config(), state));
    }
  }
  return policies;
}

}  // namespace gateway
