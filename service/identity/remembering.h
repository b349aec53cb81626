// Finds out who shows a credential, unless the loop remembers it.
//
//   return FindOrRemember(token, generation, [&] { return Verify(token); });
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_REMEMBERING_H_
#define SERVICE_IDENTITY_REMEMBERING_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "service/identity/caller.h"
#include "service/identity/credential_digest.h"
#include "service/identity/remembered_callers.h"

namespace gateway {

// Returns a number that nothing else in this process has: the upper half of
// generations, so that what one has remembered another does not know.
inline uint64_t NewRememberingId() {
  static std::atomic<uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Returns what `find_out` does, an absl::StatusOr of a shared caller. One that
// was found is remembered until it expires. The generation is one of before.
template <typename FindOut>
absl::StatusOr<CallerRef> FindOrRemember(std::string_view credential,
                                         uint64_t generation,
                                         const FindOut& find_out) {
  RememberedCallers* const remembered = RememberedCallers::Current();
  if (remembered == nullptr || credential.empty() ||
      credential.size() > kDigestedBytesMax) {
    return find_out();
  }
  const CredentialDigest digest = remembered->DigestOf(credential);
  if (const auto* caller = remembered->Find(digest, generation)) {
    return *caller;
  }
  absl::StatusOr<std::shared_ptr<const Caller>> caller = find_out();
  if (caller.ok()) {
    remembered->Remember(digest, generation, *caller, (*caller)->expire_time);
  }
  return caller;
}

}  // namespace gateway

#endif  // SERVICE_IDENTITY_REMEMBERING_H_
