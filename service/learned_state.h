// What operators have said and what was learned of targets outlasts the
// process: it is restored when the first runtime is made, and written as it
// changes.
//
//   RestoreOperators(state, *snapshot);  // Before it is put into use.
//   ...
//   KeepWhatIsLearned(state, runtime);
//
// Thread contract: the thread that builds the gateway, before there are loops.

#ifndef SERVICE_LEARNED_STATE_H_
#define SERVICE_LEARNED_STATE_H_

#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"

namespace gateway {

// Restores which targets are disabled, overrides, prices and the rollout.
void RestoreOperators(StateStore& state, const RuntimeSnapshot& first);

// Restores how models did, and keeps that, and whom failures disable, from now
// on. Both must outlive `state`'s Close.
void KeepWhatIsLearned(StateStore& state, const CurrentRuntime& runtime);

}  // namespace gateway

#endif  // SERVICE_LEARNED_STATE_H_
