// The keys that AdminService issues: their text, and what is kept of them.
//
//   llmgw_k7wq2m5xd3hzr6ba_2Jx0...43 characters...Qf9bT3aZ
//         `---- id -----'  `------ secret -------'`check'
//
// The id is public: it stands for the caller in logs and metrics. The secret
// has 256 random bits, of which only the SHA-256 is kept: no salt and no slow
// hash would make it harder to guess. The check is the CRC-32 of all before it,
// as six digits of base 62: scanners for leaked secrets tell a key by
//
//   llmgw_[a-z2-7]{16}_[0-9A-Za-z]{49}
//
// and by the check without asking anybody. All of it may stand in a header, a
// URL or a shell's command as it is, and is selected by a double click.
//
//   const NewIssuedKey key = MakeIssuedKey(SecureRandom());
//   store.Put(key.id, key.digest);       // And key.text is shown once.
//
//   const auto shown = ParseIssuedKey(text);
//   if (!shown.has_value()) ...          // No such key.
//   if (!IsIssuedKey(*shown, &kept, nullptr)) ...
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_ISSUED_KEY_H_
#define SERVICE_IDENTITY_ISSUED_KEY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/os/random.h"
#include "base/secret.h"
#include "base/sha256.h"

namespace gateway {

inline constexpr std::string_view kIssuedKeyPrefix = "llmgw_";
inline constexpr size_t kIssuedKeyIdBytes = 16;
// With its check.
inline constexpr size_t kIssuedKeySecretBytes = 49;
inline constexpr size_t kIssuedKeyBytes =
    kIssuedKeyPrefix.size() + kIssuedKeyIdBytes + 1 + kIssuedKeySecretBytes;

struct NewIssuedKey {
  std::string id;
  Secret text;  // All of the key, as its caller shows it.
  Sha256Digest digest;
};

// Makes a key with a new id. `random` must be such that nobody can guess it:
// SecureRandom().
NewIssuedKey MakeIssuedKey(Random& random);

// Makes a key of an id that there is, with another secret. REQUIRES: the id is
// one of MakeIssuedKey or IssuedKeyIdFor.
NewIssuedKey MakeIssuedKeyOf(std::string_view id, Random& random);

// The id of the key that is made for a request of this name: the same for the
// same name, so that of two such requests one finds that there is a key.
std::string IssuedKeyIdFor(std::string_view request_id);

// A key taken apart: views of its text.
struct ShownIssuedKey {
  std::string_view id;
  std::string_view secret;
};

// Takes the text of a key apart; nothing if it is none, by its form or its
// check. Looks at no more than kIssuedKeyBytes of it.
std::optional<ShownIssuedKey> ParseIssuedKey(std::string_view text);

// Returns what is kept of a secret.
Sha256Digest DigestOfIssuedKey(std::string_view secret);

// Returns whether the secret is the one of which `current` is kept, or
// `previous`, which a rotation may have left. Null stands for none, as of an id
// that is not known. Takes the same path and time in all cases, whatever is
// null and whatever is right.
bool IsIssuedKey(const ShownIssuedKey& shown, const Sha256Digest* current,
                 const Sha256Digest* previous);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_ISSUED_KEY_H_
