#include "clients/cpp/cancellation.h"

#include <utility>

namespace gateway {

// Each of the two first says what it has to say and then looks at what the
// other has said, so that one of them sees both.
void Cancellation::Cancel() {
  cancelled_ = true;
  if (const auto call = std::atomic_load(&call_)) call->Cancel();
}

void Cancellation::Attach(std::shared_ptr<CallPlan> call) {
  CallPlan& attached = *call;
  std::atomic_store(&call_, std::move(call));
  if (cancelled_) attached.Cancel();
}

}  // namespace gateway
