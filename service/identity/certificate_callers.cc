#include "service/identity/certificate_callers.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "errors/fault.h"
#include "service/identity/caller_grants.h"
#include "service/identity/certificate_names.h"
#include "service/identity/remembering.h"

namespace gateway {
namespace {

Caller GrantedTo(const llmgateway::config::v1::CallerGrants& grants) {
  Caller caller = CallerWithGrants(grants);
  caller.method = CallerMethod::kCertificate;
  return caller;
}

}  // namespace

CertificateCallers::CertificateCallers(
    const llmgateway::config::v1::ClientCertificates& config)
    : id_(NewRememberingId()),
      patterns_(config.names().begin(), config.names().end()),
      granted_(GrantedTo(config.grants())) {}

absl::StatusOr<CallerRef> CertificateCallers::Authenticate(
    std::string_view names) const {
  return FindOrRemember(names, id_ << 32, [&] { return Match(names); });
}

absl::StatusOr<std::shared_ptr<const Caller>> CertificateCallers::Match(
    std::string_view names) const {
  std::vector<std::string> each;
  while (!names.empty()) {
    const size_t end = std::min(names.find('\n'), names.size());
    each.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  const std::string_view matching = CallerOfCertificate(patterns_, each);
  if (matching.empty()) {
    return MakeFault(
        v1::ERROR_REASON_API_KEY_INVALID,
        "no name of the client certificate is let in, and no key is shown");
  }
  auto caller = std::make_shared<Caller>(granted_);
  caller->id = std::string(matching);
  return std::shared_ptr<const Caller>(std::move(caller));
}

}  // namespace gateway
