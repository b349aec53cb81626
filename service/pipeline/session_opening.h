// OpenSession opens a session for a caller who asks for one, by gRPC or HTTP.
//
//   co_await OpenSession({.runtime = *runtime,
//                         .loop = loop,
//                         .caller = *caller,
//                         .api = ScopedApi::kGrpc,
//                         .peer = peer,
//                         .scope = directives.scope},
//                        request, cancel);
//
// It takes a request of the limits that hold for its caller whatever the model
// is, and counts among the calls at once while it is opened: else a key whose
// calls are limited could fill the store without end. It consumes no tokens and
// no dollars, and so limits of those never refuse it.
//
// Thread contract: on the loop that it names.

#ifndef SERVICE_PIPELINE_SESSION_OPENING_H_
#define SERVICE_PIPELINE_SESSION_OPENING_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/identity/caller.h"
#include "service/identity/scopes.h"
#include "service/observability/call_record.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Who asks for a session. All of it is borrowed.
struct SessionOpener {
  const RuntimeSnapshot& runtime;
  EventLoop& loop;
  const Caller& caller;
  ScopedApi api;
  std::string_view peer;   // As in CallFacts.
  const CallScope& scope;  // What is said beside the request of whom it is for.
};

// NOT_CONFIGURED where there are no sessions, RATE_LIMITED and
// CONCURRENCY_LIMITED, and as SessionStore::Create does. What has failed gives
// back what it took, unless its caller went while it was written: then the
// session may be there.
Task<absl::StatusOr<llmgateway::v1::Session>> OpenSession(
    SessionOpener opener, const llmgateway::v1::CreateSessionRequest& request,
    CancelSignal& cancel);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SESSION_OPENING_H_
