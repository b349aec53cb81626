// A StandingCheck asks again and again who makes a call that may go on for
// days, such as a watch, and ends it once its key, token or certificate would
// not let a new call in: it has been taken out of the configuration, or has
// expired.
//
//   const StandingCheck check(call, authorization.check);
//   co_return co_await handler(call, arguments);
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_API_STANDING_CHECK_H_
#define SERVICE_API_STANDING_CHECK_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"
#include "service/api/call_context.h"

namespace gateway {

class StandingCheck {
 public:
  using Check = std::function<absl::Status(const CallContext&)>;

  // So long a call may go on that no new one may begin.
  static constexpr absl::Duration kInterval = absl::Seconds(2);

  // Cancels the call with the status of `check` where that is UNAUTHENTICATED
  // or PERMISSION_DENIED; what else it says, such as that keys cannot be had
  // just now, ends no call. Borrows both; `check` has let the call in.
  StandingCheck(CallContext& call, const Check& check);

  StandingCheck(const StandingCheck&) = delete;
  StandingCheck& operator=(const StandingCheck&) = delete;

 private:
  void Ask();

  CallContext& call_;
  const Check& check_;
  Timer timer_;
};

}  // namespace gateway

#endif  // SERVICE_API_STANDING_CHECK_H_
