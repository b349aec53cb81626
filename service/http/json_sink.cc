#include "service/http/json_sink.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/async/worker_pool.h"
#include "service/http/answer_details.h"
#include "service/http/answer_fields.h"

namespace gateway {

Task<absl::Status> JsonSink::SendAnswer(Call& call) {
  std::string body;
  const size_t bytes = BytesToWrite(call);
  absl::Status written =
      co_await OffLoop(bytes, [&] { return WriteBody(call, &body); });
  // The exchange with the provider, which counted what came, is over.
  if (written.ok()) {
    written = call.held.Count(HeldAnswer::Kind::kEvents, bytes);
  }
  if (written.ok()) {
    written = call.held.Count(HeldAnswer::Kind::kWritten, body.size());
  }
  if (!written.ok()) std::string().swap(body);
  const absl::Status sent = co_await Send(call, written, std::move(body));
  co_return written.ok() ? sent : written;
}

Task<absl::Status> JsonSink::SendEnd(Call& call, const absl::Status& outcome) {
  co_return co_await Send(call, outcome, std::string());
}

Task<absl::Status> JsonSink::Send(Call& call, const absl::Status& outcome,
                                  std::string body) {
  call.http_status = 200;
  if (!outcome.ok()) {
    WireError error = context_.api.dialect->WriteError(outcome, context_.id);
    call.http_status = error.http_status;
    body = std::move(error.body);
  }
  const size_t end = context_.fields.directives.details && outcome.ok()
                         ? EndOfFields(body)
                         : std::string::npos;
  if (end != std::string::npos) {
    body.insert(end, AnswerDetails(call, DetailForm::kFull));
  }
  AnswerFields fields(context_.api, "application/json", context_.id,
                      Elapsed(context_));
  fields.AddOutcome(call, outcome);
  call.response_bytes = static_cast<int64_t>(body.size());
  const std::string_view pieces[] = {body};
  if (call.audit != nullptr && outcome.ok()) call.audit->AddSent(pieces);
  co_return co_await context_.responder.Send({call.http_status, fields},
                                             pieces);
}

}  // namespace gateway
