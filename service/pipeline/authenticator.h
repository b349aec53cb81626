// Authenticator knows the keys that callers may show. Without keys, everybody
// is let in.
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_PIPELINE_AUTHENTICATOR_H_
#define SERVICE_PIPELINE_AUTHENTICATOR_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "service/config/snapshot.h"

namespace gateway {

class Authenticator {
 public:
  // Borrows the snapshot's keys.
  explicit Authenticator(const ConfigSnapshot& config);

  // The name of the caller whose key is shown; empty if no keys are asked
  // for. `authorization` is the header's value, `Bearer <key>`; `api_key` that
  // of `x-api-key`, which counts if the other shows no key. API_KEY_INVALID
  // otherwise.
  absl::StatusOr<std::string_view> Authenticate(
      std::string_view authorization, std::string_view api_key) const;

 private:
  size_t KeyHash(std::string_view key) const;

  const bool required_;
  const uint64_t seed_;
  // By a keyed hash of the key: how long a look-up takes tells nothing of how
  // much of a guess is right.
  absl::flat_hash_map<size_t, std::vector<const ConfigSnapshot::CallerKey*>>
      keys_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_AUTHENTICATOR_H_
