// KeySetSchedule says when the key set of an issuer is read again, and how long
// the one that was read last may be used. It reads nothing itself.
//
//   KeySetSchedule schedule({.interval = absl::Minutes(10)}, SystemRandom());
//   while (...) {
//     Wait until schedule.next();
//     schedule.Begin(clock.SteadyTime());
//     if (Read(&keys)) schedule.Succeeded(clock.SteadyTime());
//     else schedule.Failed(clock.SteadyTime());
//   }
//   ...
//   if (verdict.problem == JwtProblem::kUnknownKey &&
//       schedule.MissesKey(clock.SteadyTime())) {
//     // It is read sooner: wake up who waits.
//   }
//
// All times are steady ones (base/os/clock.h). Not thread-safe.

#ifndef SERVICE_IDENTITY_KEY_SET_SCHEDULE_H_
#define SERVICE_IDENTITY_KEY_SET_SCHEDULE_H_

#include <optional>

#include "absl/time/time.h"
#include "base/os/random.h"

namespace gateway {

class KeySetSchedule {
 public:
  struct Options {
    // From one reading to the next. Up to a tenth of it is left out by chance,
    // so that replicas do not ask together.
    absl::Duration interval = absl::Minutes(10);
    // A token with a key that is not in the set has it read at once, but no
    // sooner after the last time: anybody can write such tokens.
    absl::Duration missing_key_interval = absl::Minutes(1);
    // How long to wait after a failure: twice as long after each further one,
    // of which up to a half is left out by chance.
    absl::Duration first_retry = absl::Seconds(1);
    absl::Duration longest_retry = absl::Minutes(5);
    // How long the keys that were read last are used while none can be read. A
    // key that the issuer withdraws is good for as long.
    absl::Duration keep = absl::Hours(24);
  };

  // Borrows `random`.
  KeySetSchedule(const Options& options, Random& random)
      : options_(options), random_(random) {}

  // When the set is to be read; in the past for at once, as in the beginning,
  // and never while a reading is under way.
  absl::Duration next() const {
    return under_way_ ? absl::InfiniteDuration() : next_;
  }

  // A reading begins, and ends in one of two ways.
  void Begin(absl::Duration now);
  void Succeeded(absl::Duration now);
  void Failed(absl::Duration now);

  // A token names a key that the set does not have. Returns whether next() is
  // sooner than it was. After a failure the set is not read any sooner.
  bool MissesKey(absl::Duration now);

  // Whether there are keys, and they may still be used.
  bool HasKeys(absl::Duration now) const {
    return read_.has_value() && now < *read_ + options_.keep;
  }

  // How long ago the set was last read with success; infinite if never.
  absl::Duration Age(absl::Duration now) const {
    return read_.has_value() ? now - *read_ : absl::InfiniteDuration();
  }

  // Failures since the last success.
  int failures() const { return failures_; }

 private:
  // So much of it, of which up to `share` is left out.
  absl::Duration Shortened(absl::Duration duration, double share);

  const Options options_;
  Random& random_;
  bool under_way_ = false;
  absl::Duration next_ = -absl::InfiniteDuration();
  // When the set was last read with success.
  std::optional<absl::Duration> read_;
  // Before then no missing key has it read.
  absl::Duration may_miss_ = -absl::InfiniteDuration();
  // The next reading is for a missing key.
  bool for_missing_key_ = false;
  int failures_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_KEY_SET_SCHEDULE_H_
