// SharingState says whether limits are shared by all replicas now, or counted
// by this process's share, since Redis does not answer. The log has one line
// for each change.
//
// Thread-safe.

#ifndef SERVICE_LIMITS_SHARING_STATE_H_
#define SERVICE_LIMITS_SHARING_STATE_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class SharingState {
 public:
  // Redis must have failed for so long, or answered without fail, before it is
  // said that it does.
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  // Redis did not answer, for why, or was known not to; at a steady time.
  void SetAway(absl::Duration now, const absl::Status& why) LOCKS_EXCLUDED(mu_);
  // It did.
  void SetShared(absl::Duration now) LOCKS_EXCLUDED(mu_);

  // What was decided by this process's share, and asked of Redis.
  void CountShare() { shares_.fetch_add(1, std::memory_order_relaxed); }
  void CountAsked() { asked_.fetch_add(1, std::memory_order_relaxed); }

  bool away() const { return away_.load(std::memory_order_relaxed); }
  int64_t shares() const { return shares_.load(std::memory_order_relaxed); }
  int64_t asked() const { return asked_.load(std::memory_order_relaxed); }

 private:
  // Whether anything went wrong lately, so that it is worth the lock.
  std::atomic<bool> uneasy_ = false;
  std::atomic<bool> away_ = false;
  std::atomic<int64_t> shares_ = 0;
  std::atomic<int64_t> asked_ = 0;

  Mutex mu_;
  absl::Duration fails_since_ GUARDED_BY(mu_);
  absl::Duration last_failure_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_SHARING_STATE_H_
