// SelectionChatRoutes is the API for those who say what their model must be
// able to do, and for which node of their pipeline it is, and leave the choice
// to the gateway:
//
//   POST /api/chat/complete      a whole answer
//   POST /api/chat/stream        server-sent events
//   POST /api/chat/send          either; the older form of a request
//   POST /api/chat/select-model  what would be chosen; nobody is asked
//   GET  /api/chat/capabilities  what a request may ask a model to be able to
//                                do, and which are
//
// A request that names no node is for `chat_completion`, a stream for
// `chat_stream`, neither of which need be configured. Where no policies are,
// there is nothing to choose among: a request that names capabilities is
// refused, and any other goes where the rules for all calls lead, the default
// target at last.
//
// A request has an id before it is a call: that of `x-trace-id`,
// `x-request-id`, `trace-id` or `request-id`.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_SELECTION_CHAT_ROUTES_H_
#define SERVICE_HTTP_SELECTION_CHAT_ROUTES_H_

#include "absl/time/time.h"
#include "providers/dialects/selection_chat/selection_chat.h"
#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

class SelectionChatRoutes {
 public:
  // A stream that has been silent for `ping_interval` is sent a comment.
  explicit SelectionChatRoutes(
      absl::Duration ping_interval = HttpApi().ping_interval);

  SelectionChatRoutes(const SelectionChatRoutes&) = delete;
  SelectionChatRoutes& operator=(const SelectionChatRoutes&) = delete;

  const HttpApi& api() const { return api_; }

  // Adds the routes. `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  const SelectionChat dialect_;
  const HttpApi api_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_SELECTION_CHAT_ROUTES_H_
