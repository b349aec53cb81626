// A hash of texts that is the same in every process, build and release, and in
// all replicas: what is decided by it stays decided.
//
//   StableHash("team-a") % 2;  // The same everywhere, for ever.
//
// It is FNV-1a (base/fnv1a.h), then the finalizer of MurmurHash3 (fmix64),
// without which FNV's high bits hardly depend on the last characters.
//
// Thread-safe: plain functions.

#ifndef SERVICE_ROUTING_STABLE_HASH_H_
#define SERVICE_ROUTING_STABLE_HASH_H_

#include <cstdint>
#include <string_view>

#include "base/fnv1a.h"

namespace gateway {

// Returns the number with each bit depending on each: fmix64.
constexpr uint64_t MixBits(uint64_t bits) {
  bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccd;
  bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53;
  return bits ^ (bits >> 33);
}

// Returns the hash of `text` for one purpose: hashes for two purposes do not
// depend on each other. REQUIRES: `purpose` contains no zero byte.
constexpr uint64_t StableHash(std::string_view text,
                              std::string_view purpose = "") {
  uint64_t state = kFnvOffsetBasis;
  if (!purpose.empty()) {
    state = Fnv1a(std::string_view("\0", 1), Fnv1a(purpose, state));
  }
  return MixBits(Fnv1a(text, state));
}

}  // namespace gateway

#endif  // SERVICE_ROUTING_STABLE_HASH_H_
