#include "providers/http_credentials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

std::vector<int> WeightsOf(const std::vector<ProviderCredential>& credentials) {
  std::vector<int> weights;
  for (const ProviderCredential& each : credentials) {
    weights.push_back(each.weight);
  }
  return weights;
}

}  // namespace

HttpCredentials::HttpCredentials(const ProviderSetup& setup,
                                 CredentialForm form, FormOf form_of)
    : credentials_(setup.credentials),
      passthrough_(setup.credential_passthrough),
      form_(std::move(form)),
      form_of_(form_of),
      rotation_(WeightsOf(setup.credentials)) {}

std::vector<std::shared_ptr<const HttpRequestHead>> HttpCredentials::Heads(
    const HttpEndpoint& endpoint, std::string_view method,
    const std::string& path, const Fields& fields) const {
  std::vector<std::shared_ptr<const HttpRequestHead>> heads;
  for (const ProviderCredential& each : credentials_) {
    Fields with = fields;
    for (HttpRequestHead::Field& field : Carried(each.secret.Reveal())) {
      with.push_back(std::move(field));
    }
    heads.push_back(endpoint.Head(method, path, std::move(with)));
  }
  heads.push_back(endpoint.Head(method, path, fields));
  return heads;
}

HttpCredentials::Picked HttpCredentials::Pick(const ProviderCall& call) const {
  if (const std::string_view own = Own(call); !own.empty()) {
    return {.head = credentials_.size(),
            .name = kCallersCredential,
            .own = Carried(own)};
  }
  if (credentials_.empty()) return {};
  Picked picked;
  const auto named = [&](const ProviderCredential& each) {
    return each.name == call.credential;
  };
  const auto asked =
      call.credential.empty()
          ? credentials_.end()
          : std::find_if(credentials_.begin(), credentials_.end(), named);
  picked.head = asked != credentials_.end() ? asked - credentials_.begin()
                                            : rotation_.Next();
  picked.name = credentials_[picked.head].name;
  return picked;
}

HttpCredentials::Fields HttpCredentials::Carried(
    std::string_view credential) const {
  const CredentialForm form =
      form_of_ != nullptr ? form_of_(credential) : form_;
  Fields fields = form.more;
  fields.insert(
      fields.begin(),
      {form.field, Secret(absl::StrCat(form.prefix, ToAbsl(credential)))});
  return fields;
}

}  // namespace gateway
