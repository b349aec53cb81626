// MessageReader and MessageWriter are a call's two streams of messages as a
// handler sees them.
//
//   for (const StreamEvent& event : events) {
//     const bool written = co_await writer.Write(event);
//     if (!written) break;  // The client has gone.
//   }
//
//   Question question;
//   for (;;) {
//     const bool read = co_await reader.Read(&question);
//     if (!read) break;
//     Answer(question);
//   }
//
// One write is in flight at a time: a Write comes back once the engine can
// take the next, so a slow client slows the handler and nothing piles up.
// After a cancel, for whatever reason, both come back with false at once; the
// call's CancelSignal says why.
//
// When nothing has to wait, neither suspends nor allocates.
//
// Thread contract: the call's event loop.

#ifndef SERVICE_API_MESSAGE_STREAM_H_
#define SERVICE_API_MESSAGE_STREAM_H_

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <utility>

#include "google/protobuf/message.h"

namespace gateway {

// How far an operation of a stream got at once.
enum class StreamProgress {
  kDone,     // It is complete.
  kEnded,    // It cannot be done: the stream is at its end or the client gone.
  kWaiting,  // It is under way; the engine will call FinishWrite or FinishRead.
};

namespace message_stream_internal {

// Holds the coroutine that waits for one operation of a stream.
class Slot {
 public:
  bool waiting() const { return waiter_ != nullptr; }

  // Resumes the handler, which may end the call before this returns.
  void Finish(bool done) {
    assert(waiting());
    done_ = done;
    std::exchange(waiter_, nullptr).resume();
  }

  void Settle(StreamProgress progress) {
    done_ = progress == StreamProgress::kDone;
  }
  void Suspend(std::coroutine_handle<> waiter) {
    assert(!waiting());
    waiter_ = waiter;
  }
  bool done() const { return done_; }

 private:
  std::coroutine_handle<> waiter_;
  bool done_ = false;
};

}  // namespace message_stream_internal

class MessageWriter {
 public:
  // Returns an awaitable of bool: true once `message`, which need not outlive
  // the call of Write, has been taken; false if the client can get no more.
  // `bytes` is what its ByteSizeLong() returned, and it is unchanged since.
  [[nodiscard]] auto Write(const google::protobuf::Message& message,
                           size_t bytes) {
    struct Awaiter {
      MessageWriter* writer;
      StreamProgress progress;
      bool await_ready() const noexcept {
        return progress != StreamProgress::kWaiting;
      }
      void await_suspend(std::coroutine_handle<> handle) const noexcept {
        writer->slot_.Suspend(handle);
      }
      bool await_resume() const noexcept { return writer->slot_.done(); }
    };
    assert(!slot_.waiting());
    const StreamProgress progress = StartWrite(message, bytes);
    slot_.Settle(progress);
    return Awaiter{this, progress};
  }

  // The same for a message that has not been measured.
  [[nodiscard]] auto Write(const google::protobuf::Message& message) {
    return Write(message, message.ByteSizeLong());
  }

  // Takes the last message, which goes with the status that the call ends with,
  // and does not wait. Unlike others it is taken for a call that was cancelled,
  // too, so that a client who has not left learns how it ended. Returns false
  // if the client can get no more. REQUIRES: no write waits.
  virtual bool WriteLast(const google::protobuf::Message& message) = 0;

 protected:
  ~MessageWriter() = default;

  // Called by Write. Each kWaiting is followed by one FinishWrite, not from
  // within StartWrite; it may end the call before it returns.
  virtual StreamProgress StartWrite(const google::protobuf::Message& message,
                                    size_t bytes) = 0;
  bool write_waiting() const { return slot_.waiting(); }
  void FinishWrite(bool taken) { slot_.Finish(taken); }

 private:
  message_stream_internal::Slot slot_;
};

class MessageReader {
 public:
  // Returns an awaitable of bool: true once `message` has been read; false at
  // the end of what the client sends, or if the call is cancelled, as it is by
  // a message that cannot be parsed.
  [[nodiscard]] auto Read(google::protobuf::Message* message) {
    struct Awaiter {
      MessageReader* reader;
      StreamProgress progress;
      bool await_ready() const noexcept {
        return progress != StreamProgress::kWaiting;
      }
      void await_suspend(std::coroutine_handle<> handle) const noexcept {
        reader->slot_.Suspend(handle);
      }
      bool await_resume() const noexcept { return reader->slot_.done(); }
    };
    assert(!slot_.waiting());
    const StreamProgress progress = StartRead(message);
    slot_.Settle(progress);
    return Awaiter{this, progress};
  }

 protected:
  ~MessageReader() = default;

  // Called by Read. Each kWaiting is followed by one FinishRead, not from
  // within StartRead; it may end the call before it returns.
  virtual StreamProgress StartRead(google::protobuf::Message* message) = 0;
  bool read_waiting() const { return slot_.waiting(); }
  void FinishRead(bool read) { slot_.Finish(read); }

 private:
  message_stream_internal::Slot slot_;
};

}  // namespace gateway

#endif  // SERVICE_API_MESSAGE_STREAM_H_
