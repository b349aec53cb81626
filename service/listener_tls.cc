#include "service/listener_tls.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/identity/certificate_names.h"

namespace gateway {

absl::Status AtListener(std::string_view listener, const absl::Status& status) {
  return AtPlace(absl::StrCat("listeners.", ToAbsl(listener)), status);
}

absl::StatusOr<std::shared_ptr<TlsContext>> ListenerTls(
    const ConfigSnapshot& config, std::string_view listener,
    std::vector<std::string> alpn) {
  const ConfigSnapshot::Tls* const tls = config.FindTls(listener);
  if (tls == nullptr) return std::shared_ptr<TlsContext>();
  TlsContext::ServerOptions options;
  options.certificate_chain_pem = tls->cert_chain.Reveal();
  options.private_key_pem = tls->private_key;
  if (tls->client_ca.has_value()) {
    options.client_ca_pem = tls->client_ca->Reveal();
  }
  // Names have no line ends.
  options.names_of_client = [](const X509& certificate) {
    std::string names;
    for (const std::string& name : NamesOfCertificate(certificate)) {
      absl::StrAppend(&names, name, "\n");
    }
    return names;
  };
  options.alpn = std::move(alpn);
  auto context = TlsContext::ForServer(options);
  if (!context.ok()) return AtListener(listener, context.status());
  return context;
}

}  // namespace gateway
