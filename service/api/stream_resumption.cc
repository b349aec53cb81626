#include "service/api/stream_resumption.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/cache/audience.h"
#include "service/cache/stream_ring.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// So much is taken of the ring at a time.
constexpr size_t kPieceBytes = 64 * 1024;

// Writes the events of a piece. False once the caller is gone.
Task<absl::StatusOr<bool>> WriteEvents(const StreamPiece& piece,
                                       MessageWriter& writer, CallAudit* audit,
                                       int64_t* sent_bytes) {
  for (const StreamRingEvent& kept : piece.events) {
    v1::GenerateEvent event;
    if (!event.ParseFromString(*kept.bytes)) {
      co_return MakeFault(v1::ERROR_REASON_INTERNAL,
                          "an event of a kept stream could not be read");
    }
    *sent_bytes += static_cast<int64_t>(kept.bytes->size());
    if (audit != nullptr) audit->AddEvent(event);
    const bool written = co_await writer.Write(event);
    if (!written) co_return false;
  }
  co_return true;
}

}  // namespace

absl::Status StreamsNotResumable() {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_NOT_CONFIGURED,
      "streams can be gone on with where the section resumable_streams is "
      "configured; ask anew");
  AddFaultMetadata(fault, "field", "resumable_streams");
  return fault;
}

absl::StatusOr<std::shared_ptr<StreamRing>> FindStream(
    ResumableStreams* streams, std::string_view owner,
    const v1::ResumeStreamRequest& request) {
  if (streams == nullptr) return StreamsNotResumable();
  if (request.request_id().empty()) {
    return InvalidField("request_id", "is required");
  }
  if (request.after_seq() < 0) {
    return InvalidField("after_seq", "must not be negative");
  }
  return streams->Find(owner, request.request_id());
}

Task<absl::Status> ResumeStream(StreamRing& ring,
                                const v1::ResumeStreamRequest& request,
                                CallContext& context, MessageWriter& writer,
                                CallAudit* audit, int64_t* sent_bytes) {
  // The call goes on while somebody is here. Nothing if it was given up.
  const std::optional<Audience::Seat> seat = ring.audience().Join();
  auto seq = static_cast<uint64_t>(request.after_seq());
  for (;;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const StreamPiece piece,
        co_await ring.Read(seq, kPieceBytes, context.loop(), context.cancel()));
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const bool is_here,
        co_await WriteEvents(piece, writer, audit, sent_bytes));
    if (!is_here) co_return absl::CancelledError("the client is gone");
    if (piece.ended) co_return piece.end;
    seq = piece.events.back().seq;
  }
}

}  // namespace gateway
