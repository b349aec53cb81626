// AnswerFields are the header fields of one answer at an HTTP API: those that
// every answer has, and those that a failure adds.
//
//   AnswerFields fields(api, "application/json", context.id, elapsed);
//   fields.AddOutcome(call, status);
//   co_await responder.Send({error.http_status, fields}, pieces);
//
// Thread-compatible. Borrows what it is given.

#ifndef SERVICE_HTTP_ANSWER_FIELDS_H_
#define SERVICE_HTTP_ANSWER_FIELDS_H_

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/upstream_fields.h"
#include "service/api/call_report.h"
#include "service/api/limit_report.h"
#include "service/http/http_api.h"
#include "service/pipeline/call.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

class AnswerFields {
 public:
  // `content_type` is empty for an answer without a body; `elapsed` is the time
  // since the request arrived.
  AnswerFields(const HttpApi& api, std::string_view content_type,
               std::string_view request_id, absl::Duration elapsed);

  AnswerFields(const AnswerFields&) = delete;
  AnswerFields& operator=(const AnswerFields&) = delete;

  void Add(std::string_view name, std::string_view value);

  // Adds everything that is told of how `call`, which must outlive this, ended.
  void AddOutcome(const Call& call, const absl::Status& outcome);

  // Adds when to come back, and whether to; nothing for OK. `attempts` is how
  // often a provider was asked.
  void AddFailure(const absl::Status& outcome, int attempts = 0);

  // Adds the entries of the ledger: of the exchange, of the reuse of an answer
  // beside the exchange that it is of, or of a refusal.
  void AddLedger(const Call& call, const absl::Status& outcome);

  // Adds what is told of every call (ReportCall), once, and the age of an
  // answer that was kept.
  void AddReport(const Call& call);

  // Adds how the gateway fares (ReportLoad), to an answer without a report.
  void AddLoad(const RuntimeSnapshot& runtime);

  // Adds what the provider told besides its answer: its own id of the request,
  // what is left of its rate limits. `fields` must outlive this.
  void AddUpstream(const UpstreamFields& fields);

  // Adds what the caller should know of an answer that succeeded, in one field:
  // `sampling.top_k: left out; tools[]: ...`. Nothing for none; what would make
  // the field too long is only counted.
  void AddWarnings(absl::Span<const v1::Warning> warnings);

  // The same of how `call` went, its budgets' warnings among it.
  void AddWarningsOf(const Call& call);

  // Implicit, so that they can be passed wherever fields are asked for.
  operator absl::Span<const HttpField>() const { return fields_; }  // NOLINT

 private:
  // Room for as many as an answer that was forwarded from OpenAI has.
  absl::InlinedVector<HttpField, 18> fields_;
  // Own the texts that fields_ point to.
  std::string elapsed_ms_;
  std::string retry_after_;
  std::string warnings_;
  std::string ledger_entry_;  // Of a refusal.
  CallFields report_;
  std::string age_;
  const LimitWords limit_words_;
  const std::string_view request_id_field_;  // Empty for none.
};

}  // namespace gateway

#endif  // SERVICE_HTTP_ANSWER_FIELDS_H_
