// EmbeddedCall runs one call of a method on an event loop for a thread that is
// none, and waits there for its end.
//
//   const EmbeddedCall call{method, loop, timeout, metadata};
//   v1::GenerateResponse response;
//   GATEWAY_RETURN_IF_ERROR(call.Run(request, &response));
//   return call.Stream(request, [](const Message& event) { return true; });
//
// Thread contract: any thread that is no event loop's, one call each.

#ifndef SERVICE_EMBEDDING_EMBEDDED_CALL_H_
#define SERVICE_EMBEDDING_EMBEDDED_CALL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "google/protobuf/message.h"
#include "service/api/method_table.h"

namespace gateway {

struct EmbeddedCall {
  using Metadata = std::vector<std::pair<std::string, std::string>>;
  using OnMessage = std::function<bool(const google::protobuf::Message&)>;

  const Method& method;
  EventLoop& loop;
  // Infinite for none; its end is DEADLINE_EXCEEDED.
  absl::Duration timeout = absl::InfiniteDuration();
  const Metadata& metadata;

  // Fills in `response`. Returns what a client would be told.
  absl::Status Run(const google::protobuf::Message& request,
                   google::protobuf::Message* response) const;

  // Hands each message to `on_message`, in this thread; the provider waits for
  // one that is slow. False from it cancels the call, which then ends with
  // CANCELLED.
  absl::Status Stream(const google::protobuf::Message& request,
                      const OnMessage& on_message) const;
};

}  // namespace gateway

#endif  // SERVICE_EMBEDDING_EMBEDDED_CALL_H_
