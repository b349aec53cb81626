#include "clients/cpp/call_plan.h"

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <optional>
#include <utility>

namespace gateway {
namespace {

gpr_timespec FromNow(absl::Duration time) {
  if (time == absl::InfiniteDuration()) {
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  }
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(time), GPR_TIMESPAN));
}

}  // namespace

struct CallPlan::Timer {
  grpc::CompletionQueue queue;
  grpc::Alarm alarm;
};

CallPlan::CallPlan(const Limits& limits, RetryBudget& budget)
    : limits_(limits), deadline_(FromNow(limits.timeout)), budget_(budget) {}

CallPlan::~CallPlan() = default;

// Whoever begins something that can be cancelled first says what it is and then
// looks whether it was cancelled; Cancel does it the other way round. So one of
// them sees both.
void CallPlan::Begin(std::shared_ptr<grpc::ClientContext> context) {
  ++attempts_;
  grpc::ClientContext& begun = *context;
  std::atomic_store(&context_, std::move(context));
  if (cancelled_) begun.TryCancel();
}

bool CallPlan::AwaitNext(const FailedAttempt& failure) {
  if (attempts_ >= limits_.attempts_max) return false;
  const std::optional<absl::Duration> wait =
      RetryWait(failure, limits_.repetition, attempts_);
  if (!wait.has_value() || gpr_time_cmp(FromNow(*wait), deadline_) >= 0 ||
      !budget_.Failed()) {
    return false;
  }
  Wait(*wait);
  return true;
}

void CallPlan::Cancel() {
  cancelled_ = true;
  if (const auto context = std::atomic_load(&context_)) context->TryCancel();
  if (const auto timer = std::atomic_load(&timer_)) timer->alarm.Cancel();
}

void CallPlan::Wait(absl::Duration time) {
  const auto timer = std::make_shared<Timer>();
  timer->alarm.Set(&timer->queue, FromNow(time), nullptr);
  std::atomic_store(&timer_, timer);
  if (cancelled_) timer->alarm.Cancel();
  void* tag = nullptr;
  bool passed = false;
  timer->queue.Next(&tag, &passed);
  std::atomic_store(&timer_, std::shared_ptr<Timer>());
  timer->queue.Shutdown();
  while (timer->queue.Next(&tag, &passed)) {
  }
}

}  // namespace gateway
