// Has what an operator says kept before it is in force, and tells the fault of
// what could not be kept and so is not.
//
//   co_return co_await KeepChange(store, worker, call, std::move(keep));
//
//   const absl::Status written = store.Write(name, bytes);
//   if (!written.ok()) co_return StateNotKept(written);
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_STATE_FAULT_H_
#define SERVICE_API_STATE_FAULT_H_

#include <functional>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "service/api/call_context.h"
#include "service/state/state_store.h"

namespace gateway {

// STATE_NOT_KEPT; `written` is what the StateStore said, of which ABORTED says
// that a loss of power may bring it all the same. REQUIRES: not OK.
absl::Status StateNotKept(const absl::Status& written);

// The fault of a change that its worker has not begun, of which nothing is in
// force: OVERLOADED if too many wait, otherwise `run` as it is. REQUIRES: not
// OK.
absl::Status ChangeNotBegun(const absl::Status& run);

// Runs `keep`, which writes a change to the store and then puts it into force:
// on the worker, where one follows the other, or at once where nothing is kept.
// Returns a fault of those above if it fails: then nothing has changed. If the
// caller leaves meanwhile, work that has begun goes on: so `log`, which writes
// the line that tells of the change, runs behind `keep`, and owns what it uses.
// The store, the worker and the call are borrowed.
Task<absl::Status> KeepChange(const StateStore& store, BlockingWorker& worker,
                              CallContext& call,
                              std::function<absl::Status()> keep,
                              std::function<void()> log);

}  // namespace gateway

#endif  // SERVICE_API_STATE_FAULT_H_
