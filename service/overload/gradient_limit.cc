#include "service/overload/gradient_limit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace gateway {
namespace {

// By how much a window may take the limit back.
constexpr double kGradientMin = 0.5;

// So much of the way what is usual comes down to a window that was quicker.
constexpr double kUsualFalls = 0.5;

// A trial's first window still has first tokens of calls from before it.
constexpr int kTrialWindows = 2;

}  // namespace

GradientLimit::GradientLimit(const Options& options)
    : options_(options),
      limit_(options.initial),
      exact_limit_(options.initial) {
  assert(1 <= options.min && options.min <= options.initial &&
         options.initial <= options.max);
  assert(options.backoff > 0 && options.backoff < 1);
  assert(options.tolerance >= 1 && options.usual_windows >= 2);
  assert(options.smoothing > 0 && options.smoothing <= 1);
}

std::optional<GradientLimit::Place> GradientLimit::TryTake() {
  const int limit = limit_.load(std::memory_order_relaxed);
  int in_flight = in_flight_.load(std::memory_order_relaxed);
  while (in_flight < limit) {
    if (in_flight_.compare_exchange_weak(in_flight, in_flight + 1,
                                         std::memory_order_relaxed)) {
      return Place(this);
    }
  }
  return std::nullopt;
}

void GradientLimit::RecordFirstToken(absl::Duration now, absl::Duration ttft) {
  MutexLock lock(mu_);
  first_tokens_.seconds += absl::ToDoubleSeconds(ttft);
  ++first_tokens_.count;
  Count(now);
}

void GradientLimit::RecordAnswer(absl::Duration now) {
  MutexLock lock(mu_);
  Count(now);
}

void GradientLimit::Count(absl::Duration now) {
  if (!has_window_) {
    window_ = {.began = now};
    has_window_ = true;
  }
  window_.in_flight_max = std::max(window_.in_flight_max, in_flight());
  ++window_.answers;
  if (window_.answers >= options_.samples_min &&
      now - window_.began >= options_.window) {
    EndWindow(now);
  }
}

void GradientLimit::RecordPushBack(absl::Duration now) {
  MutexLock lock(mu_);
  if (now - backed_off_ < options_.window) return;
  backed_off_ = now;
  SetLimit(exact_limit_ * options_.backoff);
  // What was seen before says nothing of the new limit.
  has_window_ = false;
  trial_windows_ = 0;
  first_tokens_ = FirstTokens();
}

void GradientLimit::EndWindow(absl::Duration now) {
  const bool well_used = window_.in_flight_max * 2 >= exact_limit_;
  window_ = {.began = now};
  if (trial_windows_ > 0) return GoOnWithTrial();
  const double gradient = TakeGradient();
  // Nothing is added where it is slow: all of it would be the queue of the
  // target.
  double next = exact_limit_ * gradient;
  if (gradient >= 1) next += std::sqrt(exact_limit_);
  if (next <= exact_limit_ || well_used) {
    SetLimit(exact_limit_ + options_.smoothing * (next - exact_limit_));
  }
  if (well_used && has_usual_ && ++windows_untried_ >= kTrialInterval) {
    BeginTrial();
  }
}

void GradientLimit::BeginTrial() {
  windows_untried_ = 0;
  const int half = std::max(options_.min, static_cast<int>(exact_limit_ / 2));
  if (half >= limit()) return;
  trial_windows_ = kTrialWindows;
  first_tokens_ = FirstTokens();
  limit_.store(half, std::memory_order_relaxed);
}

void GradientLimit::GoOnWithTrial() {
  if (--trial_windows_ == 0) {
    if (first_tokens_.count >= options_.samples_min) {
      FollowUsual(first_tokens_.seconds / first_tokens_.count);
    }
    SetLimit(exact_limit_);
  }
  first_tokens_ = FirstTokens();
}

double GradientLimit::TakeGradient() {
  if (first_tokens_.count < options_.samples_min) return 1;
  const double seconds = first_tokens_.seconds / first_tokens_.count;
  first_tokens_ = FirstTokens();
  FollowUsual(seconds);
  if (seconds <= 0) return 1;
  return std::clamp(options_.tolerance * usual_seconds_ / seconds, kGradientMin,
                    1.0);
}

void GradientLimit::FollowUsual(double seconds) {
  if (!std::exchange(has_usual_, true)) {
    usual_seconds_ = seconds;
  } else if (seconds < usual_seconds_) {
    usual_seconds_ += kUsualFalls * (seconds - usual_seconds_);
  } else {
    usual_seconds_ += (seconds - usual_seconds_) / options_.usual_windows;
  }
}

void GradientLimit::SetLimit(double limit) {
  exact_limit_ = std::clamp(limit, static_cast<double>(options_.min),
                            static_cast<double>(options_.max));
  limit_.store(static_cast<int>(exact_limit_), std::memory_order_relaxed);
}

}  // namespace gateway
