// An AnswerSink is where the answer to a call goes: it speaks its caller's
// protocol and dialect. Each API has one for each kind of answer.
//
// Every call ends in exactly one SendAnswer, of what was asked for whole, or
// SendEnd, of a stream or of whatever failed. What they return is OK unless the
// caller is gone.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ANSWER_SINK_H_
#define SERVICE_PIPELINE_ANSWER_SINK_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/pipeline/call.h"

namespace gateway {

class AnswerSink {
 public:
  // What was asked for whole: the answer, reply or embeddings of
  // call.DecidingAttempt(), or call.count. Not for streams.
  virtual Task<absl::Status> SendAnswer(Call& call) = 0;

  // A part of a stream. The first one is the commit point: after it, nothing
  // is tried again. Only for calls that asked for a stream. What it holds of
  // them while the caller does not take it, and what is kept of a stream until
  // its end, counts in `call.held`.
  virtual Task<absl::Status> SendBatch(Call& /*call*/, StreamBatch& /*batch*/) {
    co_return absl::InternalError("a whole answer was streamed");
  }

  // The end of a stream, good or bad, or a failure in place of an answer.
  virtual Task<absl::Status> SendEnd(Call& call,
                                     const absl::Status& outcome) = 0;

  // Called, at any time, when the call was cancelled and what is being sent has
  // still not been taken by its caller: breaks it off, so that what waits for
  // that comes back soon.
  virtual void Abort() {}

  // Called before SendEnd of a call whose work goes on after that, for others:
  // what else the caller asks for must not wait for it.
  virtual void GoOnAfterEnd() {}

 protected:
  ~AnswerSink() = default;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ANSWER_SINK_H_
