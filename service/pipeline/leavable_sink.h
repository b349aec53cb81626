// A LeavableSink is the sink of a caller who may leave while the answer is made
// for others, too: it is told how the call has ended for it, once, and what
// comes after that is not sent.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_LEAVABLE_SINK_H_
#define SERVICE_PIPELINE_LEAVABLE_SINK_H_

#include <utility>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"

namespace gateway {

class LeavableSink final : public AnswerSink {
 public:
  explicit LeavableSink(AnswerSink& sink) : sink_(sink) {}

  // Why the caller is gone; OK while it is there.
  const absl::Status& left() const { return left_; }

  Task<absl::Status> SendAnswer(Call& call) override {
    return sink_.SendAnswer(call);
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
    if (!left_.ok()) co_return left_;
    co_return co_await sink_.SendEnd(call, outcome);
  }

  void Abort() override { sink_.Abort(); }

 private:
  Task<void> Leave(Call& call, absl::Status why) {
    left_ = call.cancel.cancelled() ? call.cancel.status() : std::move(why);
    (co_await sink_.SendEnd(call, left_)).IgnoreError();
  }

  AnswerSink& sink_;
  absl::Status left_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LEAVABLE_SINK_H_
