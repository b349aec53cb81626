#include "service/http/stream_resumption.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/api/call_report.h"
#include "service/cache/audience.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "service/http/answer_fields.h"
#include "service/http/dialect_sink.h"
#include "service/http/ring_responder.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/recorder.h"
#include "service/pipeline/resumable_call.h"

namespace gateway {
namespace {

// So much is taken of the ring at a time.
constexpr size_t kPieceBytes = 64 * 1024;

// A stream that is gone on with.
struct Resumed {
  std::shared_ptr<StreamRing> ring;
  uint64_t seq = 0;
  std::string answer_of;
};

absl::StatusOr<Resumed> Find(const RequestContext& context) {
  GATEWAY_RETURN_IF_ERROR(context.caller.status());
  GATEWAY_ASSIGN_OR_RETURN(const EventId id,
                           ReadEventId(context.request.Find(kLastEventId)));
  GATEWAY_ASSIGN_OR_RETURN(
      std::shared_ptr<StreamRing> ring,
      context.runtime->resumable_streams()->Find(
          OwnerOf(**context.caller, HttpFormOf(context.api)), id.request_id));
  return Resumed{.ring = std::move(ring),
                 .seq = id.seq,
                 .answer_of = std::string(id.request_id)};
}

void Start(const RequestContext& context, Call& call) {
  AnswerFields fields(context.api, "text/event-stream; charset=utf-8",
                      context.id, Elapsed(context));
  fields.Add("cache-control", "no-cache");
  fields.Add(kAnswerOfHeader, call.facts.resumes);
  call.http_status = 200;
  context.responder.Start({200, fields});
}

// Sends the rest of a stream, of which `piece` comes first.
Task<absl::Status> SendRest(RequestContext& context, Call& call,
                            Resumed& resumed, StreamPiece piece) {
  HttpResponder& responder = context.responder;
  for (;;) {
    std::vector<std::string_view> pieces;
    for (const StreamRingEvent& event : piece.events) {
      pieces.push_back(*event.bytes);
      call.response_bytes += static_cast<int64_t>(event.bytes->size());
      resumed.seq = event.seq;
    }
    if (call.audit != nullptr) call.audit->AddSent(pieces);
    const absl::Status written = co_await responder.Write(pieces);
    if (!written.ok()) {
      co_return call.cancel.cancelled() ? call.cancel.status() : written;
    }
    if (piece.ended) break;
    absl::StatusOr<StreamPiece> more = co_await resumed.ring->Read(
        resumed.seq, kPieceBytes, context.services.loop, responder.gone());
    // It takes what comes too slowly: where it is now, it may ask again.
    if (!more.ok()) {
      responder.Abort();
      co_return more.status();
    }
    piece = *std::move(more);
  }
  if (absl::IsAborted(piece.end)) {
    responder.Abort();
  } else {
    (co_await responder.Finish()).IgnoreError();
  }
  co_return piece.end;
}

// Answers a call that cannot be gone on with.
Task<absl::Status> Refuse(RequestContext& context, Call& call,
                          absl::Status refusal) {
  DialectSink sink(context.api, context.responder);
  (co_await sink.SendEnd(call, refusal)).IgnoreError();
  co_return refusal;
}

Task<absl::Status> Resume(RequestContext& context, Call& call,
                          std::string* answer_of) {
  absl::StatusOr<Resumed> resumed = Find(context);
  if (!resumed.ok()) co_return co_await Refuse(context, call, resumed.status());
  *answer_of = std::move(resumed->answer_of);
  call.facts.resumes = *answer_of;
  // The call goes on while somebody is here. Nothing if it was given up.
  const std::optional<Audience::Seat> seat = resumed->ring->audience().Join();
  absl::StatusOr<StreamPiece> first = co_await resumed->ring->Read(
      resumed->seq, kPieceBytes, context.services.loop,
      context.responder.gone());
  absl::Status failed = first.status();
  // It ended before it had said anything.
  if (failed.ok() && first->ended && first->events.empty() &&
      resumed->seq == 0) {
    failed = first->end;
  }
  if (!failed.ok()) co_return co_await Refuse(context, call, failed);
  call.audit = CallAudit::BeginResumed(call, resumed->ring->route(),
                                       /*request=*/nullptr);
  Start(context, call);
  co_return co_await SendRest(context, call, *resumed, *std::move(first));
}

}  // namespace

std::string HttpFormOf(const HttpApi& api) {
  return absl::StrCat("http:", ToAbsl(api.dialect->name()));
}

absl::StatusOr<EventId> ReadEventId(std::string_view text) {
  const size_t colon = text.rfind(':');
  EventId id;
  if (colon == std::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &id.seq)) {
    return InvalidField(kLastEventId,
                        "is no id of an event of this gateway's, such as "
                        "`req_1:17`; leave it out to ask anew");
  }
  id.request_id = text.substr(0, colon);
  return id;
}

Task<void> ResumeStream(RequestContext context, Operation operation) {
  google::protobuf::Arena arena;
  Call call = NewCall(context, arena);
  SetFacts(context, operation, &call);
  call.facts.dialect = context.api.dialect->name();
  call.facts.stream = true;
  if (context.caller.ok()) call.caller = *context.caller;
  Recorder& recorder = context.services.recorder;
  const InflightCall inflight = recorder.Begin(call);
  std::string answer_of;
  const absl::Status outcome = co_await Resume(context, call, &answer_of);
  recorder.Record(call, outcome);
}

}  // namespace gateway
