#include "service/api/state_fault.h"

#include <cassert>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

absl::Status StateNotKept(const absl::Status& written) {
  assert(!written.ok());
  const char* const so_that =
      absl::IsAborted(written)
          ? "; it is not in force, and it is not known whether it will be once "
            "the machine has lost power"
          : "; nothing has changed";
  return MakeFault(v1::ERROR_REASON_STATE_NOT_KEPT,
                   absl::StrCat("runtime.state_dir: ", written.message(),
                                so_that,
                                ": mend the folder, then say it again"));
}

absl::Status ChangeNotBegun(const absl::Status& run) {
  assert(!run.ok());
  if (!absl::IsResourceExhausted(run)) return run;
  return MakeFault(v1::ERROR_REASON_OVERLOADED,
                   "too many changes of operators wait to be kept; nothing has "
                   "changed");
}

Task<absl::Status> KeepChange(const StateStore& store, BlockingWorker& worker,
                              CallContext& call,
                              std::function<absl::Status()> keep,
                              std::function<void()> log) {
  auto change = [keep = std::move(keep), log = std::move(log)] {
    WorkStatus kept = {keep()};
    if (kept.status.ok()) log();
    return kept;
  };
  if (!store.is_persistent()) co_return change().status;
  const absl::StatusOr<WorkStatus> kept =
      co_await worker.Run(std::move(change), call.cancel());
  if (!kept.ok()) co_return ChangeNotBegun(kept.status());
  if (!kept->status.ok()) co_return StateNotKept(kept->status);
  co_return absl::OkStatus();
}

}  // namespace gateway
