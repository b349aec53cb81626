#include "service/rpc/inflate_allowance.h"

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace gateway {

size_t InflateAllowance::LimitFor(size_t packed_bytes, size_t bytes_limit) {
  const size_t free = packed_bytes * kInflateRatio;
  if (free >= bytes_limit) return bytes_limit;
  const absl::Duration now = clock_.SteadyTime();
  const double passed =
      std::min(1.0, absl::FDivDuration(now - refilled_, kInflateRefillTime));
  const auto refill = static_cast<size_t>(static_cast<double>(bytes_) * passed);
  left_ = std::min(bytes_, left_ + refill);
  refilled_ = now;
  return std::min(bytes_limit, free + left_);
}

void InflateAllowance::Spend(size_t packed_bytes, size_t bytes) {
  const size_t free = packed_bytes * kInflateRatio;
  if (bytes <= free) return;
  left_ -= std::min(left_, bytes - free);
}

}  // namespace gateway
