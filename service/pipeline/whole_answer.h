// The last stages of a call that is answered whole: somebody is asked for the
// answer, unless it is there or on its way to another call; it is completed,
// and sent.
//
//   outcome = co_await RunWhole(call, sink, std::move(outcome));
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_WHOLE_ANSWER_H_
#define SERVICE_PIPELINE_WHOLE_ANSWER_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"

namespace gateway {

// `outcome` is that of the stages before: if one has failed, that is sent.
// Returns how the call has ended. If the caller leaves while others may wait
// for the answer, it is told so at once, and the call goes on without it.
Task<absl::Status> RunWhole(Call& call, AnswerSink& sink, absl::Status outcome);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_WHOLE_ANSWER_H_
