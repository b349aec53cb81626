// Signed texts in the compact form of RFC 7515: three texts in base64url with
// dots between them.
//
//   const absl::StatusOr<Jws> jws = ParseJws(token);   // Nothing is proven
//   yet. if (const JwsKey* key = keys.Find(jws->algorithm, jws->kid)) {
//     if (key->Verifies(jws->signed_text, jws->signature)) Use(jws->payload);
//   }
//
// Of the header only `alg` and `kid` count. What names or brings a key - `jwk`,
// `jku`, `x5c`, `x5u` - is not looked at, since whoever forges a token would
// bring his own.
//
// Refused are: `alg: none`, and every one that JwsAlgorithm does not have;
// `crit`, whatever it lists, since no extension is known here; `b64`, which
// would change what is signed; `cty`, which tokens within tokens have; a `typ`
// of another kind of token, such as one for logging out, that must not be taken
// for one to call with; members that stand there twice; and every form of
// base64url but one.
//
// Thread-safe: a plain function.

#ifndef SERVICE_IDENTITY_JWS_H_
#define SERVICE_IDENTITY_JWS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "service/identity/jws_key.h"

namespace gateway {

// The longest text that is looked at.
inline constexpr size_t kJwsBytesMax = 16 * 1024;

struct Jws {
  JwsAlgorithm algorithm = JwsAlgorithm::kRs256;
  std::optional<std::string> kid;
  std::string_view signed_text;  // A view of the whole.
  std::string signature;
  std::string payload;
};

// Takes a text apart and reads its header. INVALID_ARGUMENT for what is no JWS,
// UNIMPLEMENTED for one of a kind that is refused; the message says why, and
// repeats nothing of the text.
absl::StatusOr<Jws> ParseJws(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_JWS_H_
