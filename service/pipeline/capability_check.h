// CheckCapabilities refuses, before anything is sent, a request that the model
// it would go to is known not to be able to serve. What is not known of a model
// is left to its provider.
//
// A raw request is read only if it could need what the model lacks, by the
// bytes that it has in it; it is then checked as if it were translated, and
// still forwarded. What is known of models is the configuration's and the
// shipped table's, so that most calls cost one look at a flag.
//
// Thread contract: one call, by one thread at a time; may run off the loop.

#ifndef SERVICE_PIPELINE_CAPABILITY_CHECK_H_
#define SERVICE_PIPELINE_CAPABILITY_CHECK_H_

#include "absl/status/status.h"
#include "service/pipeline/incoming_call.h"
#include "service/routing/selection/model_capability.h"

namespace gateway {

struct PlannedTarget;

// CAPABILITY_UNSUPPORTED names the field, the model and what it lacks;
// CONTEXT_LENGTH_EXCEEDED the limit and the estimate.
absl::Status CheckCapabilities(IncomingCall& call, const PlannedTarget& target);

// Refuses a target that is not known to have all of `named`, by what the call
// names, not by what its request has in it: not, too, where nothing is known.
// Known is what the policies of the model say, and what is known of the model;
// that it streams, unless that is known to be otherwise. CAPABILITY_UNSUPPORTED
// names the field, the model and what it lacks.
absl::Status CheckNamedCapabilities(const IncomingCall& call,
                                    CapabilitySet named,
                                    const PlannedTarget& target);

// Whether the answer is to be held to a JSON Schema. A model whose provider has
// none is brought to it in another way (providers/schema/output_mode.h), for
// which the request must not be forwarded as it is. REQUIRES: the call has a
// request, read or raw.
bool AsksForSchema(IncomingCall& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CAPABILITY_CHECK_H_
