// MessageHandover brings the messages of a handler on an event loop to a thread
// that waits for them. A few may wait; then the handler does.
//
//   const auto handover = std::make_shared<MessageHandover>(loop);
//   ... the loop runs a handler that writes to it, Begin before, End after ...
//   while (const auto message = handover->Take()) Show(*message);
//
// Thread contract: Begin, End, GiveUp and what MessageWriter has on the loop;
// Take and Leave on the other thread. Owned by both, since the loop is told of
// what was taken after the handler may have ended.

#ifndef SERVICE_EMBEDDING_MESSAGE_HANDOVER_H_
#define SERVICE_EMBEDDING_MESSAGE_HANDOVER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/os/mutex.h"
#include "google/protobuf/message.h"
#include "service/api/message_stream.h"

namespace gateway {

class MessageHandover final
    : public MessageWriter,
      public std::enable_shared_from_this<MessageHandover> {
 public:
  explicit MessageHandover(EventLoop& loop) : loop_(loop) {}
  virtual ~MessageHandover() = default;

  MessageHandover(const MessageHandover&) = delete;
  MessageHandover& operator=(const MessageHandover&) = delete;

  // The handler runs; `cancel` ends it.
  void Begin(std::shared_ptr<CancelSignal> cancel) {
    cancel_ = std::move(cancel);
  }
  // The handler writes nothing more.
  void End() LOCKS_EXCLUDED(mu_);
  // Lets a handler go on that waits, soon; it was cancelled.
  void GiveUp();

  // The next message, which it waits for; null at the end.
  std::unique_ptr<const google::protobuf::Message> Take() LOCKS_EXCLUDED(mu_);
  // Cancels the call: nothing is taken any more.
  void Leave();

  bool WriteLast(const google::protobuf::Message& message) override
      LOCKS_EXCLUDED(mu_);

 private:
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t bytes) override LOCKS_EXCLUDED(mu_);
  // Returns how many wait.
  size_t Put(const google::protobuf::Message& message) LOCKS_EXCLUDED(mu_);
  void OnTaken();

  EventLoop& loop_;
  std::shared_ptr<CancelSignal> cancel_;  // Null unless the handler runs.

  Mutex mu_;
  CondVar changed_;
  std::deque<std::unique_ptr<const google::protobuf::Message>> waiting_
      GUARDED_BY(mu_);
  bool ended_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_EMBEDDING_MESSAGE_HANDOVER_H_
