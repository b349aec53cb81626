#include "base/memory/byte_budget.h"

#include <cassert>
#include <cstddef>

namespace gateway {

ByteBudget::Share::~Share() { assert(used_bytes_ == 0); }

bool ByteBudget::Share::Take(size_t bytes) {
  if (budget_.used_bytes_ > budget_.bytes_limit_) return false;
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
