#include "base/memory/byte_budget.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace gateway {

size_t ByteBudget::share_bytes_max() const {
  const size_t half = bytes_limit_ / 2;
  return outer_ == nullptr ? half : std::min(half, outer_->share_bytes_max());
}

ByteBudget::Share::~Share() { assert(used_bytes_ == 0); }

bool ByteBudget::Share::Take(size_t bytes) {
  for (const ByteBudget* from = &budget_; from != nullptr;
       from = from->outer_) {
    if (from->used_bytes_ > from->bytes_limit_) return false;
    const size_t free = from->bytes_limit_ - from->used_bytes_;
    if (bytes > free || used_bytes_ + bytes > free - bytes) return false;
  }
  used_bytes_ += bytes;
  for (ByteBudget* from = &budget_; from != nullptr; from = from->outer_) {
    from->used_bytes_ += bytes;
  }
  return true;
}

void ByteBudget::Share::Give(size_t bytes) {
  used_bytes_ -= bytes;
  for (ByteBudget* from = &budget_; from != nullptr; from = from->outer_) {
    from->used_bytes_ -= bytes;
  }
}

bool ByteBudget::Charge::Change(size_t bytes) {
  if (bytes > bytes_) {
    if (!share_.Take(bytes - bytes_)) return false;
  } else {
    share_.Give(bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

}  // namespace gateway
