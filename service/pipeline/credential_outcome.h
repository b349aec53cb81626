// RecordCredential tells a provider's pool of credentials how an attempt with
// one of them went, and the operators, once each time, what has become of it:
// that it cools is a warning, that it is taken out an error.
//
//   if (attempt.credentials != nullptr) RecordCredential(call, attempt);
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_
#define SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_

#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

// Sets `attempt.credential_change`. REQUIRES: attempt.credentials != nullptr,
// and the attempt has ended or, of a stream, begun.
void RecordCredential(const IncomingCall& call, Attempt& attempt);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_
