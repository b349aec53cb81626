// NameModel and RecordedModel say by which name records of a call, the log,
// metrics, traces and the ledger know a model, and RecordedName a node. Callers
// may name any, and one who puts a key there is not to find it in all of these:
// what has the form of a key or of a token is taken out, and `[redacted:keys]`
// stands there; so is what is a secret of the configuration. Of what is longer
// than a kilobyte the beginning is recorded.
//
//   NameModel(call);                       // Before the first stage.
//   call.recorded_model;                   // For whoever writes it down.
//   target.recorded_model = RecordedModel(call, target.upstream_model);
//
// Providers are asked for what the caller has written all the same.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_RECORDED_MODEL_H_
#define SERVICE_PIPELINE_RECORDED_MODEL_H_

#include <string_view>

#include "service/pipeline/incoming_call.h"

namespace gateway {

// Sets `call.recorded_model`, which is `call.facts.model` for most, and takes
// the same out of the path. Takes about a microsecond for a model, or a path,
// that was not asked for lately, and else a tenth of that.
void NameModel(IncomingCall& call);

// The name of a model that the call may be sent to. What the configuration
// names stays as it is. Valid as long as the call and `model`.
std::string_view RecordedModel(IncomingCall& call, std::string_view model);

// The same of another name that the caller has written, such as a node's.
// Valid as long as the call and `name`.
std::string_view RecordedName(IncomingCall& call, std::string_view name);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RECORDED_MODEL_H_
