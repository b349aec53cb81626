// A WorkDeadline ends the work for an answer that others may wait for when the
// configuration lets no call go on: whoever began it may have left, or have had
// less time.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_WORK_DEADLINE_H_
#define SERVICE_PIPELINE_WORK_DEADLINE_H_

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "proto/proto_time.h"
#include "service/pipeline/call.h"

namespace gateway {

class WorkDeadline {
 public:
  // Sets call.deadline, too. REQUIRES: the work has begun.
  explicit WorkDeadline(Call& call)
      : work_(call.work_cancel()), timer_([this] { OnExpiry(); }) {
    const absl::Duration timeout =
        ToAbsl(call.runtime->config().resilience().call_timeout());
    call.deadline = call.arrival + timeout;
    call.loop.ArmTimer(timer_, call.deadline - call.loop.Now());
  }

 private:
  void OnExpiry() {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_DEADLINE_EXCEEDED,
        absl::StrCat("the call took longer than ", ToAbsl(kCallTimeout),
                     " lets it"));
    AddTimeLimit(fault, kCallTimeout);
    work_.Cancel(std::move(fault));
  }

  CancelSignal& work_;
  Timer timer_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_WORK_DEADLINE_H_
