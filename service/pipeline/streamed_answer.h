// The last stages of a call that is answered by a stream: somebody is asked for
// it, unless it was made before or is by another call; it is passed on as it
// comes, and completed.
//
//   outcome = co_await RunStream(call, sink, recorder, std::move(outcome));
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_STREAMED_ANSWER_H_
#define SERVICE_PIPELINE_STREAMED_ANSWER_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorder.h"

namespace gateway {

// `outcome` is that of the stages before: if one has failed, that is sent.
// Returns how the call has ended; each way through it leads to one SendEnd.
Task<absl::Status> RunStream(Call& call, AnswerSink& sink, Recorder& recorder,
                             absl::Status outcome);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_STREAMED_ANSWER_H_
