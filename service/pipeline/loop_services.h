// LoopServices is what every API on one event loop works with: the loop, its
// connections upstream, the rules in use, and where calls are recorded.
//
// Thread contract: one event loop.

#ifndef SERVICE_PIPELINE_LOOP_SERVICES_H_
#define SERVICE_PIPELINE_LOOP_SERVICES_H_

#include "base/async/event_loop.h"
#include "base/http/http_client.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/recorder.h"
#include "service/pipeline/response_store.h"

namespace gateway {

// Borrows all of it.
struct LoopServices {
  EventLoop& loop;
  HttpClient& http;
  CachedRuntime& runtime;
  Recorder& recorder;
  ResponseStore* responses = nullptr;  // Null if nothing is remembered.
  // Of the HTTP APIs; null if what they refuse is not recorded.
  RefusalLog* refusals = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LOOP_SERVICES_H_
