// CallPlan is one call on its way: its deadline, its attempts and the waits
// between them.
//
//   auto plan = std::make_shared<CallPlan>(limits, budget);
//   for (;;) {
//     auto context = ...;
//     plan->Begin(context);
//     ... the attempt ...
//     if (!plan->AwaitNext(failure)) return failure.status;
//   }
//
// Made when the call begins, for one thread; Cancel may be called by any.

#ifndef CLIENTS_CPP_CALL_PLAN_H_
#define CLIENTS_CPP_CALL_PLAN_H_

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <memory>

#include "absl/time/time.h"
#include "clients/cpp/retry_policy.h"

namespace gateway {

class CallPlan {
 public:
  struct Limits {
    // For all of the call; absl::InfiniteDuration() for none.
    absl::Duration timeout;
    int attempts_max;
    Repetition repetition;
  };

  // Borrows `budget`.
  CallPlan(const Limits& limits, RetryBudget& budget);
  CallPlan(const CallPlan&) = delete;
  CallPlan& operator=(const CallPlan&) = delete;
  ~CallPlan();

  gpr_timespec deadline() const { return deadline_; }

  // From now on Cancel ends this attempt; at once if it was called before.
  void Begin(std::shared_ptr<grpc::ClientContext> context);

  // Waits until there may be another attempt, which tells if the call was
  // cancelled meanwhile; false if there is to be none.
  bool AwaitNext(const FailedAttempt& failure);

  void Succeeded() { budget_.Succeeded(); }

  void Cancel();

 private:
  struct Timer;

  void Wait(absl::Duration time);

  const Limits limits_;
  const gpr_timespec deadline_;
  RetryBudget& budget_;
  int attempts_ = 0;

  std::atomic<bool> cancelled_ = false;
  // Of the present attempt, or of the wait for the next; read and written as
  // atomics.
  std::shared_ptr<grpc::ClientContext> context_;
  std::shared_ptr<Timer> timer_;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_CALL_PLAN_H_
