// Streams that play an engine's part in a test: a reader that has its messages
// ready, and a writer that keeps what it is given and can be held up.
//
// Thread contract: that of the handler under test.

#ifndef TESTS_SERVICE_API_SCRIPTED_STREAMS_H_
#define TESTS_SERVICE_API_SCRIPTED_STREAMS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "service/api/message_stream.h"

namespace gateway {

template <typename Request>
class ScriptedReader final : public MessageReader {
 public:
  explicit ScriptedReader(std::vector<Request> requests)
      : requests_(std::move(requests)) {}

 private:
  StreamProgress StartRead(google::protobuf::Message* message) override {
    if (next_ == requests_.size()) return StreamProgress::kEnded;
    message->CopyFrom(requests_[next_++]);
    return StreamProgress::kDone;
  }

  std::vector<Request> requests_;
  size_t next_ = 0;
};

template <typename Response>
class KeepingWriter final : public MessageWriter {
 public:
  // From the next write on, writes wait for Release.
  void HoldUp() { held_up_ = true; }
  void Release(bool taken) { FinishWrite(taken); }
  bool waiting() const { return write_waiting(); }

  const std::vector<Response>& written() const { return written_; }

  bool WriteLast(const google::protobuf::Message& message) override {
    written_.emplace_back().CopyFrom(message);
    return true;
  }

 private:
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t) override {
    written_.emplace_back().CopyFrom(message);
    return held_up_ ? StreamProgress::kWaiting : StreamProgress::kDone;
  }

  std::vector<Response> written_;
  bool held_up_ = false;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_API_SCRIPTED_STREAMS_H_
