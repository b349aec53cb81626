// What is kept in memory for callers who come again - answers of the cache,
// ends of calls with idempotency keys, stored responses, sessions, streams that
// can be gone on with - is freed here when nobody calls: what has expired by
// time, and answers of the cache where there is no memory. They alone are no
// promise; what a caller may rely on stays until it expires.
//
//   co_await FreeExpired(runtime, &responses, cancel);  // Each second or so.
//   if (memory is critical) FreeForWantOfMemory(runtime);
//
// Thread contract: plain functions, of any thread; a few milliseconds each.

#ifndef SERVICE_PIPELINE_KEPT_MEMORY_H_
#define SERVICE_PIPELINE_KEPT_MEMORY_H_

#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Frees what has expired, a few thousand of each kind at most. `responses` may
// be null. All must outlive the task.
Task<void> FreeExpired(const RuntimeSnapshot& runtime, ResponseStore* responses,
                       CancelSignal& cancel);

// Frees a quarter of what the cache has, the oldest first, and gives free
// memory back to the system.
void FreeForWantOfMemory(const RuntimeSnapshot& runtime);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_KEPT_MEMORY_H_
