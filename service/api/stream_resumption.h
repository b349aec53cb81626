// Going on with a stream of StreamGenerate whose connection broke
// (service/pipeline/resumable_call.h): what of it is kept is written as it was,
// and what comes as it comes.
//
// Thread contract: the call's event loop.

#ifndef SERVICE_API_STREAM_RESUMPTION_H_
#define SERVICE_API_STREAM_RESUMPTION_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/cache/resumable_streams.h"

namespace gateway {

// The form of such streams, for OwnerOf.
inline constexpr std::string_view kGrpcForm = "grpc";

// What became of it, for those who record calls.
struct Resumption {
  bool found = false;
  int64_t sent_bytes = 0;
};

// How the stream ended, or why it could not be gone on with. `streams` is null
// where none can be; `owner` is OwnerOf the caller.
Task<absl::Status> ResumeStream(
    ResumableStreams* streams, std::string_view owner,
    const llmgateway::v1::ResumeStreamRequest& request, CallContext& context,
    MessageWriter& writer, Resumption* resumption);

// NOT_CONFIGURED, for who asks for that where nothing is kept.
absl::Status StreamsNotResumable();

}  // namespace gateway

#endif  // SERVICE_API_STREAM_RESUMPTION_H_
