#include "service/pipeline/batch_size.h"

#include <algorithm>

#include "errors/fault.h"
#include "service/overload/overload_control.h"

namespace gateway {

size_t BatchSizeOf(const RuntimeSnapshot& runtime, size_t most) {
  const OverloadControl* const overload = runtime.overload();
  return overload == nullptr ? most : overload->memory().BatchSize(most);
}

absl::StatusOr<int> PageSizeOf(const RuntimeSnapshot& runtime, int asked) {
  if (asked < 0) return InvalidField("page_size", "must not be negative");
  const int most =
      asked == 0 ? kPageSizeDefault : std::min(asked, kPageSizeMax);
  return static_cast<int>(BatchSizeOf(runtime, static_cast<size_t>(most)));
}

}  // namespace gateway
