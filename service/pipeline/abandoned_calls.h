// AbandonedCalls bounds what callers have written down for nothing. A call that
// its caller leaves while its DISPATCH is written, before its provider is sent
// anything, costs its caller nothing and the ledger two entries. Who leaves
// many of them is refused for a while before the next is dispatched
// (docs/adr/0039-calls-left-before-they-are-sent.md).
//
//   AbandonedCalls abandoned;             // One for each loop.
//   if (abandoned.refuses_any()) {
//     GATEWAY_RETURN_IF_ERROR(abandoned.Check(caller, now));
//   }
//   ...
//   // When a call has ended: its provider was sent it, or it was left before.
//   abandoned.Sent();
//   abandoned.Left(caller, now);
//
// A caller is the same number for all that one caller does, and a time is one
// of the steady clock.
//
// Thread-compatible.

#ifndef SERVICE_PIPELINE_ABANDONED_CALLS_H_
#define SERVICE_PIPELINE_ABANDONED_CALLS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/observability/caller_paces.h"

namespace gateway {

class AbandonedCalls {
 public:
  // So many a second each caller may leave, with what it has saved of the last
  // ten seconds; and beyond that one for every two calls, of whomever, that
  // were sent: who has much to do, and leaves some of it, is not held up.
  static constexpr int kPerSecond = 10;
  static constexpr int kSentForOne = 2;
  // So many that were sent are remembered.
  static constexpr int kSentMax = 2000;
  // For so long who leaves more is refused.
  static constexpr absl::Duration kRefusedFor = absl::Seconds(1);
  // So many callers are refused at a time.
  static constexpr size_t kCallersMax = CallerPaces::kCallersMax;

  bool refuses_any() const { return !refused_.empty(); }
  // RATE_LIMITED, with when to come back, if the caller has left too many.
  absl::Status Check(uint64_t caller, absl::Duration now);

  void Sent() { sent_ = std::min(sent_ + 1, kSentMax); }
  void Left(uint64_t caller, absl::Duration now);

 private:
  CallerPaces paces_;
  int sent_ = 0;
  absl::flat_hash_map<uint64_t, absl::Duration> refused_;  // Until when.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ABANDONED_CALLS_H_
