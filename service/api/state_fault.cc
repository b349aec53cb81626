#include "service/api/state_fault.h"

#include <cassert>
#include <string>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

absl::Status StateNotKept(const absl::Status& written) {
  assert(!written.ok());
  return MakeFault(
      v1::ERROR_REASON_STATE_NOT_KEPT,
      absl::StrCat("runtime.state_dir: ", written.message(),
                   "; nothing has changed: mend the folder, then say it "
                   "again"));
}

absl::Status ChangeNotBegun(const absl::Status& run) {
  assert(!run.ok());
  if (!absl::IsResourceExhausted(run)) return run;
  return MakeFault(v1::ERROR_REASON_OVERLOADED,
                   "too many changes of operators wait to be kept; nothing has "
                   "changed");
}

}  // namespace gateway
