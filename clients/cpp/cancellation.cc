#include "clients/cpp/cancellation.h"

#include <utility>

namespace gateway {

// Each of the two first says what it has to say and then looks at what the
// other has said, so that one of them sees both.
void Cancellation::Cancel() {
  cancelled_ = true;
  const std::shared_ptr<grpc::ClientContext> context =
      std::atomic_load(&context_);
  if (context != nullptr) context->TryCancel();
}

void Cancellation::Attach(std::shared_ptr<grpc::ClientContext> context) {
  grpc::ClientContext& attached = *context;
  std::atomic_store(&context_, std::move(context));
  if (cancelled_) attached.TryCancel();
}

}  // namespace gateway
