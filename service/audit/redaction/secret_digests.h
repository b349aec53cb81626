// SecretDigests finds secrets in texts, and knows digests of them only: who
// reads this object's memory learns none of them.
//
//   SecretDigests secrets(SecureRandom());
//   secrets.Add(key);
//   secrets.Find("it is key-of-team-a!", &found);  // [6, 19)
//
// KnownSecrets finds the same in bodies of any size, and has the secrets
// themselves. This one is for short texts, such as names of models and paths:
// it takes time in proportion to the text's length and to how many lengths
// secrets have.
//
// Of what stands in a text a polynomial modulo 2^61 - 1 is taken at a point
// that nobody knows (Karp and Rabin, 1987); what has a secret's value there is
// the secret if their salted SHA-256 is the same.
//
// Thread-compatible: const members may be called from several threads.

#ifndef SERVICE_AUDIT_REDACTION_SECRET_DIGESTS_H_
#define SERVICE_AUDIT_REDACTION_SECRET_DIGESTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/os/random.h"
#include "base/secret.h"
#include "base/sha256.h"

namespace gateway {

class SecretDigests {
 public:
  // What is shorter is not looked for: it would be found in words of prose.
  // What is longer stands in no name.
  static constexpr size_t kBytesMin = 8;
  static constexpr size_t kBytesMax = 1024;
  // Of a text so many parts are looked at for secrets of which nothing but the
  // SHA-256 is known.
  static constexpr size_t kPartsMax = 16;

  // Draws what nobody must be able to guess.
  explicit SecretDigests(Random& random);

  // Does nothing for one that is too short or too long.
  void Add(const Secret& secret);
  // One of which only the SHA-256 is known. It is found where it is the whole
  // text, or stands between two of `/`, `:`, `?`, `&`, `=` and white space.
  void AddSha256(const Sha256Digest& digest) { given_.insert(digest); }

  // Appends where they begin and end, in no order; they may overlap.
  void Find(std::string_view text,
            std::vector<std::pair<size_t, size_t>>* found) const;

  bool empty() const { return by_length_.empty() && given_.empty(); }

 private:
  // Secrets of one length.
  struct OfLength {
    uint64_t power = 0;  // Of the point, by the length.
    absl::flat_hash_map<uint64_t, Sha256Digest> by_value;
  };

  Sha256Digest SaltedDigest(std::string_view text) const;
  bool IsGiven(std::string_view text) const;
  void FindGiven(std::string_view text,
                 std::vector<std::pair<size_t, size_t>>* found) const;

  uint64_t point_;
  std::string salt_;
  std::map<size_t, OfLength, std::greater<>> by_length_;
  absl::flat_hash_set<Sha256Digest> given_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_SECRET_DIGESTS_H_
