// A RingWriter writes the messages of a stream that its caller may come back
// to: each is kept, and passed on while the caller is there. It never says that
// the caller is gone: the call goes on.
//
// Thread contract: the call's event loop.

#ifndef SERVICE_API_RING_WRITER_H_
#define SERVICE_API_RING_WRITER_H_

#include <cstddef>
#include <utility>

#include "base/async/task.h"
#include "google/protobuf/message.h"
#include "service/api/message_stream.h"
#include "service/pipeline/resumable_call.h"

namespace gateway {

class RingWriter final : public MessageWriter {
 public:
  // Both must outlive this. REQUIRES: the call is open.
  RingWriter(MessageWriter& to, ResumableCall& call) : to_(to), call_(call) {}

  bool WriteLast(const google::protobuf::Message& message) override {
    call_.Append(message.SerializeAsString());
    if (is_here_) to_.WriteLast(message);
    return true;
  }

 protected:
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t bytes) override {
    call_.Append(message.SerializeAsString());
    if (!is_here_) return StreamProgress::kDone;
    auto taken = to_.Write(message, bytes);
    if (!taken.await_ready()) {
      Spawn(Finish(std::move(taken)));
      return StreamProgress::kWaiting;
    }
    is_here_ = taken.await_resume();
    return StreamProgress::kDone;
  }

 private:
  template <typename Taken>
  Task<void> Finish(Taken taken) {
    const bool written = co_await taken;
    is_here_ = written;
    FinishWrite(true);
  }

  MessageWriter& to_;
  ResumableCall& call_;
  bool is_here_ = true;  // Once gone, who comes back reads elsewhere.
};

}  // namespace gateway

#endif  // SERVICE_API_RING_WRITER_H_
