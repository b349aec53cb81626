#include "base/http/body_source.h"

#include "base/status_macros.h"

namespace gateway {

Task<absl::StatusOr<std::string_view>> BodySource::Read() {
  WakeUp wake_up;
  for (;;) {
    std::string_view piece;
    GATEWAY_CO_ASSIGN_OR_RETURN(const State state, Take(&piece));
    if (state != State::kLater) co_return piece;
    SetWakeUp(&wake_up);
    co_await wake_up.Wait();
    SetWakeUp(nullptr);
  }
}

}  // namespace gateway
