// SharingState says whether limits are shared by all replicas now, or counted
// by this process's share, since Redis does not answer.
//
//   state.SetAway(loop.Now(), why);       // It did not answer.
//   if (state.SetShared(loop.Now())) ...  // It does again: tell it all.
//
// The log has a line when Redis goes away, however short that is, and one when
// it has answered for kPatience. Where it goes away again within kFlapping, it
// must have answered twice as long each time, up to kPatienceMax: a Redis that
// comes and goes is told of once a minute at most, with how often it went.
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
  // So long Redis must have answered without fail before it is said that limits
  // are shared again.
  static constexpr absl::Duration kPatience = absl::Seconds(1);
  // What goes away again so soon is said to be back later, and how much later
  // at most.
  static constexpr absl::Duration kFlapping = absl::Minutes(5);
  static constexpr absl::Duration kPatienceMax = absl::Minutes(1);
  // Who was away for so long may have been restarted, and know nothing.
  static constexpr absl::Duration kMayForget = absl::Milliseconds(200);
  // It is settled as long after it answers again as it was away, but after so
  // long at the latest: replicas are back by then, since they try again with a
  // back-off of as much and at most two seconds, and have told what they have
  // within a second.
  static constexpr absl::Duration kSettled = absl::Seconds(3);

  // Redis did not answer, for why, or was known not to; at a steady time.
  void SetAway(absl::Duration now, const absl::Status& why) LOCKS_EXCLUDED(mu_);
  // It did. Returns true where it may not know any more what it was told.
  bool SetShared(absl::Duration now) LOCKS_EXCLUDED(mu_);

  // What was decided by this process's share, and asked of Redis.
  void CountShare() { shares_.fetch_add(1, std::memory_order_relaxed); }
  void CountAsked() { asked_.fetch_add(1, std::memory_order_relaxed); }
  // What had no place among the leases, so that the share or Redis decides.
  void CountUnleased() { unleased_.fetch_add(1, std::memory_order_relaxed); }

  // From when it did not answer until it has for kPatience.
  bool away() const { return away_.load(std::memory_order_relaxed); }
  // Whether it did not answer when it was last asked.
  bool fails() const { return fails_.load(std::memory_order_relaxed); }
  // Whether all replicas have told Redis what they had when it came back. At
  // nanoseconds of the steady clock.
  bool IsSettled(int64_t now) const { return !fails() && now >= settled_at(); }
  // From when that is so, in such nanoseconds: what was told or granted before
  // then does not count all that was begun without Redis.
  int64_t settled_at() const {
    return settled_at_.load(std::memory_order_relaxed);
  }
  // What it was told before then, in such nanoseconds, it may have lost.
  int64_t may_have_lost_until() const {
    return may_have_lost_until_.load(std::memory_order_relaxed);
  }
  int64_t shares() const { return shares_.load(std::memory_order_relaxed); }
  int64_t asked() const { return asked_.load(std::memory_order_relaxed); }
  int64_t unleased() const { return unleased_.load(std::memory_order_relaxed); }

 private:
  // Whether anything went wrong lately, so that it is worth the lock.
  std::atomic<bool> uneasy_ = false;
  std::atomic<bool> away_ = false;
  std::atomic<bool> fails_ = false;
  std::atomic<int64_t> settled_at_ = 0;
  std::atomic<int64_t> may_have_lost_until_ = 0;
  std::atomic<int64_t> shares_ = 0;
  std::atomic<int64_t> asked_ = 0;
  std::atomic<int64_t> unleased_ = 0;

  Mutex mu_;
  absl::Duration fails_since_ GUARDED_BY(mu_);
  absl::Duration answers_since_ GUARDED_BY(mu_);
  // What the log says: since when it is away, how often it went meanwhile, and
  // when it was back.
  bool said_away_ GUARDED_BY(mu_) = false;
  absl::Duration said_away_since_ GUARDED_BY(mu_);
  int64_t times_away_ GUARDED_BY(mu_) = 0;
  absl::Duration back_at_ GUARDED_BY(mu_) = -kFlapping;
  absl::Duration patience_ GUARDED_BY(mu_) = kPatience;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_SHARING_STATE_H_
