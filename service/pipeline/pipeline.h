// Pipeline takes a call through its four stages, each of which returns what the
// next ones build on:
//
//   Admit   may this caller ask this?     Admitted       admission.h
//   Plan    where does it go, and why?    Planned        plan.h
//   Attempt ask, wait, ask again          Attempt, ...   attempts.h
//   Record  keep what became of it, once                 recorder.h
//
// An API makes a Call, and an AnswerSink (answer_sink.h) that speaks its
// caller's language:
//
//   co_await RunCall(call, sink, recorder);
//
// Every way out of RunCall goes through Record. Whatever is asked, a whole
// answer, a stream, a count, embeddings or an answer that a provider keeps,
// goes this one way.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_PIPELINE_H_
#define SERVICE_PIPELINE_PIPELINE_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorder.h"

namespace gateway {

// Runs `call` from Admit to Record, and answers through `sink`, once, whatever
// happens. Returns how the call ended for its caller: OK, a fault of any stage
// (errors/fault.h), the status that `call.cancel` fired with, or that of a sink
// which could not be written to. To end it early, fire `call.cancel`, and await
// the result all the same: `call`, `sink` and `recorder` must outlive it.
Task<absl::Status> RunCall(Call& call, AnswerSink& sink, Recorder& recorder);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PIPELINE_H_
