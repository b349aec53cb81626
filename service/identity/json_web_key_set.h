// The public keys of an issuer of tokens: a JSON Web Key Set (RFC 7517).
//
//   GATEWAY_ASSIGN_OR_RETURN(const JsonWebKeySet keys,
//                            JsonWebKeySet::Parse(text));
//   for (const std::string& why : keys.skipped()) Log(...)
//   const JwsKey* key = keys.Find(JwsAlgorithm::kEs256, "2026-01");
//
// A set may hold keys for others. What is of a type that is not known, or is
// said to be for something else than signatures, by `use`, `key_ops` or `alg`,
// is passed over, and so is a key that is no good, as the RFC asks: the others
// stay in use. A set of which no key is left is an error.
//
// Thread-safe: immutable.

#ifndef SERVICE_IDENTITY_JSON_WEB_KEY_SET_H_
#define SERVICE_IDENTITY_JSON_WEB_KEY_SET_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/identity/jws_key.h"

namespace gateway {

// How large a set may be, and how many keys it may have, usable or not.
inline constexpr size_t kKeySetBytesMax = 256 * 1024;
inline constexpr size_t kKeySetKeysMax = 100;
// The longest name of a key.
inline constexpr size_t kKeyIdBytesMax = 256;

class JsonWebKeySet {
 public:
  // INVALID_ARGUMENT for what is no set, is too large, or has no usable key;
  // the message says why of each key. No message repeats a value of the set but
  // names of keys, types, uses and algorithms.
  static absl::StatusOr<JsonWebKeySet> Parse(std::string_view json);

  // The key that a token of this algorithm and `kid` was signed with. A token
  // without `kid` is that of the only key of its algorithm. Null if there is
  // none, or if there are several. Valid as long as this.
  const JwsKey* Find(JwsAlgorithm algorithm,
                     const std::optional<std::string>& kid) const;

  size_t size() const { return keys_.size(); }

  // Of each key that is not used: which it is, and why, as in `keys[1] (kid
  // 'a'): is an RSA key of 1024 bits; ...`.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  struct Named {
    std::optional<std::string> kid;
    JwsKey key;
  };

  JsonWebKeySet() = default;

  std::vector<Named> keys_;
  std::vector<std::string> skipped_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_JSON_WEB_KEY_SET_H_
