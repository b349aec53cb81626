// Going on with a stream whose connection broke (ring_responder.h): the client
// sends its request again, with the id of the last event that it has got in
// `last-event-id`, as browsers do. The body is not read. It is a call of its
// own to all who record calls, which names the one that it goes on with and
// consumes nothing.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_HTTP_STREAM_RESUMPTION_H_
#define SERVICE_HTTP_STREAM_RESUMPTION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"

namespace gateway {

inline constexpr std::string_view kLastEventId = "last-event-id";

// The form of such a stream, for OwnerOf.
std::string HttpFormOf(const HttpApi& api);

// What an event's id says.
struct EventId {
  std::string_view request_id;
  uint64_t seq = 0;
};

// INVALID_REQUEST, naming the field, unless it is one that RingResponder gave.
absl::StatusOr<EventId> ReadEventId(std::string_view text);

// Answers with what follows that event. REQUIRES: streams can be resumed.
Task<void> ResumeStream(RequestContext context, Operation operation);

}  // namespace gateway

#endif  // SERVICE_HTTP_STREAM_RESUMPTION_H_
