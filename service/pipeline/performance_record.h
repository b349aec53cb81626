// Tells the histories of models how a call that was chosen by what it needs has
// gone, so that the next choice knows.
//
//   RecordPerformance(call, loop);  // Once, at the call's end.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_PERFORMANCE_RECORD_H_
#define SERVICE_PIPELINE_PERFORMANCE_RECORD_H_

#include "service/pipeline/call.h"

namespace gateway {

// Counts the call once for each model that was asked: as a success if that one
// answered, as a failure if errors/verdict.h blames it for its last attempt,
// and otherwise not at all. `loop` is the number of the event loop. REQUIRES:
// the call's model was selected.
void RecordPerformance(const Call& call, int loop);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PERFORMANCE_RECORD_H_
