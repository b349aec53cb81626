#include "service/pipeline/session_opening.h"

#include <memory>

#include "service/pipeline/call_limits.h"
#include "service/sessions/session_fault.h"
#include "service/sessions/session_store.h"

namespace gateway {

Task<absl::StatusOr<llmgateway::v1::Session>> OpenSession(
    SessionOpener opener, const llmgateway::v1::CreateSessionRequest& request,
    CancelSignal& cancel) {
  SessionStore* const sessions = opener.runtime.sessions();
  if (sessions == nullptr) co_return NoSessions();
  const std::unique_ptr<CallLimits> limits =
      CallLimits::OfRequest(opener.runtime, opener.api, opener.peer,
                            opener.caller, opener.scope);
  if (limits != nullptr) {
    const bool taken = co_await limits->Take(opener.loop.Now());
    if (!taken) co_return limits->Refusal();
  }
  const SessionLimits kept =
      SessionLimits::Of(opener.runtime.config().sessions());
  absl::StatusOr<llmgateway::v1::Session> session =
      co_await sessions->Create(kept, opener.caller.id, request, cancel);
  if (limits != nullptr && !session.ok() && !cancel.cancelled()) {
    limits->charges().Withdraw(opener.loop.Now());
  }
  co_return session;
}

}  // namespace gateway
