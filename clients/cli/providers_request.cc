#include "clients/cli/providers_request.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ProvidersStub = v1::AdminService::Stub;

constexpr OperatorVerb kProvidersVerbs[] = {{"list", {}}, {"get", {}}};

std::string ProviderStateText(const v1::Provider& provider) {
  return ValueText(v1::ProviderHealth::State_Name(provider.health().state()),
                   "STATE_");
}

std::string CredentialText(const v1::Provider& provider) {
  return ValueText(v1::Provider::Credential_Name(provider.credential()),
                   "CREDENTIAL_");
}

std::string TimeOrDash(bool is_set, const google::protobuf::Timestamp& time) {
  return is_set ? TimeText(time) : "-";
}

std::string LastFailureText(const v1::ProviderHealth& health) {
  if (!health.has_last_failure_time()) return "-";
  return absl::StrCat(TimeText(health.last_failure_time()), " ",
                      v1::ErrorReason_Name(health.last_failure()));
}

}  // namespace

const OperatorCommand kProvidersCommand = {"providers", kProvidersVerbs};

absl::StatusOr<std::string> AskProviders(const RpcPlace& place,
                                         const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kProvidersCommand, words));
  if (words.words[0] == "get") {
    v1::GetProviderRequest request;
    GATEWAY_ASSIGN_OR_RETURN(
        *request.mutable_name(),
        OneNameOf(kProvidersCommand, words, "one provider's name"));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::Provider provider,
                             admin.Call(&ProvidersStub::GetProvider, request));
    return words.as_json ? AsJson(provider) : ProviderTable(provider);
  }
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kProvidersCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  v1::ListProvidersResponse all;
  const auto add = [&all](v1::ListProvidersResponse& page) {
    for (v1::Provider& each : *page.mutable_providers()) {
      *all.add_providers() = std::move(each);
    }
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListProvidersRequest, v1::ListProvidersResponse>(
          &ProvidersStub::ListProviders, {}, add)));
  return words.as_json ? AsJson(all) : ProvidersTable(all);
}

std::string ProvidersTable(const v1::ListProvidersResponse& all) {
  if (all.providers().empty()) return "no provider is configured\n";
  std::vector<Row> rows = {{"NAME", "KIND", "STATE", "CREDENTIAL", "ATTEMPTS",
                            "FAILURES", "IN FLIGHT", "URL"}};
  for (const v1::Provider& provider : all.providers()) {
    const v1::ProviderHealth& health = provider.health();
    rows.push_back({provider.name(), provider.kind(),
                    ProviderStateText(provider), CredentialText(provider),
                    absl::StrCat(health.attempts()),
                    absl::StrCat(health.failures()),
                    absl::StrCat(health.attempts_in_flight()),
                    OrDash(provider.base_url())});
  }
  return Table(rows);
}

std::string ProviderTable(const v1::Provider& provider) {
  const v1::ProviderHealth& health = provider.health();
  return Table(
      {{"name", provider.name()},
       {"kind", provider.kind()},
       {"url", OrDash(provider.base_url())},
       {"credential", CredentialText(provider)},
       {"models", OrDash(absl::StrJoin(provider.models(), ", "))},
       {"state", ProviderStateText(provider)},
       {"attempts",
        absl::StrCat(health.attempts(), ", ", health.failures(), " failed, ",
                     health.consecutive_failures(), " of the latest in a row")},
       {"in flight", absl::StrCat(health.attempts_in_flight())},
       {"last success",
        TimeOrDash(health.has_last_success_time(), health.last_success_time())},
       {"last failure", LastFailureText(health)}});
}

}  // namespace gateway
