#include "service/cache/shared_answer.h"

#include <memory>
#include <optional>
#include <utility>

namespace gateway {

std::optional<AnswerShare> SharedAnswer::Join(
    std::shared_ptr<SharedAnswer> answer) {
  std::optional<Audience::Seat> seat = answer->audience_->Join();
  if (!seat) return std::nullopt;
  return AnswerShare(std::move(answer), *std::move(seat));
}

void SharedAnswer::Finish(SharedOutcome outcome) {
  MutexLock lock(mu_);
  if (outcome_) return;
  outcome_ = std::move(outcome);
  // Within the lock, since who waits removes itself under it before it goes,
  // and its loop with it.
  waiting_.WakeAll();
}

bool SharedAnswer::finished() const {
  MutexLock lock(mu_);
  return outcome_.has_value();
}

Task<absl::StatusOr<SharedOutcome>> AnswerShare::Wait(EventLoop& loop,
                                                      CancelSignal& cancel) {
  SharedAnswer& answer = *answer_;
  const auto waiter = std::make_shared<LoopWaiter>(loop);
  {
    MutexLock lock(answer.mu_);
    if (answer.outcome_) co_return *answer.outcome_;
    answer.waiting_.Add(waiter);
  }
  {
    const CancelListener on_cancel(
        cancel, [woken = waiter.get()] { woken->wake_up.Set(); });
    co_await waiter->wake_up.Wait();
  }
  MutexLock lock(answer.mu_);
  answer.waiting_.Remove(waiter);
  // Whoever is gone is told so, even if the answer has come just now.
  if (cancel.cancelled()) co_return cancel.status();
  co_return *answer.outcome_;
}

}  // namespace gateway
