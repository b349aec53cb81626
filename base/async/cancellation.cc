#include "base/async/cancellation.h"

#include <cassert>

namespace gateway {

CancelSignal::~CancelSignal() {
  while (first_ != nullptr) first_->Unlink();
}

void CancelSignal::Cancel(absl::Status why) {
  assert(!why.ok());
  if (cancelled()) return;
  status_ = std::move(why);
  // The head is read anew each time: a listener may remove others, or itself
  // with the call that it listens for.
  while (CancelListener* const listener = first_) {
    listener->Unlink();
    const std::function<void()> on_cancel = std::move(listener->on_cancel_);
    on_cancel();
  }
}

CancelListener::CancelListener(CancelSignal& signal,
                               std::function<void()> on_cancel)
    : signal_(nullptr), on_cancel_(std::move(on_cancel)) {
  if (signal.cancelled()) {
    on_cancel_();
    return;
  }
  signal_ = &signal;
  next_ = signal.first_;
  if (next_ != nullptr) next_->previous_ = this;
  signal.first_ = this;
}

CancelListener::~CancelListener() {
  if (signal_ != nullptr) Unlink();
}

void CancelListener::Unlink() {
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    signal_->first_ = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  signal_ = nullptr;
  previous_ = next_ = nullptr;
}

}  // namespace gateway
