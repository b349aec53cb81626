// RecordCredential tells a provider's pool of credentials how an attempt with
// one of them went, and the operators, once each time, what has become of it:
// that it cools is a warning, that it is taken out an error.
//
//   if (attempt.credentials != nullptr) RecordCredential(call, attempt);
//
// RecordCredentialLoad tells the limit of attempts at once that the credential
// has, if it has one, what the attempt says of it.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_
#define SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_

#include "absl/time/time.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

// Sets `attempt.credential_change`. REQUIRES: attempt.credentials != nullptr,
// and the attempt has ended or, of a stream, begun.
void RecordCredential(const IncomingCall& call, Attempt& attempt);

// What counts against the limit is push-back: 429, 529, also as an error within
// a stream, and time-outs that are not the caller's. `streams`: it is asked for
// a stream, and one that is well has begun now. `now` is steady. REQUIRES:
// attempt.credential_limit != nullptr, and the attempt has ended or, of a
// stream, begun.
void RecordCredentialLoad(const Attempt& attempt, bool streams,
                          absl::Duration now);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CREDENTIAL_OUTCOME_H_
