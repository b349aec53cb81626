// A public key that verifies signatures of one algorithm, and of no other: what
// a token says of its algorithm chooses among keys, and never what a key is
// used for. So no public key is ever taken for the secret of an HMAC.
//
//   GATEWAY_ASSIGN_OR_RETURN(const JwsKey key, JwsKey::Rsa(n, e));
//   if (!key.Verifies(text, signature)) ...
//
// Thread-safe: immutable, and cheap to copy.

#ifndef SERVICE_IDENTITY_JWS_KEY_H_
#define SERVICE_IDENTITY_JWS_KEY_H_

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace gateway {

// The algorithms that are accepted (RFC 7518, RFC 8037). All need a public key.
enum class JwsAlgorithm : uint8_t {
  kRs256,  // RSASSA-PKCS1-v1_5 with SHA-256.
  kEs256,  // ECDSA on P-256 with SHA-256.
  kEdDsa,  // Ed25519.
};

// The name as the `alg` of a header: `RS256`, `ES256` or `EdDSA`.
std::string_view JwsAlgorithmName(JwsAlgorithm algorithm);

// The algorithm of that name; nothing for every other, `none` among them.
std::optional<JwsAlgorithm> JwsAlgorithmOf(std::string_view name);

// An RSA key is at least so long, since shorter ones can be factored, and at
// most so long, since a verification takes time with the square of it.
inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 8192;

class JwsKey {
 public:
  // From the numbers that a JSON Web Key has, as big-endian bytes. The error is
  // INVALID_ARGUMENT, and its message what is wrong, without a subject.
  static absl::StatusOr<JwsKey> Rsa(std::string_view modulus,
                                    std::string_view exponent);
  // Each coordinate has 32 bytes.
  static absl::StatusOr<JwsKey> P256(std::string_view x, std::string_view y);
  // The key has 32 bytes.
  static absl::StatusOr<JwsKey> Ed25519(std::string_view x);

  JwsAlgorithm algorithm() const { return algorithm_; }

  // Returns whether `signature`, in the form of a JWS, is that of `text`. Takes
  // some 20 to 80 us.
  bool Verifies(std::string_view text, std::string_view signature) const;

 private:
  JwsKey(JwsAlgorithm algorithm, std::shared_ptr<EVP_PKEY> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  JwsAlgorithm algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_JWS_KEY_H_
