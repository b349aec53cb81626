// SHA-256 (FIPS 180-4) of texts in memory.
//
//   const Sha256Digest digest = Sha256("abc");
//
// Thread-safe: plain function.

#ifndef BASE_SHA256_H_
#define BASE_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

inline constexpr size_t kSha256Bytes = 32;
using Sha256Digest = std::array<uint8_t, kSha256Bytes>;

Sha256Digest Sha256(std::string_view text);

}  // namespace gateway

#endif  // BASE_SHA256_H_
