#include "service/rpc/byte_budget.h"

#include <cassert>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

absl::Status BudgetSpent() {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_OVERLOADED,
                "too much is being kept of requests that have not come whole");
  SetRetryDelay(status, kRetryDelay);
  return status;
}

ByteBudget::~ByteBudget() { assert(used_bytes_ == 0); }

ByteBudget::Share::~Share() { assert(used_bytes_ == 0); }

bool ByteBudget::Share::Take(size_t bytes) {
  const size_t free = budget_.bytes_limit_ - budget_.used_bytes_;
  if (bytes > free || used_bytes_ + bytes > free - bytes) return false;
  used_bytes_ += bytes;
  budget_.used_bytes_ += bytes;
  return true;
}

void ByteBudget::Share::Give(size_t bytes) {
  used_bytes_ -= bytes;
  budget_.used_bytes_ -= bytes;
}

bool ByteBudget::Charge::Resize(size_t bytes) {
  if (bytes > bytes_) {
    if (!share_.Take(bytes - bytes_)) return false;
  } else {
    share_.Give(bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

}  // namespace gateway
