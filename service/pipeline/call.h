// A Call is one request on its way through the four stages (pipeline.h): what
// came in, what each stage has made of it, and what its caller was sent.
//
//   IncomingCall   what is asked, by whom, and on what it runs
//   PlannedCall    and what Admit and Plan have returned: what an attempt sees
//   Call           and its attempts, and what was sent: what a sink sees
//
// A stage is given what the earlier ones have returned, and its own result is
// set here once and changes no more. Only attempts are seen while they grow:
// they end with the call.
//
// Thread contract: one event loop, the one it arrived on. The stages before the
// first attempt, and what reads requests and answers whole, run off the loop,
// one at a time, while the loop leaves the call alone.

#ifndef SERVICE_PIPELINE_CALL_H_
#define SERVICE_PIPELINE_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/call_cache.h"
#include "service/pipeline/call_ledger.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/context_report.h"
#include "service/pipeline/held_answer.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/output_check.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/reused_answer.h"
#include "service/pipeline/shared_call.h"

namespace gateway {

class RefusalCount;

// How many input tokens a call has.
struct TokenCount {
  int64_t tokens = 0;
  // Nobody could be asked.
  bool estimated = false;
};

// A call before its first attempt.
class PlannedCall : public IncomingCall {
 public:
  using IncomingCall::IncomingCall;

  // Has `output` expect what the request asks for, if that has been read.
  // INVALID_REQUEST names what is wrong with the schema.
  absl::Status ExpectOutput();
  // Returns how much work that may be, for OffLoop.
  size_t bytes_to_expect() const;

  // Set by the recorder that will record the call; may be null.
  ProviderHealthShard* provider_health = nullptr;
  // Which refusals the ledger tells of; set so, too.
  RefusalCount* ledger_refusals = nullptr;

  // When the call is over, whatever has come of it; steady. Set as the first
  // stage begins.
  absl::Duration deadline = absl::InfiniteDuration();

  // Who calls; UnknownCaller() before that is found out, and if nobody could.
  CallerRef caller = UnknownCaller();
  // What the stages have returned, empty before.
  Admitted admitted;
  Planned planned;

  // How full the request makes its model's context, where somebody is told.
  std::optional<ContextReport> context;
  // What part the cache has; null if there is none.
  std::unique_ptr<CallCache> cache;
  // How it stands with the limits that it is counted against; null if there are
  // none, and before it is planned.
  std::unique_ptr<CallLimits> limits;
  // What the ledger has of it; null if there is none.
  std::unique_ptr<CallLedger> ledger;
  // How it stands with the budgets that it is charged to; null if there are
  // none.
  std::unique_ptr<CallBudgets> budgets;
  // What is kept of its bodies; null if nothing is.
  std::unique_ptr<CallAudit> audit;
  // What part the call has in an answer that is made once for several; null if
  // it is made for this one alone.
  std::unique_ptr<SharedCall> shared;

  // Ends the work for the answer, which may be for others, too: without them it
  // is the call's own.
  CancelSignal& work_cancel() const {
    return shared != nullptr && shared->work != nullptr ? *shared->work
                                                        : cancel;
  }

  // What the answer must be, once the request has been read, and what became of
  // that.
  OutputCheck output;
};

class Call : public PlannedCall {
 public:
  using PlannedCall::PlannedCall;

  // The attempt whose answer the caller gets, or else the last; null if there
  // was none. In place of one the reused answer, if that is the call's.
  const Attempt* DecidingAttempt() const;
  Attempt* DecidingAttempt();

  // The id of the policy by which the target of that attempt was selected,
  // first or to fall back to; empty if no selection led there. Valid as long as
  // the call.
  std::string_view SelectedPolicy() const;

  // The last of the events of a parsed stream: how it ended, and all that is
  // known of it.
  v1::GenerateEvent MakeEnd(const absl::Status& outcome) const;

  // How long its parts have taken, up to now.
  CallTimes TimesByNow() const;

  // Fills in what the gateway knows of a parsed answer.
  void Describe(v1::GenerateResponse* response) const;
  void Describe(v1::StreamStarted* started) const;
  void Describe(v1::EmbedResponse* response) const;
  void Describe(v1::CountTokensResponse* response) const;
  void FillRoute(v1::Route* route) const;
  void FillWarnings(google::protobuf::RepeatedPtrField<v1::Warning>* out) const;

  AttemptList attempts;
  // What others than the caller are told of the failure that has this message,
  // where no attempt's is the same (told_failure.h).
  struct ToldMessage {
    std::string whole;
    std::string told;
  };
  ToldMessage told;
  // The caller has had its end, though the work may go on for others.
  bool ended = false;
  // The answer, if it was made before; null if somebody is asked for it.
  std::unique_ptr<ReusedAnswer> reused;
  TokenCount count;
  HeldAnswer held{loop};  // What the gateway has of a stream. On the loop only.

  // Set by the API as it answers.
  int64_t response_bytes = 0;
  int http_status = 0;

 private:
  // Null if no selection led to that target.
  const ModelPolicy* ServedPolicy() const;
  void FillAttempts(google::protobuf::RepeatedPtrField<v1::Attempt>* out) const;
  // Names the model that has answered, by what its provider was asked for,
  // where the provider does not say.
  template <typename Answer>
  void FillModel(Answer* answer) const;
  // Names the entries of the ledger.
  template <typename Answer>
  void FillLedger(Answer* answer) const;
  // Says of an answer that was kept where it is from.
  template <typename Answer>
  void FillCacheHit(Answer* answer) const;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_H_
