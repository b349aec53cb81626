// Going on with a stream of StreamGenerate whose connection broke
// (service/pipeline/resumable_call.h): what of it is kept is written as it was,
// and what comes as it comes.
//
// Thread contract: the call's event loop.

#ifndef SERVICE_API_STREAM_RESUMPTION_H_
#define SERVICE_API_STREAM_RESUMPTION_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "service/pipeline/call_audit.h"

namespace gateway {

// The form of such streams, for OwnerOf.
inline constexpr std::string_view kGrpcForm = "grpc";

// Returns the stream that the request names, or why it cannot be gone on with.
// `streams` is null where none can be; `owner` is OwnerOf the caller.
absl::StatusOr<std::shared_ptr<StreamRing>> FindStream(
    ResumableStreams* streams, std::string_view owner,
    const llmgateway::v1::ResumeStreamRequest& request);

// Writes what follows the event that the request names, and returns how the
// stream ended, or why it could not be gone on with. Adds what was written to
// `sent_bytes`, and the events to `audit`, which may be null.
Task<absl::Status> ResumeStream(
    StreamRing& ring, const llmgateway::v1::ResumeStreamRequest& request,
    CallContext& context, MessageWriter& writer, CallAudit* audit,
    int64_t* sent_bytes);

// NOT_CONFIGURED, for who asks for that where nothing is kept.
absl::Status StreamsNotResumable();

}  // namespace gateway

#endif  // SERVICE_API_STREAM_RESUMPTION_H_
