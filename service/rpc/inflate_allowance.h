// InflateAllowance bounds how long the calls of a loop, all together, may keep
// it busy with inflating what they sent: a few kilobytes can stand for
// megabytes, and while those are inflated the loop serves nobody else.
//
//   const size_t limit = allowance.LimitFor(packed.size(), bytes_limit);
//   status = Inflate(format, packed, limit, &text);
//   allowance.Spend(packed.size(), text.size());
//
// What inflates to kInflateRatio times its size is free, since sending it takes
// its time too, and text rarely inflates to more. What goes beyond that is
// taken from an allowance, which comes back at its own size per
// kInflateRefillTime.
//
// Thread contract: one event loop.

#ifndef SERVICE_RPC_INFLATE_ALLOWANCE_H_
#define SERVICE_RPC_INFLATE_ALLOWANCE_H_

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"
#include "base/os/clock.h"

namespace gateway {

inline constexpr size_t kInflateRatio = 20;
inline constexpr absl::Duration kInflateRefillTime = absl::Seconds(1);

class InflateAllowance {
 public:
  // Allows `bytes`, but at least kBytesMin, to be inflated in
  // kInflateRefillTime. Borrows `clock`.
  InflateAllowance(size_t bytes, Clock& clock)
      : bytes_(std::max(bytes, kBytesMin)), left_(bytes_), clock_(clock) {}

  InflateAllowance(const InflateAllowance&) = delete;
  InflateAllowance& operator=(const InflateAllowance&) = delete;

  // Returns how large `packed_bytes` may become now, at most `bytes_limit`.
  size_t LimitFor(size_t packed_bytes, size_t bytes_limit);

  // Records how large they became, within what LimitFor has said. If they were
  // inflated off the loop, others may have spent the same meanwhile.
  void Spend(size_t packed_bytes, size_t bytes);

 private:
  // A tenth of a second's work, or two.
  static constexpr size_t kBytesMin = 64 * 1024 * 1024;

  const size_t bytes_;
  size_t left_;
  absl::Duration refilled_;  // A steady time.
  Clock& clock_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_INFLATE_ALLOWANCE_H_
