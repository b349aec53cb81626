// base64url without padding, as RFC 7515 has it. A text has one form and no
// other: padding, space, characters of plain base64 and bits behind the last
// byte that are not zero are refused, so that no two texts say the same.
//
//   DecodeBase64Url("AQAB")   // "\x01\x00\x01"
//   DecodeBase64Url("AQAB=")  // Nothing.
//
// Thread-safe: a plain function.

#ifndef SERVICE_IDENTITY_BASE64_URL_H_
#define SERVICE_IDENTITY_BASE64_URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace gateway {

// Returns the bytes; nothing if `text` is not of this form.
std::optional<std::string> DecodeBase64Url(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_BASE64_URL_H_
