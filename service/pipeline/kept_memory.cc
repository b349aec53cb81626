#include "service/pipeline/kept_memory.h"

#include <cstddef>

#include "base/memory/allocator.h"
#include "service/cache/idempotency_table.h"
#include "service/cache/response_cache.h"
#include "service/cache/resumable_streams.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/shared_calls.h"
#include "service/sessions/session_store.h"

namespace gateway {
namespace {

constexpr size_t kEntriesAtOnce = 4096;
constexpr double kCacheShareAtOnce = 0.25;
// Giving back a gigabyte would hold all threads for a tenth of a second.
constexpr size_t kPageBytesAtOnce = size_t{64} << 20;

}  // namespace

Task<void> FreeExpired(const RuntimeSnapshot& runtime, ResponseStore* responses,
                       CancelSignal& cancel) {
  if (runtime.answer_cache() != nullptr) {
    runtime.answer_cache()->answers().DropExpired();
  }
  if (IdempotencyTable* const keys = runtime.shared_calls().keys();
      keys != nullptr) {
    keys->FreeExpired(kEntriesAtOnce);
  }
  if (runtime.resumable_streams() != nullptr) {
    runtime.resumable_streams()->FreeExpired();
  }
  if (responses != nullptr) responses->FreeExpired(kEntriesAtOnce);
  // Those of a configuration that had sessions, too.
  if (runtime.ports().sessions != nullptr) {
    co_await runtime.ports().sessions->FreeExpired(cancel);
  }
}

void FreeForWantOfMemory(const RuntimeSnapshot& runtime) {
  if (runtime.answer_cache() != nullptr) {
    runtime.answer_cache()->answers().DropOldest(kCacheShareAtOnce);
  }
  // At once, so that what the process has resident says what it uses; else
  // base/async/memory_trimmer.h gives back what has been free for a while.
  EmptyThreadCache();
  ReturnFreePages(kPageBytesAtOnce);
}

}  // namespace gateway
