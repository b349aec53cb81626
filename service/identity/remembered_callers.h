// RememberedCallers keeps who was found out by which credential, so that a
// token's signature is verified once and not for each call. It keeps digests of
// credentials, and none itself.
//
//   RememberedCallers remembered(4096, digester, SystemClock());
//   const uint64_t generation = keys.generation();  // Before it is verified.
//   const CredentialDigest digest = digester.DigestOf(shown);
//   if (const auto* caller = remembered.Find(digest, generation)) {
//     return *caller;
//   }
//   ... verify ...
//   remembered.Remember(digest, generation, caller, caller->expire_time);
//
// A generation is a number of whoever owns the keys: what was remembered under
// another one is not found any more. It is raised when a key is revoked or
// changed, or a configuration comes into use, and is read before a credential
// is verified, so that what was right a moment ago is not remembered as right
// now.
//
// To find a key of 72 bytes, digest and all, takes 293 instructions, and a
// token of 900 bytes 1,239 (callgrind, 2026-11-22).
//
// Takes no memory to speak of before something is remembered.
//
// Not thread-safe: each event loop has its own, which is the current one of its
// thread. Other threads have none.

#ifndef SERVICE_IDENTITY_REMEMBERED_CALLERS_H_
#define SERVICE_IDENTITY_REMEMBERED_CALLERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "service/identity/caller.h"
#include "service/identity/credential_digest.h"

namespace gateway {

class RememberedCallers {
 public:
  // Has room for at least so many, and at most twice as many. Borrows both.
  RememberedCallers(size_t entries, const CredentialDigester& digester,
                    Clock& clock);

  // Who has shown the credential before, if that is still to be believed; null
  // otherwise. Valid until Remember is called; whoever wants the caller for
  // longer copies the pointer. The clock is read for credentials that expire
  // only.
  const std::shared_ptr<const Caller>* Find(const CredentialDigest& digest,
                                            uint64_t generation);
  const std::shared_ptr<const Caller>* Find(std::string_view credential,
                                            uint64_t generation) {
    return Find(digester_.DigestOf(credential), generation);
  }

  // Remembers a caller until then, in place of one that was not asked for since
  // longer if there is no room. Does nothing for a credential without a digest.
  void Remember(const CredentialDigest& digest, uint64_t generation,
                std::shared_ptr<const Caller> caller, absl::Time until);

  size_t capacity() const { return sets_ * kWays; }

  CredentialDigest DigestOf(std::string_view credential) const {
    return digester_.DigestOf(credential);
  }

  // That of this thread; null for none.
  static RememberedCallers* Current();
  static void SetCurrent(RememberedCallers* current);

 private:
  // A credential has so many places where it may be.
  static constexpr size_t kWays = 8;

  struct Entry {
    CredentialDigest digest;
    uint64_t generation = 0;
    absl::Time until;
    std::shared_ptr<const Caller> caller;  // Null if the place is free.
    // It was asked for since the set's hand passed it.
    bool asked = false;
  };
  // A part of each digest, so that one cache line says who may be it.
  struct alignas(64) Tags {
    std::array<uint64_t, kWays> of = {};
  };

  static uint64_t TagOf(const CredentialDigest& digest) {
    return digest.words[0] ^ digest.words[3];
  }
  // The set that it belongs to.
  size_t SetOf(const CredentialDigest& digest) const;
  Entry& EntryAt(size_t set, size_t way) { return entries_[set * kWays + way]; }
  bool IsGood(const Entry& entry, uint64_t generation) const;
  // The place to be overwritten.
  size_t Victim(size_t set, const CredentialDigest& digest,
                uint64_t generation);

  const CredentialDigester& digester_;
  Clock& clock_;
  const size_t sets_;
  // Empty before something is remembered.
  std::vector<Tags> tags_;  // One for each set.
  std::vector<Entry> entries_;
  // Where the search for a victim goes on in each set.
  std::vector<uint8_t> hands_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_REMEMBERED_CALLERS_H_
