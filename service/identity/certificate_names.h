// What a client certificate names its holder, and which of these names are let
// in. The TLS library has verified the certificate before.
//
//   const std::vector<std::string> names = NamesOfCertificate(*x509);
//   // {"spiffe://prod/ns/search/sa/api", "dns:search.internal", "CN=search"}
//   const std::string_view caller =
//       CallerOfCertificate({"spiffe://prod/ns/*/sa/api"}, names);
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_CERTIFICATE_NAMES_H_
#define SERVICE_IDENTITY_CERTIFICATE_NAMES_H_

#include <openssl/x509.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace gateway {

// The longest name that counts.
inline constexpr size_t kCertificateNameBytesMax = 2048;

// Returns the names of a certificate: its SPIFFE id, its DNS names in lower
// case behind `dns:`, and its subject as RFC 2253 writes it, `CN=...,O=...`.
// Names with control characters or of more than kCertificateNameBytesMax bytes
// are left out, and so are SPIFFE ids if there is not just one URI (SPIFFE
// X.509 SVID, section 2).
std::vector<std::string> NamesOfCertificate(const X509& certificate);

// Checks a pattern of an operator. INVALID_ARGUMENT, saying what is wrong and
// what is right, unless it begins like one of the names above.
absl::Status CheckCertificatePattern(std::string_view pattern);

// Returns the first of the names that one of the patterns matches; empty if
// there is none. In a pattern `*` stands for any text without a `/`, and `**`
// for any text.
std::string_view CallerOfCertificate(absl::Span<const std::string> patterns,
                                     absl::Span<const std::string> names);

// Returns whether the whole of `text` matches such a pattern. Takes time
// proportional to the product of their lengths at worst.
bool MatchesCertificatePattern(std::string_view pattern, std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_CERTIFICATE_NAMES_H_
