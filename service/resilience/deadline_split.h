// SplitDeadline says how much of the caller's remaining time an attempt gets,
// so that no attempt outlasts the caller, and one that hangs leaves time for
// another elsewhere.
//
//   const std::optional<AttemptLimits> limits =
//       SplitDeadline(configured, {.remaining = call_deadline - now,
//                                  .attempts_left = 2, .streams = true});
//   if (!limits.has_value()) return failure;  // Not worth another attempt.
//
// What each limit becomes, at most as long as configured:
//
//   total, idle    the remaining time: after its first content an answer has no
//                  other attempt behind it
//   first_content  of a stream its share, which is the remaining time over the
//                  attempts that are left, but not less than `least_share`. Of
//                  an answer that comes whole, the remaining time: while it is
//                  made, it looks like one that hangs, and to cut it for the
//                  sake of the next would cut the next one, too
//   first_byte     as first_content, and no longer than that
//   connect        its share of the remaining time in both, and no longer than
//                  first_content
//
// The last attempt gets all that remains. Limits are counted from where their
// names say: connect, first_content and total from the attempt's begin,
// first_byte from the request's last byte, idle from the last read. Since
// first_content holds from the begin, connect and first_byte do not add up to
// more than one share.
//
// Thread-safe: plain functions.

#ifndef SERVICE_RESILIENCE_DEADLINE_SPLIT_H_
#define SERVICE_RESILIENCE_DEADLINE_SPLIT_H_

#include <optional>

#include "absl/time/time.h"

namespace gateway {

// How long an attempt may take to what. InfiniteDuration for no limit.
struct AttemptLimits {
  absl::Duration connect = absl::InfiniteDuration();
  absl::Duration first_byte = absl::InfiniteDuration();
  // To the first semantic event: heartbeats are none.
  absl::Duration first_content = absl::InfiniteDuration();
  absl::Duration idle = absl::InfiniteDuration();
  absl::Duration total = absl::InfiniteDuration();

  bool operator==(const AttemptLimits&) const = default;
};

struct DeadlineBudget {
  // Until the caller's deadline, or that of the gateway for all calls.
  absl::Duration remaining = absl::InfiniteDuration();
  // That may still be made if this one takes too long, itself included: those
  // at other targets, and at the same one only where it is asked again after a
  // time-out. 1 at least.
  int attempts_left = 1;
  // The answer comes as a stream.
  bool streams = false;
  // The least time to the first content that a stream is given for the sake of
  // later attempts; if less remains, that.
  absl::Duration least_share = absl::Seconds(2);
  // With less than this left nobody is asked. 1 ms to 1 min.
  absl::Duration least_attempt = absl::Milliseconds(10);
};

// Returns nothing if there is no time for an attempt.
std::optional<AttemptLimits> SplitDeadline(const AttemptLimits& configured,
                                           const DeadlineBudget& budget);

// Returns whether there is time for an attempt after a wait as long as this, so
// that it is worth waiting.
bool LeavesTimeAfter(absl::Duration wait, const DeadlineBudget& budget);

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_DEADLINE_SPLIT_H_
