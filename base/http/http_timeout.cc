#include "base/http/http_timeout.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

absl::Status WaitedTooLong(std::string_view awaited, bool in_total) {
  return absl::DeadlineExceededError(
      in_total ? absl::StrCat("the total time-out passed while waiting for ",
                              ToAbsl(awaited))
               : absl::StrCat("waited too long for ", ToAbsl(awaited)));
}

}  // namespace gateway
