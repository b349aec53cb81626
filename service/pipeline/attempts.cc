#include "service/pipeline/attempts.h"

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "service/pipeline/hedged_attempt.h"
#include "service/pipeline/live_attempt.h"
#include "service/pipeline/next_attempt.h"

namespace gateway {

Task<absl::Status> AskTargets(PlannedCall& call, AttemptList& attempts,
                              OpenStream* open) {
  NextAttempt next(call);
  std::optional<AskedTarget> asked = next.First();
  if (!asked.has_value()) {
    GATEWAY_CO_ASSIGN_OR_RETURN(asked, co_await next.InsteadOfFirst());
  }
  for (;;) {
    const std::optional<absl::Duration> delay =
        HedgeDelay(call, *asked->permit.state);
    Attempt& attempt = attempts.Add();
    LiveAttempt live(call, *std::move(asked), attempt);
    const Attempt* failed = &attempt;
    absl::Status outcome;
    if (!live.TakeRequest()) outcome = co_await live.ReadRequest();
    if (outcome.ok() && delay.has_value()) {
      HedgedOutcome hedged =
          co_await SendHedged(call, attempts, next, live, open, *delay);
      outcome = std::move(hedged.status);
      failed = hedged.failed;
    } else {
      if (outcome.ok()) outcome = co_await live.Send(open);
      if (!outcome.ok() && open != nullptr) open->stream.reset();
      outcome = live.End(std::move(outcome));
      if (outcome.ok()) RecordForHedges(call, attempt);
    }
    if (outcome.ok()) co_return outcome;
    GATEWAY_CO_ASSIGN_OR_RETURN(asked, co_await next.After(*failed));
  }
}

}  // namespace gateway
