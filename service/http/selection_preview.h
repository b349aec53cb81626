// Tells which model would be chosen for a request of the dialect
// `selection_chat`, and what such a request may ask for; nobody is asked.
//
//   table.Add({.path = "/api/chat/select-model", ..., .serve =
//       [](RequestContext context, std::string_view) {
//         return PreviewSelection(std::move(context));
//       }});
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_SELECTION_PREVIEW_H_
#define SERVICE_HTTP_SELECTION_PREVIEW_H_

#include "base/async/task.h"
#include "service/http/request_context.h"

namespace gateway {

// Answers where a request for `/api/chat/complete` would go. What it is chosen
// by stands in the body, which is such a request or a list of capabilities, in
// the parameters `node_name` and `strategy`, and beside the request. It may not
// contradict itself.
Task<void> PreviewSelection(RequestContext context);

// Answers every capability and strategy that there is, and which of the
// configured policies have each capability.
Task<void> ListCapabilities(RequestContext context);

}  // namespace gateway

#endif  // SERVICE_HTTP_SELECTION_PREVIEW_H_
