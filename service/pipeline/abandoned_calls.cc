#include "service/pipeline/abandoned_calls.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

absl::Status AbandonedCalls::Check(uint64_t caller, absl::Duration now) {
  const auto refused = refused_.find(caller);
  if (refused == refused_.end()) return absl::OkStatus();
  const absl::Duration left = refused->second - now;
  if (left <= absl::ZeroDuration()) {
    refused_.erase(refused);
    return absl::OkStatus();
  }
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_RATE_LIMITED,
      absl::StrCat("this caller leaves more than ", kPerSecond,
                   " calls a second before they are sent to a provider; wait "
                   "for answers, or give calls more time"));
  AddFaultMetadata(fault, "limit", "abandoned_calls");
  SetRetryDelay(fault, left);
  return fault;
}

void AbandonedCalls::Left(uint64_t caller, absl::Duration now) {
  int64_t beyond = 0;
  if (paces_.Take(caller, now, kPerSecond, &beyond)) return;
  if (sent_ >= kSentForOne) {
    sent_ -= kSentForOne;
    return;
  }
  if (refused_.size() >= kCallersMax) {
    absl::erase_if(refused_,
                   [now](const auto& each) { return each.second <= now; });
  }
  if (refused_.size() < kCallersMax) refused_[caller] = now + kRefusedFor;
}

}  // namespace gateway
