// HttpCredentials says which credential goes with a call to one provider, and
// how it is carried there: one of the configured ones in turn, the one that the
// call asks for, or the caller's own.
//
//   const HttpCredentials credentials(setup, {.field = "x-api-key"}, nullptr);
//   way.heads = credentials.Heads(endpoint, "POST", path, fields);
//   const HttpCredentials::Picked picked = credentials.Pick(call);
//   http_call.head = way.heads[picked.head].get();
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_HTTP_CREDENTIALS_H_
#define PROVIDERS_HTTP_CREDENTIALS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/http_client.h"
#include "base/secret.h"
#include "providers/credential_rotation.h"
#include "providers/http_endpoint.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {

// How a credential is carried.
struct CredentialForm {
  std::string field;
  std::string prefix;  // Precedes the credential.
  // Fields that are sent only with it.
  std::vector<HttpRequestHead::Field> more;
};

class HttpCredentials {
 public:
  using Fields = std::vector<HttpRequestHead::Field>;
  using FormOf = CredentialForm (*)(std::string_view credential);

  // What goes with one call.
  struct Picked {
    // The head that carries the credential: its index among Heads().
    size_t head = 0;
    // The credential's name for records; empty if none goes. Valid as long as
    // the provider.
    std::string_view name;
    // The fields that carry the caller's own credential; empty otherwise.
    Fields own;
  };

  // All are carried in the `form`, unless it depends on the credential: then as
  // `form_of` says, which is null otherwise.
  HttpCredentials(const ProviderSetup& setup, CredentialForm form,
                  FormOf form_of);

  // Returns a head for each configured credential, and one without at the end.
  std::vector<std::shared_ptr<const HttpRequestHead>> Heads(
      const HttpEndpoint& endpoint, std::string_view method,
      const std::string& path, const Fields& fields) const;

  // Returns the caller's own credential, if it goes with the call; empty
  // otherwise.
  std::string_view Own(const ProviderCall& call) const {
    return passthrough_ ? call.caller_credential : std::string_view();
  }

  // Picks the credential of a call. Those that nothing else decides take turns.
  Picked Pick(const ProviderCall& call) const;

 private:
  Fields Carried(std::string_view credential) const;

  const std::vector<ProviderCredential> credentials_;
  const bool passthrough_;
  const CredentialForm form_;
  const FormOf form_of_;
  const CredentialRotation rotation_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_CREDENTIALS_H_
