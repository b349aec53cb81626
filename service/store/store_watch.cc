#include "service/store/store_watch.h"

#include <utility>

#include "base/os/logging.h"

namespace gateway {
namespace {

bool IsFailure(const absl::Status& outcome) {
  return !outcome.ok() && !absl::IsAborted(outcome) &&
         !absl::IsInvalidArgument(outcome) && !absl::IsOutOfRange(outcome);
}

}  // namespace

void StoreWatch::Tell(const absl::Status& outcome) {
  const bool fails = IsFailure(outcome);
  if (fails) {
    failure_nanos_.store(absl::ToInt64Nanoseconds(clock_.SteadyTime()),
                         std::memory_order_relaxed);
  }
  failed_last_.store(fails, std::memory_order_relaxed);
  if (fails == fails_.load(std::memory_order_relaxed)) return;
  if (fails) {
    TellFailure(outcome);
  } else {
    TellWell();
  }
}

bool StoreWatch::fails() const {
  if (!failed_last_.load(std::memory_order_relaxed)) return false;
  const absl::Duration failed =
      absl::Nanoseconds(failure_nanos_.load(std::memory_order_relaxed));
  return clock_.SteadyTime() - failed < kLately;
}

void StoreWatch::TellFailure(const absl::Status& why) {
  const absl::Duration now = clock_.SteadyTime();
  MutexLock lock(mu_);
  if (fails_.load(std::memory_order_relaxed)) return;
  if (now < next_) {
    ++unlogged_;
    return;
  }
  next_ = now + kInterval;
  since_ = now;
  fails_.store(true, std::memory_order_relaxed);
  Log(LogLevel::kError, module_, trouble_,
      {{"why", why}, {"unlogged", std::exchange(unlogged_, 0)}});
}

void StoreWatch::TellWell() {
  const absl::Duration now = clock_.SteadyTime();
  MutexLock lock(mu_);
  if (!fails_.load(std::memory_order_relaxed)) return;
  fails_.store(false, std::memory_order_relaxed);
  Log(LogLevel::kInfo, module_, "this is over",
      {{"trouble", trouble_}, {"after_seconds", now - since_}});
}

}  // namespace gateway
