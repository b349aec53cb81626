// DialectSink answers a call over HTTP in the words of the API's dialect,
// whole or as server-sent events. Bytes of a raw answer go through as they are.
//
// A parsed stream that says nothing for a while is kept alive by the vendor's
// pings, if it has such; bytes of a raw stream bring the provider's own.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_HTTP_DIALECT_SINK_H_
#define SERVICE_HTTP_DIALECT_SINK_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http_handler.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"
#include "service/http/answer_details.h"
#include "service/http/http_api.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {

class DialectSink final : public AnswerSink {
 public:
  // Borrows both. With `details`, answers end in what answer_details.h says.
  DialectSink(const HttpApi& api, HttpResponder& responder,
              DetailForm details = DetailForm::kNone)
      : api_(api), responder_(responder), details_(details) {}

  Task<absl::Status> SendAnswer(Call& call) override;
  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override;
  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override;
  void Abort() override { responder_.Abort(); }
  void GoOnAfterEnd() override { responder_.GoOnAfterAnswer(); }

 private:
  Task<absl::Status> SendWhole(Call& call, int http_status,
                               std::string_view body,
                               const absl::Status& outcome);
  absl::Status WriteWhole(const Call& call, Attempt* attempt);
  // The answer repeats what its request says, which is read for it again.
  bool Echoes(const Call& call) const {
    return api_.echo != nullptr && call.raw != nullptr &&
           !call.DecidingAttempt()->forwards;
  }
  size_t BytesToEcho(const Call& call) const {
    return Echoes(call) ? call.raw->body.size() : 0;
  }
  void Start(Call& call);
  // Writes the events into out_.
  absl::Status WriteEvents(const Call& call, StreamBatch& batch);
  // The same off the loop, as much work as reading so many bytes. Drops them.
  Task<absl::Status> WriteOffLoop(Call& call, StreamBatch& batch, size_t bytes);
  // Writes the end of a stream into out_, unless the provider's own stands
  // there.
  absl::Status WriteEnd(const Call& call, const absl::Status& outcome);
  // How much of the stream the writer keeps, to say it once more at the end.
  size_t repeated_bytes() const {
    return writer_ == nullptr ? 0 : writer_->held_bytes();
  }
  // Counts what is held of the stream now.
  absl::Status CountHeld(Call& call);
  // Frees what a large event has taken, once it was sent or will not be.
  void DropLarge(Call& call);
  // Completes the first event of a parsed stream.
  void Describe(const Call& call, v1::StreamStarted* started) const;
  Task<absl::Status> Write(Call& call,
                           absl::Span<const std::string_view> pieces);
  EventWriter& Writer(const Call& call);

  void OnSilence(Call& call);
  Task<void> WritePing(Call& call);
  // Waits for a ping to be written; until then nothing else may be.
  Task<void> PingWritten();

  const HttpApi& api_;
  HttpResponder& responder_;
  const DetailForm details_;
  bool started_ = false;
  std::unique_ptr<EventWriter> writer_;
  std::string out_;
  // What the answer repeats of the request, taken before a stream begins, since
  // the request is gone then.
  google::protobuf::RepeatedPtrField<v1::Extension> echo_;

  // Set for a stream that is pinged.
  std::optional<Timer> silence_;
  bool writing_ = false;
  bool pinging_ = false;
  WakeUp ping_written_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_DIALECT_SINK_H_
