// The generic cell rate algorithm in whole nanoseconds. What a counter knows is
// one number, its theoretical arrival time (TAT): when all that was taken will
// have come back. Each unit taken moves it on by the emission interval,
// `window / limit`, and it may lie ahead of now by what `burst` units are
// worth.
//
//   const Gcra gcra(/*limit=*/60, absl::Minutes(1), /*burst=*/10);
//   const Gcra::Decision decision = gcra.Take(tat, now, 1);
//   if (!decision.conforms) return Refuse(decision.wait);
//   tat = decision.tat;
//   ...
//   tat = gcra.Correct(tat, /*from=*/100, /*to=*/250);  // It was more.
//
// It is a token bucket of `burst` tokens that fills at `limit / window`,
// without anything that fills it: within any time d no more than `burst + limit
// * d / window` is taken, what was corrected to less counted as such from then
// on. Intervals are rounded up in 128-bit arithmetic, so that no number of
// small charges adds up to more. So that the whole burst can be taken in single
// units all the same, as much as that rounding comes to may be taken ahead of
// time: what conforms here conforms to an exact bucket a microsecond later at
// the latest.
//
// A correction to less never brings more than full, since a TAT that has passed
// is worth as much as now; one to more may lead beyond the burst: nothing
// conforms then until the debt has come back.
//
// Times are nanoseconds of the steady clock, which are never negative.
//
// Thread contract: immutable.

#ifndef SERVICE_LIMITS_GCRA_H_
#define SERVICE_LIMITS_GCRA_H_

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"

namespace gateway {

class Gcra {
 public:
  // No TAT is later, which is in 146 years: a debt beyond it is kept as this.
  static constexpr int64_t kLatest = int64_t{1} << 62;
  // The wait of what never conforms, since it is more than the burst.
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct Decision {
    bool conforms = false;
    int64_t tat = 0;   // As it is now, with the charge if it conforms.
    int64_t wait = 0;  // Nanoseconds until it conforms; 0 if it does.
  };

  // REQUIRES: limit > 0, window > 0, burst > 0.
  Gcra(int64_t limit, absl::Duration window, int64_t burst)
      : limit_(limit),
        burst_(burst),
        window_(absl::ToInt64Nanoseconds(window)),
        unit_interval_(Scaled(1)),
        tolerance_(Scaled(burst) + Rounding()) {
    assert(limit > 0 && window_ > 0 && burst > 0);
  }

  int64_t limit() const { return limit_; }
  int64_t burst() const { return burst_; }
  absl::Duration window() const { return absl::Nanoseconds(window_); }

  // Takes `cost` units, all or none. Of nothing it tells whether the counter
  // is beyond its burst. REQUIRES: cost >= 0, now >= 0.
  Decision Take(int64_t tat, int64_t now, int64_t cost) const {
    const int64_t begin = std::max(tat, now);
    if (cost > burst_) return {.tat = begin, .wait = kNever};
    // Neither is much more than kLatest: the sum fits.
    const int64_t end = begin + Interval(cost);
    const int64_t wait = end - now - tolerance_;
    if (wait > 0) return {.tat = begin, .wait = wait};
    return {.conforms = true, .tat = std::min(end, kLatest)};
  }

  // As Take, for one of `shares` processes that share the limit and cannot ask
  // each other: each has an equal part, so that a unit is worth as many. What
  // is more than the part is taken as soon as all of that has come back, and is
  // a debt. REQUIRES: shares > 0.
  Decision TakeShare(int64_t tat, int64_t now, int64_t cost,
                     int64_t shares) const {
    const int64_t begin = std::max(tat, now);
    if (cost > burst_) return {.tat = begin, .wait = kNever};
    const int64_t worth = Times(cost, shares);
    const int64_t wait =
        begin + Interval(std::min(worth, burst_)) - now - tolerance_;
    if (wait > 0) return {.tat = begin, .wait = wait};
    return {.conforms = true,
            .tat = std::min(begin + Interval(worth), kLatest)};
  }

  // `units` times `shares`, or the most that there is.
  static int64_t Times(int64_t units, int64_t shares) {
    int64_t product;
    return __builtin_mul_overflow(units, shares, &product)
               ? std::numeric_limits<int64_t>::max()
               : product;
  }

  // The TAT once `from` units that were taken have turned out to be `to`, with
  // the nanoseconds of those as though they had been taken at once. REQUIRES:
  // none is negative.
  int64_t Correct(int64_t tat, int64_t now, int64_t from, int64_t to) const {
    const int64_t corrected =
        std::max(tat, now) - Interval(from) + Interval(to);
    return std::clamp(corrected, int64_t{0}, kLatest);
  }

  // How many units conform now: so many, and not one more. 0 in debt.
  int64_t Remaining(int64_t tat, int64_t now) const {
    const int64_t slack = tolerance_ - Ahead(tat, now);
    if (slack <= 0) return 0;
    const absl::uint128 units =
        absl::uint128(slack) * absl::uint128(limit_) / absl::uint128(window_);
    return units > absl::uint128(burst_) ? burst_ : static_cast<int64_t>(units);
  }

  // Nanoseconds until all has come back.
  static int64_t Ahead(int64_t tat, int64_t now) {
    return std::max<int64_t>(tat - now, 0);
  }

  // How far the TAT may lie ahead, in nanoseconds.
  int64_t tolerance() const { return tolerance_; }

  // So many nanoseconds rounding is made up for at most: charges at the same
  // nanosecond, as of one turn of a loop; more take longer than that.
  static constexpr int64_t kRoundingMax = 1000;

  // What `units` are worth in nanoseconds, rounded up. REQUIRES: units >= 0.
  int64_t Interval(int64_t units) const {
    return units == 1 ? unit_interval_ : Scaled(units);
  }

 private:
  // A sum of it and kLatest fits.
  static constexpr int64_t kLongest = kLatest / 2;

  // What all units of the burst are rounded up by more than the burst is, each
  // being taken by itself: less than a nanosecond each.
  int64_t Rounding() const {
    return window_ % limit_ == 0 ? 0 : std::min(burst_ - 1, kRoundingMax);
  }

  int64_t Scaled(int64_t units) const {
    int64_t product;
    if (!__builtin_mul_overflow(units, window_, &product)) {
      return std::min(product / limit_ + (product % limit_ != 0), kLongest);
    }
    const absl::uint128 wide = absl::uint128(units) * absl::uint128(window_);
    const absl::uint128 nanos =
        (wide + absl::uint128(limit_ - 1)) / absl::uint128(limit_);
    return nanos > absl::uint128(kLongest) ? kLongest
                                           : static_cast<int64_t>(nanos);
  }

  int64_t limit_;
  int64_t burst_;
  int64_t window_;
  int64_t unit_interval_;
  int64_t tolerance_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_GCRA_H_
