#include "base/async/sleep.h"

namespace gateway {

Task<absl::Status> Sleep(EventLoop& loop, absl::Duration duration,
                         CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  if (duration <= absl::ZeroDuration()) co_return absl::OkStatus();
  WakeUp wake_up;
  Timer timer([&wake_up] { wake_up.Set(); });
  CancelListener listener(cancel, [&wake_up] { wake_up.Set(); });
  if (duration != absl::InfiniteDuration()) loop.ArmTimer(timer, duration);
  co_await wake_up.Wait();
  co_return cancel.status();
}

}  // namespace gateway
