// A call's trace: begun with it, from what its caller says, and recorded when
// it has ended, from what the pipeline knows of it.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_TRACE_RECORD_H_
#define SERVICE_PIPELINE_TRACE_RECORD_H_

#include "service/observability/call_record.h"
#include "service/pipeline/call.h"
#include "service/tracing/tracer.h"

namespace gateway {

// Sets call.trace. `traces` is null if calls are not traced: then what the
// caller names is passed on, and nothing else.
void BeginTrace(const TraceShard* traces, Call& call);

// REQUIRES: BeginTrace was called with the same.
void RecordTrace(TraceShard& traces, const Call& call,
                 const CallRecord& record);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TRACE_RECORD_H_
