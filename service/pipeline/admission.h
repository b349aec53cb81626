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
  absl::InlinedVector<CallLabel, 2> labels;
  Continuation continuation;
  // What a model is to be chosen by, on the call's arena; null if the caller
  // asks for no selection.
  const AskedSelection* selection = nullptr;
};

// The id of the caller's key, valid as long as the call's runtime snapshot;
// empty if none is asked for. Fails as CallerAccess::Authorize does.
absl::StatusOr<std::string_view> Authenticate(const IncomingCall& call);

// Faults: INVALID_REQUEST with the fields named, REQUEST_TOO_LARGE with the
// limit in the metadata, and what the API found wrong (`api_error`).
absl::StatusOr<Admitted> Admit(IncomingCall& call, std::string_view caller);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ADMISSION_H_
