// NameModel and RecordedModel say by which name records of a call, the log,
// metrics, traces and the ledger know a model, RecordedName a node, and
// RecordedId whom a call is made for. Callers may write anything there, and one
// who puts a key into it is not to find it in all of these:
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

#include <string>
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

// The same of what the caller has written to tell users, sessions, agents and
// the like apart: two that differ still do. What is longer than 256 bytes is
// recorded by its beginning, and told apart by ToldApart.
std::string_view RecordedId(IncomingCall& call, std::string_view id);

// What is recorded of `name`, with a part of the name's hash that tells it from
// others of which the same is recorded: `[redacted:keys]#1f3a9c02`. The hash is
// the same in all replicas, and its part too short to find a key by.
std::string ToldApart(std::string_view recorded, std::string_view name);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RECORDED_MODEL_H_
