// Tells credentials apart by digests, so that none has to be kept and comparing
// costs the same whatever is shown.
//
// The digest is NH of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway, CRYPTO
// '99) over words of 64 bits, twice with shifted keys, and the length. For two
// different credentials it is the same with a probability of at most 2^-128
// over the keys, which each process draws anew and nobody else sees: nobody can
// make a credential that is taken for another, and with 2^20 remembered ones
// and 2^48 shown the chance of any mistake is below 2^-60. It is no one-way
// function: whoever reads the process's memory can read keys as they come, too.
//
//   const CredentialDigester digester(SecureRandom());
//   const CredentialDigest digest = digester.DigestOf("llmgw_...");
//
// Takes 19 instructions for each 16 bytes (callgrind, 2026-11-22).
//
// Thread-safe: immutable.

#ifndef SERVICE_IDENTITY_CREDENTIAL_DIGEST_H_
#define SERVICE_IDENTITY_CREDENTIAL_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/os/random.h"

namespace gateway {

// The longest credential that has a digest: that of a token.
inline constexpr size_t kDigestedBytesMax = 16 * 1024;

struct CredentialDigest {
  friend bool operator==(const CredentialDigest&,
                         const CredentialDigest&) = default;

  std::array<uint64_t, 4> words = {};
  uint64_t size = 0;  // The credential's; 0 of one that has no digest.
};

class CredentialDigester {
 public:
  // Draws its keys, which nobody must be able to guess.
  explicit CredentialDigester(Random& random);

  // The digest of a credential of 1 to kDigestedBytesMax bytes.
  CredentialDigest DigestOf(std::string_view credential) const;

 private:
  static constexpr size_t kWordsMax = kDigestedBytesMax / sizeof(uint64_t);

  // One for each word, and those by which the second hash is shifted.
  std::array<uint64_t, kWordsMax + 2> keys_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_CREDENTIAL_DIGEST_H_
