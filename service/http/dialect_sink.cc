#include "service/http/dialect_sink.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr std::string_view kRequestIdField = "x-request-id";

using Fields = absl::InlinedVector<HttpField, 4>;

std::string WholeSeconds(absl::Duration delay) {
  return absl::StrCat(
      absl::ToInt64Seconds(absl::Ceil(delay, absl::Seconds(1))));
}

}  // namespace

Task<absl::Status> DialectSink::SendAnswer(Call& call) {
  if (call.answers_raw) {
    co_return co_await SendWhole(call, 200, call.answer.raw, absl::OkStatus());
  }
  const absl::Status written =
      dialect_.WriteResponse(*call.answer.response, &out_);
  if (!written.ok()) {
    // Told as well as can be; the call has failed all the same.
    (co_await SendEnd(call, written)).IgnoreError();
    co_return written;
  }
  co_return co_await SendWhole(call, 200, out_, absl::OkStatus());
}

Task<absl::Status> DialectSink::SendWhole(Call& call, int http_status,
                                          std::string_view body,
                                          const absl::Status& outcome) {
  Fields fields = {{"content-type", "application/json"},
                   {kRequestIdField, call.facts.request_id}};
  std::string retry_after;
  if (const auto delay = RetryDelay(outcome); delay.has_value()) {
    retry_after = WholeSeconds(*delay);
    fields.push_back({"retry-after", retry_after});
  }
  // We have tried as often as makes sense; official clients would otherwise
  // multiply that by their own tries.
  if (IsUpstreamFault(outcome)) fields.push_back({"x-should-retry", "false"});
  const std::string_view pieces[] = {body};
  call.http_status = http_status;
  call.response_bytes += static_cast<int64_t>(body.size());
  co_return co_await responder_.Send({http_status, fields}, pieces);
}

Task<absl::Status> DialectSink::SendBatch(Call& call, StreamBatch& batch) {
  if (!started_) {
    started_ = true;
    call.http_status = 200;
    const HttpField fields[] = {
        {"content-type", "text/event-stream; charset=utf-8"},
        {"cache-control", "no-cache"},
        {kRequestIdField, call.facts.request_id}};
    responder_.Start({200, fields});
  }
  if (call.answers_raw) co_return co_await Write(call, batch.raw);
  out_.clear();
  for (v1::GenerateEvent& event : batch.events) {
    if (event.has_started()) call.Describe(event.mutable_started());
    GATEWAY_CO_RETURN_IF_ERROR(Writer(call).Write(event, &out_));
  }
  const std::string_view pieces[] = {out_};
  co_return co_await Write(call, pieces);
}

Task<absl::Status> DialectSink::SendEnd(Call& call,
                                        const absl::Status& outcome) {
  if (!started_) {
    const WireError error = dialect_.WriteError(outcome, call.facts.request_id);
    co_return co_await SendWhole(call, error.http_status, error.body, outcome);
  }
  out_.clear();
  const bool terminal_is_due = !call.answers_raw || !outcome.ok();
  if (terminal_is_due) {
    GATEWAY_CO_RETURN_IF_ERROR(
        Writer(call).Write(call.MakeEnd(outcome), &out_));
    const std::string_view pieces[] = {out_};
    GATEWAY_CO_RETURN_IF_ERROR(co_await Write(call, pieces));
  }
  co_return co_await responder_.Finish();
}

Task<absl::Status> DialectSink::Write(
    Call& call, absl::Span<const std::string_view> pieces) {
  for (std::string_view piece : pieces) {
    call.response_bytes += static_cast<int64_t>(piece.size());
  }
  co_return co_await responder_.Write(pieces);
}

EventWriter& DialectSink::Writer(const Call& call) {
  if (writer_ == nullptr) {
    EventWriter::Options options;
    options.model = std::string(call.facts.model);
    options.stream_usage = call.facts.stream_usage;
    options.created_seconds = absl::ToUnixSeconds(call.start_time);
    writer_ = dialect_.NewEventWriter(options);
  }
  return *writer_;
}

Task<absl::Status> SendDialectError(const Dialect& dialect,
                                    const absl::Status& status,
                                    std::string_view request_id,
                                    HttpResponder& responder) {
  const WireError error = dialect.WriteError(status, request_id);
  const HttpField fields[] = {{"content-type", "application/json"},
                              {kRequestIdField, request_id}};
  const std::string_view pieces[] = {error.body};
  co_return co_await responder.Send({error.http_status, fields}, pieces);
}

}  // namespace gateway
