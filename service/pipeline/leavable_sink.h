// A LeavableSink is the sink of a caller who may leave while the answer is made
// for others, too: it is told how the call has ended for it, once, and what
// comes after that is not sent.
//
//   const CancelListener on_left(call.cancel,
//                                [&] { leavable.LeaveIfIdle(call); });
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_LEAVABLE_SINK_H_
#define SERVICE_PIPELINE_LEAVABLE_SINK_H_

#include <utility>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/shared_call.h"

namespace gateway {

class LeavableSink final : public AnswerSink {
 public:
  explicit LeavableSink(AnswerSink& sink) : sink_(sink) {}

  // Why the caller is gone; OK while it is there.
  const absl::Status& left() const { return left_; }

  Task<absl::Status> SendAnswer(Call& call) override {
    return sink_.SendAnswer(call);
  }

  // Begins to tell the caller, whose call was cancelled, that it has left;
  // while the call is busy (SharedCall::completing), the next send does. Until
  // it is told, SharedCall::telling is set. REQUIRES: call.shared is there.
  void LeaveIfIdle(Call& call) {
    if (!left_.ok() || call.shared->completing) return;
    call.shared->telling = true;
    Spawn(LeaveAlone(call));
  }

  // Never fails.
  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override {
    if (!left_.ok()) co_return absl::OkStatus();
    absl::Status sent = call.cancel.status();
    if (sent.ok()) sent = co_await sink_.SendBatch(call, batch);
    if (!sent.ok()) co_await Leave(call, std::move(sent));
    co_return absl::OkStatus();
  }

  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override {
    co_await call.shared->BeginCompleting();
    if (!left_.ok()) co_return left_;
    co_return co_await sink_.SendEnd(call, outcome);
  }

  void Abort() override { sink_.Abort(); }

 private:
  Task<void> Leave(Call& call, absl::Status why) {
    left_ = call.cancel.cancelled() ? call.cancel.status() : std::move(why);
    sink_.GoOnAfterEnd();
    (co_await sink_.SendEnd(call, left_)).IgnoreError();
    call.ended = true;
  }
  Task<void> LeaveAlone(Call& call) {
    co_await Leave(call, call.cancel.status());
    call.shared->telling = false;
    call.shared->told.Set();
  }

  AnswerSink& sink_;
  absl::Status left_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LEAVABLE_SINK_H_
