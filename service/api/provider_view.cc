#include "service/api/provider_view.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/time_util.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "proto/proto_time.h"
#include "providers/provider_settings.h"
#include "service/config/snapshot.h"
#include "service/pipeline/provider_policy.h"
#include "service/resilience/provider_probes.h"

namespace gateway {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::llmgateway::config::v1::ProviderConfig;

// Returns the base URL, whatever the kind: a provider that is reached over a
// network has a field of this name.
std::string BaseUrlOf(const ProviderConfig& config) {
  const google::protobuf::Message* const settings = ProviderSettings(config);
  return settings == nullptr ? std::string()
                             : TextSetting(*settings, "base_url");
}

const ProviderConfig* FindConfig(const RuntimeSnapshot& runtime,
                                 const std::string& name) {
  for (const ProviderConfig& config : runtime.config().providers()) {
    if (config.name() == name) return &config;
  }
  return nullptr;
}

v1::Provider::Credential CredentialView(ConfigSnapshot::Credential credential) {
  switch (credential) {
    case ConfigSnapshot::Credential::kNotNeeded:
      return v1::Provider::CREDENTIAL_NOT_NEEDED;
    case ConfigSnapshot::Credential::kPresent:
      return v1::Provider::CREDENTIAL_PRESENT;
    case ConfigSnapshot::Credential::kAbsent:
      break;
  }
  return v1::Provider::CREDENTIAL_ABSENT;
}

// Whether the last that is known of a provider, by calls and by probes, is that
// it failed.
bool IsFailing(const ProviderHealth& health,
               const ProviderProbes::Snapshot& probes) {
  const absl::Time never = absl::InfinitePast();
  const absl::Time probed_well = probes.last_success.value_or(never);
  if (health.consecutive_failures > 0 &&
      health.last_failure.value_or(never) > probed_well) {
    return true;
  }
  const absl::Time well =
      std::max(probed_well, health.last_success.value_or(never));
  return probes.failures_in_a_row > 0 &&
         probes.last_failure.value_or(never) > well;
}

absl::Duration CredentialsRest(const RuntimeSnapshot& runtime,
                               const ProviderRegistry::Entry& entry) {
  const ProviderPolicy& policy = runtime.PolicyOf(entry);
  return policy.CredentialsRest(runtime.clock().SteadyTime(),
                                policy.takes_callers_credential);
}

v1::ProviderHealth::State StateOf(const ProviderHealth& health,
                                  const ProviderProbes::Snapshot& probes,
                                  v1::Provider::Credential credential,
                                  absl::Duration credentials_rest,
                                  const Provider& provider) {
  if (credential == v1::Provider::CREDENTIAL_ABSENT ||
      credentials_rest == absl::InfiniteDuration() ||
      !provider.Obstacle().ok()) {
    return v1::ProviderHealth::STATE_UNUSABLE;
  }
  if (IsFailing(health, probes)) return v1::ProviderHealth::STATE_FAILING;
  return health.attempts == 0 && !probes.last_success.has_value()
             ? v1::ProviderHealth::STATE_UNKNOWN
             : v1::ProviderHealth::STATE_HEALTHY;
}

void FillHealth(const ProviderHealth& from, v1::ProviderHealth* to) {
  to->set_attempts(from.attempts);
  to->set_failures(from.failures);
  to->set_consecutive_failures(from.consecutive_failures);
  to->set_attempts_in_flight(from.attempts_in_flight);
  if (from.last_success.has_value()) {
    *to->mutable_last_success_time() = ToProto(*from.last_success);
  }
  if (from.last_failure.has_value()) {
    *to->mutable_last_failure_time() = ToProto(*from.last_failure);
    to->set_last_failure(from.last_failure_reason);
  }
}

}  // namespace

std::vector<const ProviderRegistry::Entry*> ProvidersByName(
    const RuntimeSnapshot& runtime) {
  std::vector<const ProviderRegistry::Entry*> entries;
  for (const ProviderRegistry::Entry& entry : runtime.providers().entries()) {
    entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const ProviderRegistry::Entry* a,
               const ProviderRegistry::Entry* b) { return a->name < b->name; });
  return entries;
}

void FillProvider(const RuntimeSnapshot& runtime,
                  const ProviderRegistry::Entry& entry,
                  const ProviderHealthBoard& board, v1::Provider* out) {
  out->set_name(entry.name);
  out->set_kind(entry.kind);
  const ProviderConfig* const config = FindConfig(runtime, entry.name);
  if (config != nullptr) out->set_base_url(BaseUrlOf(*config));
  out->set_credential(
      CredentialView(runtime.snapshot().CredentialOf(entry.name)));
  for (const std::string& model : entry.models) out->add_models(model);
  const ProviderHealth health = board.Read(entry.name);
  FillHealth(health, out->mutable_health());
  out->mutable_health()->set_state(StateOf(
      health, runtime.resilience().targets.ProbesOf(entry.name).Read(),
      out->credential(), CredentialsRest(runtime, entry), *entry.provider));
}

std::string ProviderProblem(const RuntimeSnapshot& runtime,
                            const ProviderRegistry::Entry& entry,
                            const v1::Provider& provider) {
  const v1::ProviderHealth& health = provider.health();
  const absl::Duration rest = CredentialsRest(runtime, entry);
  if (rest == absl::InfiniteDuration()) {
    return absl::StrCat("provider '", provider.name(),
                        "' has refused all its credentials: exchange them, or "
                        "send ResetCircuit for the provider");
  }
  switch (health.state()) {
    case v1::ProviderHealth::STATE_UNUSABLE:
      if (provider.credential() != v1::Provider::CREDENTIAL_ABSENT) {
        return absl::StrCat("provider '", provider.name(), "' cannot answer: ",
                            entry.provider->Obstacle().message());
      }
      return absl::StrCat("provider '", provider.name(),
                          "' has no credential: set the one that its api_key "
                          "names");
    case v1::ProviderHealth::STATE_FAILING:
      if (health.consecutive_failures() == 0) {
        return absl::StrCat("provider '", provider.name(),
                            "' does not answer health probes");
      }
      return absl::StrCat("provider '", provider.name(), "' failed ",
                          health.consecutive_failures(),
                          " times in a row, the last time with ",
                          ToAbsl(ReasonName(health.last_failure())), " at ",
                          TimeUtil::ToString(health.last_failure_time()));
    default:
      break;
  }
  if (rest == absl::ZeroDuration()) return std::string();
  return absl::StrCat("provider '", provider.name(), "' is not asked for ",
                      absl::FormatDuration(absl::Ceil(rest, absl::Seconds(1))),
                      ", since its rate limit is met");
}

}  // namespace gateway
