// Admit, the first stage: may this caller ask this, is the request one that can
// be made at all, and what does it go on from? Nothing is sent anywhere before
// it says yes.
//
//   GATEWAY_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
//   GATEWAY_ASSIGN_OR_RETURN(call.admitted, Admit(call, call.caller));
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_ADMISSION_H_
#define SERVICE_PIPELINE_ADMISSION_H_

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "service/identity/caller.h"
#include "service/observability/call_record.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/selection_messages.h"

namespace gateway {

// What Admit has found out.
struct Admitted {
  // Named by the caller, in the request or beside it; empty if none is.
  std::string_view provider;
  // What the caller says of whom it acts for, as far as it is recorded; on the
  // call's arena, since the request may be let go of.
  CallScope scope;
  // The caller's own, too, which outlive the call.
  absl::InlinedVector<CallLabel, 2> labels;
  Continuation continuation;
  // What a model is to be chosen by, on the call's arena; null if the caller
  // asks for no selection.
  const AskedSelection* selection = nullptr;
};

// Who calls. Fails as CallerAccess::Authorize does.
absl::StatusOr<CallerRef> Authenticate(const IncomingCall& call);

// Faults: INVALID_REQUEST with the fields named, REQUEST_TOO_LARGE with the
// limit in the metadata, what the API found wrong (`api_error`), and those of
// the caller's scopes for what the request names; those of
// CallSession::PutBefore.
absl::StatusOr<Admitted> Admit(IncomingCall& call, const Caller& caller);

// What is recorded of a call that Admit has refused: whom it says that it is
// for, and its labels, as far as that can be read.
Admitted RefusedAsSaid(IncomingCall& call, const Caller& caller);

// Whether the caller may ask for what the request names: its operation, the
// model, the provider and the tags. FORBIDDEN or MODEL_NOT_ALLOWED otherwise.
// Where the request names no model or provider, the targets are looked at
// (plan.h).
absl::Status CheckScopes(const IncomingCall& call, std::string_view provider,
                         const Caller& caller);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ADMISSION_H_
