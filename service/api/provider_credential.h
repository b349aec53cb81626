// A caller may bring a credential of its own for the provider, in
// `x-provider-authorization: Bearer <key>` over HTTP and gRPC alike. Only
// providers that are configured so send it on; it is never written down.
//
//   facts.provider_credential = BareCredential(field.value);
//
// Thread contract: plain function.

#ifndef SERVICE_API_PROVIDER_CREDENTIAL_H_
#define SERVICE_API_PROVIDER_CREDENTIAL_H_

#include <string_view>

namespace gateway {

inline constexpr std::string_view kProviderCredentialHeader =
    "x-provider-authorization";

// Returns the credential in the field's value without the scheme `Bearer`,
// which is optional: providers add the scheme that they want.
std::string_view BareCredential(std::string_view value);

}  // namespace gateway

#endif  // SERVICE_API_PROVIDER_CREDENTIAL_H_
