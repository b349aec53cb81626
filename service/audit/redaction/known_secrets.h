// KnownSecrets finds in texts secrets that are known word for word, such as the
// keys of a configuration.
//
//   KnownSecrets secrets;
//   secrets.Add(key);
//   secrets.Find("it is key-of-team-a!", &found);  // [6, 19)
//
// However many there are, a text takes time in proportion to its length: of
// each place in it eight bytes are looked up.
//
// Thread-compatible: const members may be called from several threads.

#ifndef SERVICE_AUDIT_REDACTION_KNOWN_SECRETS_H_
#define SERVICE_AUDIT_REDACTION_KNOWN_SECRETS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/secret.h"

namespace gateway {

class KnownSecrets {
 public:
  // What is shorter is not looked for: it would be found in words of prose.
  static constexpr size_t kBytesMin = 8;

  KnownSecrets() : may_begin_(kBits / 64) {}

  // Does nothing for one that is too short, or known.
  void Add(const Secret& secret);

  // Appends where they begin and end, in order and without overlap; of several
  // that begin at one place the longest.
  void Find(std::string_view text,
            std::vector<std::pair<size_t, size_t>>* found) const;

  bool empty() const { return secrets_.empty(); }

 private:
  static constexpr size_t kBits = size_t{1} << 16;

  // How many bytes of a secret stand at the front; 0 if none does.
  size_t LengthAt(std::string_view text, uint64_t beginning) const;

  std::vector<Secret> secrets_;
  // By a number that their first bytes make; which of them.
  absl::flat_hash_map<uint64_t, std::vector<size_t>> by_beginning_;
  // A bit for each such number: what is unset begins none.
  std::vector<uint64_t> may_begin_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_KNOWN_SECRETS_H_
