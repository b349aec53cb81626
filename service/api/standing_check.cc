#include "service/api/standing_check.h"

#include <utility>

namespace gateway {

StandingCheck::StandingCheck(CallContext& call, const Check& check)
    : call_(call), check_(check), timer_([this] { Ask(); }) {
  call_.loop().ArmTimer(timer_, kInterval);
}

void StandingCheck::Ask() {
  absl::Status now = check_(call_);
  if (absl::IsUnauthenticated(now) || absl::IsPermissionDenied(now)) {
    call_.cancel().Cancel(std::move(now));
    return;
  }
  call_.loop().ArmTimer(timer_, kInterval);
}

}  // namespace gateway
