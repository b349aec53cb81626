// The handlers of GatewayService for sessions: CreateSession, GetSession and
// DeleteSession. Calls go on with a session by Generate and StreamGenerate.
//
//   SessionMethods methods(services_of);
//   methods.AddTo(table);
//
// Thread contract: built before the listeners open; handlers run on the loop of
// their call.

#ifndef SERVICE_API_SESSION_METHODS_H_
#define SERVICE_API_SESSION_METHODS_H_

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/observability/call_record.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class SessionMethods {
 public:
  // `services_of` returns the services of a call's loop.
  explicit SessionMethods(std::function<LoopServices&(EventLoop&)> services_of);

  // Adds the handlers, which borrow this object, to GatewayService.
  void AddTo(MethodTable& table);

  // The handlers. Fail as a caller who is not known does, FORBIDDEN by its
  // scopes, NOT_CONFIGURED where there are no sessions, and as SessionStore;
  // CreateSession as OpenSession, and with OVERLOADED while there is no memory
  // for calls.
  Task<absl::Status> CreateSession(CallContext& context,
                                   const v1::CreateSessionRequest& request,
                                   v1::Session* response);
  Task<absl::Status> GetSession(CallContext& context,
                                const v1::GetSessionRequest& request,
                                v1::Session* response);
  Task<absl::Status> DeleteSession(CallContext& context,
                                   const v1::DeleteSessionRequest& request,
                                   v1::DeleteSessionResponse* response);

 private:
  // Who asks, and where sessions are kept.
  struct Asked {
    std::shared_ptr<const RuntimeSnapshot> runtime;
    CallerRef caller;
    SessionStore* sessions = nullptr;  // Never null.
    CallScope scope;                   // Views of the call's metadata.
  };
  absl::StatusOr<Asked> Ask(const CallContext& context,
                            std::string_view rpc) const;

  const std::function<LoopServices&(EventLoop&)> services_of_;
};

}  // namespace gateway

#endif  // SERVICE_API_SESSION_METHODS_H_
