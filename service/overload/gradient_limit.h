// GradientLimit finds out how many calls at once a target, or a credential of
// one, takes well. Those above it go elsewhere or wait, before the provider
// refuses them or slows down for all.
//
//   GradientLimit limit(options);
//   std::optional<GradientLimit::Place> place = limit.TryTake();
//   if (!place.has_value()) ...              // Full: another target.
//   limit.RecordFirstToken(now, ttft);       // Of a stream. Or:
//   limit.RecordAnswer(now);                 // Of a whole answer.
//   limit.RecordPushBack(now);
//
// How long a whole call takes says nothing, since that is up to the length of
// its answer. So it goes by two other signals, and whole answers say only that
// as many calls as were under way went well:
//
//   push-back      A 429, a 529 or a time-out takes a tenth off (`backoff`), at
//                  most once a window, since those under way when it came would
//                  tell of the same again.
//   first tokens   Where those of the last window took longer than usual by
//                  more than `tolerance`, the limit falls in proportion, by
//                  half at most; where not, it grows by its square root. Of
//                  this, `smoothing` goes into effect.
//
// What is usual comes down at once with a window that was quicker, and goes up
// within `usual_windows`, with what lasts. So that a queue which was there from
// the beginning does not pass for usual, half of the limit is tried now and
// then, for two windows out of kTrialInterval: where first tokens come sooner
// so, that is what is usual from then on.
//
// The limit grows only where at least half of it was in use: what nobody has
// tried is not known to go well.
//
// Times are steady. Thread-safe; to take a place and to give it back are one
// atomic operation each, and to record one short lock.

#ifndef SERVICE_OVERLOAD_GRADIENT_LIMIT_H_
#define SERVICE_OVERLOAD_GRADIENT_LIMIT_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class GradientLimit {
 public:
  static constexpr int kTrialInterval = 30;

  struct Options {
    bool operator==(const Options&) const = default;

    // 1 <= min <= initial <= max.
    int initial = 20;
    int min = 1;
    int max = 200;
    // What is left of the limit after push-back. In (0, 1).
    double backoff = 0.9;
    // So many times longer than usual is still well. At least 1.
    double tolerance = 1.5;
    // In (0, 1].
    double smoothing = 0.2;
    // A window ends after so long, with at least so many answers; of so many
    // first tokens, the average tells whether it is slow.
    absl::Duration window = absl::Seconds(1);
    int samples_min = 10;
    // Within so many windows, roughly, what lasts becomes usual. At least 2.
    int usual_windows = 600;
  };

  // A place among those under way, while it lives.
  class [[nodiscard]] Place {
   public:
    Place(Place&& other) noexcept
        : limit_(std::exchange(other.limit_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(limit_, other.limit_);
      return *this;
    }
    ~Place() {
      if (limit_ != nullptr) {
        limit_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
      }
    }

   private:
    friend class GradientLimit;
    explicit Place(GradientLimit* limit) : limit_(limit) {}

    GradientLimit* limit_;  // Null once moved from.
  };

  explicit GradientLimit(const Options& options);
  GradientLimit(const GradientLimit&) = delete;
  GradientLimit& operator=(const GradientLimit&) = delete;

  // Returns nothing if as many are under way as may be. The place must not
  // outlive this object.
  std::optional<Place> TryTake();

  // The first token of an answer came after so long.
  void RecordFirstToken(absl::Duration now, absl::Duration ttft)
      LOCKS_EXCLUDED(mu_);

  // A whole answer came, which says nothing of first tokens.
  void RecordAnswer(absl::Duration now) LOCKS_EXCLUDED(mu_);

  // The target asked for fewer calls, or did not answer in time.
  void RecordPushBack(absl::Duration now) LOCKS_EXCLUDED(mu_);

  const Options& options() const { return options_; }

  int limit() const { return limit_.load(std::memory_order_relaxed); }
  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  struct Window {
    absl::Duration began;
    int answers = 0;
    int in_flight_max = 0;
  };
  // First tokens, of this window and those before that had too few.
  struct FirstTokens {
    double seconds = 0;  // Summed.
    int count = 0;
  };

  // Counts an answer, and ends the window if that is due.
  void Count(absl::Duration now) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void EndWindow(absl::Duration now) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How much of the limit first tokens leave: less than 1 where they are slow,
  // 1 where they are not, or are too few.
  double TakeGradient() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FollowUsual(double seconds) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginTrial() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // At the end of a window of a trial.
  void GoOnWithTrial() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetLimit(double limit) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  std::atomic<int> in_flight_ = 0;
  std::atomic<int> limit_;

  Mutex mu_;
  double exact_limit_ GUARDED_BY(mu_);
  Window window_ GUARDED_BY(mu_);
  bool has_window_ GUARDED_BY(mu_) = false;
  FirstTokens first_tokens_ GUARDED_BY(mu_);
  double usual_seconds_ GUARDED_BY(mu_) = 0;
  bool has_usual_ GUARDED_BY(mu_) = false;
  // Windows since the last trial that made use of the limit, and those that are
  // left of one.
  int windows_untried_ GUARDED_BY(mu_) = 0;
  int trial_windows_ GUARDED_BY(mu_) = 0;
  // When the limit was last taken back.
  absl::Duration backed_off_ GUARDED_BY(mu_) = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_GRADIENT_LIMIT_H_
