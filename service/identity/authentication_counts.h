// AuthenticationCounts says how often callers, or operators, have shown who
// they are, in which way, and what came of it. No name and nothing of what was
// shown is kept.
//
//   counts.Record(CallerMethod::kJwt, AuthenticationOutcome::kExpired);
//   counts.Of(CallerMethod::kJwt, AuthenticationOutcome::kExpired);
//
// Threads write to counters of their own, as far as there are enough.
//
// Thread-safe.

#ifndef SERVICE_IDENTITY_AUTHENTICATION_COUNTS_H_
#define SERVICE_IDENTITY_AUTHENTICATION_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "service/identity/caller.h"

namespace gateway {

// What came of it; the first is the only good one.
enum class AuthenticationOutcome : uint8_t {
  kAccepted,
  kInvalid,  // Unknown, wrong, or nothing at all.
  kExpired,
  kDisabled,        // Or revoked.
  kTooManyGuesses,  // Wrong, after many that were.
  kUnavailable,     // Nobody can say yet.
};
inline constexpr size_t kAuthenticationOutcomes = 6;

// The name for metrics: `accepted`, `invalid`, `expired`, `disabled`,
// `too_many_guesses` or `unavailable`.
std::string_view AuthenticationOutcomeName(AuthenticationOutcome outcome);

// That of a fault with which somebody was refused.
AuthenticationOutcome OutcomeOfFault(const absl::Status& fault);

class AuthenticationCounts {
 public:
  // As CallerMethod has them.
  static constexpr size_t kMethods = 5;

  // Counts one; kAnonymous for who has shown nothing.
  void Record(CallerMethod method, AuthenticationOutcome outcome);

  uint64_t Of(CallerMethod method, AuthenticationOutcome outcome) const;

 private:
  static constexpr size_t kShards = 16;

  struct alignas(64) Shard {
    std::array<std::array<std::atomic<uint64_t>, kAuthenticationOutcomes>,
               kMethods>
        counts = {};
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_AUTHENTICATION_COUNTS_H_
