// Where an issuer of tokens says that its key set is: the document of OpenID
// Connect Discovery, which Kubernetes serves as well.
//
//   url = OpenIdConfigurationUrl("https://issuer.example/a");
//   // https://issuer.example/a/.well-known/openid-configuration
//   GATEWAY_ASSIGN_OR_RETURN(const std::string key_set_url,
//                            KeySetUrlOf(document,
//                            "https://issuer.example/a"));
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_OPEN_ID_CONFIGURATION_H_
#define SERVICE_IDENTITY_OPEN_ID_CONFIGURATION_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// The largest document that is read.
inline constexpr size_t kOpenIdConfigurationBytesMax = 64 * 1024;

// Returns where the issuer has its document.
std::string OpenIdConfigurationUrl(std::string_view issuer);

// Returns the document's `jwks_uri`. INVALID_ARGUMENT, saying what is wrong,
// unless the document is that of just this issuer, so that none stands in for
// another, and the URL is one of https.
absl::StatusOr<std::string> KeySetUrlOf(std::string_view document,
                                        std::string_view issuer);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_OPEN_ID_CONFIGURATION_H_
