#include "service/embedding/message_handover.h"

#include <utility>

#include "service/api/call_faults.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;

// Enough for a thread that is woken while more comes.
constexpr size_t kWaitingMessagesMax = 32;

}  // namespace

void MessageHandover::End() {
  cancel_.reset();
  MutexLock lock(mu_);
  ended_ = true;
  changed_.NotifyAll();
}

void MessageHandover::GiveUp() {
  loop_.Post([self = shared_from_this()] {
    if (self->write_waiting()) self->FinishWrite(false);
  });
}

std::unique_ptr<const Message> MessageHandover::Take() {
  std::unique_ptr<const Message> message;
  bool was_full = false;
  {
    MutexLock lock(mu_);
    while (waiting_.empty() && !ended_) changed_.Wait(lock);
    if (waiting_.empty()) return nullptr;
    was_full = waiting_.size() >= kWaitingMessagesMax;
    message = std::move(waiting_.front());
    waiting_.pop_front();
  }
  if (was_full) loop_.Post([self = shared_from_this()] { self->OnTaken(); });
  return message;
}

void MessageHandover::Leave() {
  loop_.Post([self = shared_from_this()] {
    const std::shared_ptr<CancelSignal> cancel = self->cancel_;
    if (cancel != nullptr) cancel->Cancel(CallerGone());
  });
}

bool MessageHandover::WriteLast(const Message& message) {
  Put(message);
  return true;
}

StreamProgress MessageHandover::StartWrite(const Message& message,
                                           size_t /*bytes*/) {
  if (cancel_ == nullptr || cancel_->cancelled()) return StreamProgress::kEnded;
  return Put(message) < kWaitingMessagesMax ? StreamProgress::kDone
                                            : StreamProgress::kWaiting;
}

size_t MessageHandover::Put(const Message& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  MutexLock lock(mu_);
  waiting_.push_back(std::move(copy));
  changed_.NotifyAll();
  return waiting_.size();
}

void MessageHandover::OnTaken() {
  if (write_waiting()) FinishWrite(true);
}

}  // namespace gateway
