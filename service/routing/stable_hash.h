// A hash of texts that is the same in every process, build and release, and in
// all replicas: what is decided by it stays decided.
//
//   StableHash("team-a") % 2;  // The same everywhere, for ever.
//
// It is FNV-1a of 64 bits, then the finalizer of MurmurHash3 (fmix64), without
// which FNV's high bits hardly depend on the last characters. absl::Hash is not
// used: it is seeded anew in each process. Whoever may choose the text can make
// two of the same hash, so nothing is kept secret or apart by it.
//
// Thread-safe: plain functions.

#ifndef SERVICE_ROUTING_STABLE_HASH_H_
#define SERVICE_ROUTING_STABLE_HASH_H_

#include <cstdint>
#include <string_view>

namespace gateway {

inline constexpr uint64_t kFnvOffsetBasis = 0xcbf29ce484222325;

// Returns FNV-1a of the text behind what `state` has seen. Takes about one
// nanosecond a byte.
constexpr uint64_t Fnv1a(std::string_view text,
                         uint64_t state = kFnvOffsetBasis) {
  for (const char c : text) {
    state = (state ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return state;
}

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
