// A caller may bring a credential of its own for the provider, in
// `x-provider-authorization: Bearer <key>` over HTTP and gRPC alike. Only
// providers that are configured so send it on; it is never written down.
//
// Where callers show the gateway nothing, the vendor's own header, in which
// keys of the gateway would stand, has it as well: so a client that knows its
// vendor only, with an OAuth token or a key, needs no other setting than the
// address.
//
//   facts.provider_credential = ProviderCredentialOf(
//       named, facts.head, runtime.callers().asks_for_keys());
//
// Thread contract: plain functions.

#ifndef SERVICE_API_PROVIDER_CREDENTIAL_H_
#define SERVICE_API_PROVIDER_CREDENTIAL_H_

#include <string_view>

#include "service/pipeline/caller_access.h"

namespace gateway {

inline constexpr std::string_view kProviderCredentialHeader =
    "x-provider-authorization";

// Returns the credential in the field's value without the scheme `Bearer`,
// which is optional: providers add the scheme that they want.
std::string_view BareCredential(std::string_view value);

// Returns what a call brings for its provider; empty if nothing. `named` is the
// value of kProviderCredentialHeader.
std::string_view ProviderCredentialOf(std::string_view named,
                                      const CallerHead& head,
                                      bool asks_for_keys);

}  // namespace gateway

#endif  // SERVICE_API_PROVIDER_CREDENTIAL_H_
