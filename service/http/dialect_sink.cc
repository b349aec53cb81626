#include "service/http/dialect_sink.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "providers/answer_texts.h"
#include "service/http/answer_details.h"
#include "service/http/answer_fields.h"

namespace gateway {

Task<absl::Status> DialectSink::SendAnswer(Call& call) {
  Attempt& attempt = *call.DecidingAttempt();
  if (attempt.forwards) {
    co_return co_await SendWhole(call, 200, attempt.answer.raw,
                                 absl::OkStatus());
  }
  const size_t bytes =
      attempt.answer.response->ByteSizeLong() + BytesToEcho(call);
  absl::Status written =
      co_await OffLoop(bytes, [&] { return WriteWhole(call, &attempt); });
  // One that has not just come, as from the cache, no exchange counts.
  if (written.ok() && attempt.answer.exchange == nullptr) {
    written = call.held.Count(HeldAnswer::Kind::kWritten, out_.size());
  }
  if (!written.ok()) {
    std::string().swap(out_);
    // Sent as far as possible; the call has failed in any case.
    (co_await SendEnd(call, written)).IgnoreError();
    co_return written;
  }
  co_return co_await SendWhole(call, 200, out_, absl::OkStatus());
}

absl::Status DialectSink::WriteWhole(const Call& call, Attempt* attempt) {
  v1::GenerateResponse* const response = attempt->answer.response;
  if (Echoes(call)) {
    api_.echo(call.raw->body, response->mutable_extensions());
  }
  absl::Status written =
      api_.dialect->WriteResponse(*response, &out_, &attempt->warnings);
  ReleaseTexts(response);
  return written;
}

Task<absl::Status> DialectSink::SendWhole(Call& call, int http_status,
                                          std::string_view body,
                                          const absl::Status& outcome) {
  AnswerFields fields(api_, "application/json", call.facts.request_id,
                      call.loop.Now() - call.arrival);
  fields.AddOutcome(call, outcome);
  absl::InlinedVector<std::string_view, 3> pieces = {body};
  std::string details;
  const size_t end = details_ != DetailForm::kNone && outcome.ok()
                         ? EndOfFields(body)
                         : std::string_view::npos;
  if (end != std::string_view::npos) {
    details = AnswerDetails(call, details_);
    pieces = {body.substr(0, end), details, body.substr(end)};
  }
  call.http_status = http_status;
  if (call.audit != nullptr && outcome.ok()) call.audit->AddSent(pieces);
  call.response_bytes += static_cast<int64_t>(body.size() + details.size());
  co_return co_await responder_.Send({http_status, fields}, pieces);
}

void DialectSink::Start(Call& call) {
  started_ = true;
  call.http_status = 200;
  AnswerFields fields(api_, "text/event-stream; charset=utf-8",
                      call.facts.request_id, call.loop.Now() - call.arrival);
  fields.Add("cache-control", "no-cache");
  const Attempt& attempt = *call.DecidingAttempt();
  fields.AddReport(call);
  fields.AddLedger(call, absl::OkStatus());
  fields.AddUpstream(attempt.progress.upstream);
  fields.AddWarningsOf(call);
  responder_.Start({200, fields});
  if (!attempt.forwards && !api_.ping.empty()) {
    silence_.emplace([this, &call] { OnSilence(call); });
  }
}

void DialectSink::Describe(const Call& call,
                           v1::StreamStarted* started) const {
  call.Describe(started);
  // Not replaced if the provider has sent it.
  const int said = started->extensions_size();
  for (const v1::Extension& echoed : echo_) {
    bool known = false;
    for (int i = 0; i < said && !known; ++i) {
      known = started->extensions(i).name() == echoed.name() &&
              started->extensions(i).dialect() == echoed.dialect();
    }
    if (!known) *started->add_extensions() = echoed;
  }
}

Task<absl::Status> DialectSink::SendBatch(Call& call, StreamBatch& batch) {
  if (!started_) {
    co_await OffLoop(BytesToEcho(call), [&] {
      if (Echoes(call)) api_.echo(call.raw->body, &echo_);
      return true;
    });
  }
  if (call.DecidingAttempt()->forwards) {
    if (!started_) Start(call);
    co_return co_await Write(call, batch.raw);
  }
  absl::Status sent;
  // The last events of some formats repeat what came before.
  const size_t bytes = std::max(batch.held_bytes, repeated_bytes());
  if (bytes > kInPlaceBytesMax) {
    sent = co_await WriteOffLoop(call, batch, bytes);
  } else {
    sent = WriteEvents(call, batch);
  }
  if (sent.ok()) sent = CountHeld(call);
  if (sent.ok()) {
    if (!started_) Start(call);
    if (pinging_) co_await PingWritten();
    const std::string_view pieces[] = {out_};
    sent = co_await Write(call, pieces);
  }
  if (out_.capacity() > HeldAnswer::kUncountedBytesMax) DropLarge(call);
  co_return sent;
}

Task<absl::Status> DialectSink::WriteOffLoop(Call& call, StreamBatch& batch,
                                             size_t bytes) {
  const absl::Status written = co_await OffLoop(bytes, [&] {
    absl::Status done = WriteEvents(call, batch);
    batch.events.clear();
    out_.shrink_to_fit();  // Grown piece by piece, it has twice the room.
    return done;
  });
  call.held.Release(HeldAnswer::Kind::kEvents);
  co_return written;
}

absl::Status DialectSink::WriteEvents(const Call& call, StreamBatch& batch) {
  out_.clear();
  for (v1::GenerateEvent& event : batch.events) {
    if (event.has_started()) Describe(call, event.mutable_started());
    GATEWAY_RETURN_IF_ERROR(Writer(call).Write(event, &out_));
  }
  return absl::OkStatus();
}

absl::Status DialectSink::CountHeld(Call& call) {
  GATEWAY_RETURN_IF_ERROR(
      call.held.Count(HeldAnswer::Kind::kRepeated, repeated_bytes()));
  return call.held.Count(HeldAnswer::Kind::kWritten, out_.size());
}

void DialectSink::DropLarge(Call& call) {
  std::string().swap(out_);
  call.held.Release(HeldAnswer::Kind::kWritten);
}

Task<absl::Status> DialectSink::SendEnd(Call& call,
                                        const absl::Status& outcome) {
  if (!started_) {
    const WireError error =
        api_.dialect->WriteError(outcome, call.facts.request_id);
    co_return co_await SendWhole(call, error.http_status, error.body, outcome);
  }
  silence_.reset();
  if (pinging_) co_await PingWritten();
  out_.clear();
  const absl::Status written = co_await OffLoop(repeated_bytes(), [&] {
    absl::Status end = WriteEnd(call, outcome);
    writer_.reset();
    return end;
  });
  GATEWAY_CO_RETURN_IF_ERROR(written);
  if (details_ == DetailForm::kFull) {
    out_.append(StreamDetails(call, api_.skips_comments));
  }
  // What the end repeats is held in place of what the writer did.
  const absl::Status room = CountHeld(call);
  if (!room.ok()) {
    responder_.Abort();
    co_return room;
  }
  if (!out_.empty()) {
    const std::string_view pieces[] = {out_};
    GATEWAY_CO_RETURN_IF_ERROR(co_await Write(call, pieces));
  }
  co_return co_await responder_.Finish();
}

absl::Status DialectSink::WriteEnd(const Call& call,
                                   const absl::Status& outcome) {
  const Attempt& attempt = *call.DecidingAttempt();
  const bool is_due = !attempt.forwards ||
                      (!outcome.ok() && !attempt.answer.facts.failure_told);
  if (!is_due) return absl::OkStatus();
  if (!outcome.ok()) Writer(call).SetFailure(outcome);
  return Writer(call).Write(call.MakeEnd(outcome), &out_);
}

Task<absl::Status> DialectSink::Write(
    Call& call, absl::Span<const std::string_view> pieces) {
  for (std::string_view piece : pieces) {
    call.response_bytes += static_cast<int64_t>(piece.size());
  }
  if (call.audit != nullptr) call.audit->AddSent(pieces);
  writing_ = true;
  absl::Status written = co_await responder_.Write(pieces);
  writing_ = false;
  if (silence_.has_value()) {
    call.loop.ArmTimer(*silence_, api_.ping_interval);
  }
  co_return written;
}

void DialectSink::OnSilence(Call& call) {
  // No ping while the client does not take what it was sent.
  if (writing_) return;
  pinging_ = true;
  Spawn(WritePing(call));
}

Task<void> DialectSink::WritePing(Call& call) {
  const std::string_view pieces[] = {api_.ping};
  // An error shows with the next write.
  (co_await Write(call, pieces)).IgnoreError();
  pinging_ = false;
  ping_written_.Set();
}

Task<void> DialectSink::PingWritten() {
  // In a loop, since a wake-up may be left from before.
  while (pinging_) co_await ping_written_.Wait();
}

EventWriter& DialectSink::Writer(const Call& call) {
  if (writer_ == nullptr) {
    const Attempt& attempt = *call.DecidingAttempt();
    EventWriter::Options options;
    options.model = std::string(attempt.model);
    options.model_policy = std::string(call.SelectedPolicy());
    options.stream_usage = call.facts.stream_usage;
    options.created_seconds = absl::ToUnixSeconds(call.start_time);
    options.background = call.facts.background;
    writer_ = api_.dialect->NewEventWriter(options);
    if (attempt.forwards) writer_->GoOnFrom(attempt.answer.facts);
  }
  return *writer_;
}

}  // namespace gateway
