// BodyCipher encrypts what is kept of bodies, with AES-256 in GCM: whoever has
// the file and not the key learns how long they are, and cannot change one, or
// give it to another entry, without that being seen.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const BodyCipher cipher,
//       BodyCipher::Make({{.id = "2026-11", .key = Secret(key)}}));
//   const BodyCipher::Encrypted made = cipher.Encrypt(text, "entry 17");
//   cipher.Decrypt(made.key_id, made.bytes, "entry 17")  // text
//
// What is made is a nonce of 12 random bytes, the text, and a tag of 16. A
// key is good for 2^32 bodies, more than a thousand a second for 40 days: then
// two nonces may be the same.
//
// Thread-safe once made.

#ifndef SERVICE_AUDIT_BODY_CIPHER_H_
#define SERVICE_AUDIT_BODY_CIPHER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"

namespace gateway {

class BodyCipher {
 public:
  struct Key {
    std::string id;
    Secret key;  // 32 bytes as 64 hexadecimal digits or as base64.
  };
  struct Encrypted {
    std::string key_id;
    std::string bytes;
  };

  // The first key encrypts. INVALID_ARGUMENT names the key that is none.
  // REQUIRES: there is one.
  static absl::StatusOr<BodyCipher> Make(std::vector<Key> keys);

  // Binds the text to `context`, without which nothing opens it. INTERNAL if
  // OpenSSL fails.
  absl::StatusOr<Encrypted> Encrypt(std::string_view text,
                                    std::string_view context) const;

  // NOT_FOUND if no key has this id, DATA_LOSS if that was not encrypted with
  // it, for this context.
  absl::StatusOr<std::string> Decrypt(std::string_view key_id,
                                      std::string_view encrypted,
                                      std::string_view context) const;

 private:
  explicit BodyCipher(std::vector<Key> keys) : keys_(std::move(keys)) {}

  std::vector<Key> keys_;  // Of 32 bytes each.
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_BODY_CIPHER_H_
