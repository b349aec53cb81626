// Cancellation ends a call that another thread has begun.
//
//   call.cancellation = std::make_shared<Cancellation>();
//   gateway.Generate(request, call);  // CANCELLED once another thread says:
//   call.cancellation->Cancel();      // The model stops, too.
//
// Of one call at a time, or of several that follow each other. A call that
// begins once it was cancelled ends at once.
//
// Thread-safe.

#ifndef CLIENTS_CPP_CANCELLATION_H_
#define CLIENTS_CPP_CANCELLATION_H_

#include <atomic>
#include <memory>

#include "clients/cpp/call_plan.h"

namespace gateway {

class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void Cancel();

  // For LLMGateway: the call that it ends from now on.
  void Attach(std::shared_ptr<CallPlan> call);

 private:
  std::atomic<bool> cancelled_ = false;
  // Of the last call; read and written as an atomic.
  std::shared_ptr<CallPlan> call_;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_CANCELLATION_H_
