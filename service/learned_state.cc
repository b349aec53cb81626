#include "service/learned_state.h"

#include <memory>

#include "absl/time/time.h"
#include "service/api/circuit_document.h"
#include "service/api/override_document.h"
#include "service/api/performance_document.h"
#include "service/api/price_view.h"
#include "service/api/rollout_admin.h"

namespace gateway {
namespace {

constexpr absl::Duration kPerformanceInterval = absl::Minutes(5);

}  // namespace

void RestoreOperators(StateStore& state, const RuntimeSnapshot& first) {
  RestoreCircuits(state, first);
  RestoreOverrides(state, &first.selection().overrides);
  RestorePrices(state, first);
  RestoreRollout(state, first);
}

void KeepWhatIsLearned(StateStore& state, const CurrentRuntime& runtime) {
  const std::shared_ptr<const RuntimeSnapshot> first = runtime.Get();
  RestorePerformance(state, first->clock().WallTime(),
                     &first->selection().performance);
  state.WriteEvery(kPerformanceDocument, kPerformanceInterval, [&runtime] {
    const std::shared_ptr<const RuntimeSnapshot> now = runtime.Get();
    return WritePerformance(
        now->selection().performance.Keep(now->clock().WallTime()));
  });
  first->resilience().targets.TellOfDisabled([&state, &runtime] {
    state.WriteSoon(kCircuitDocument,
                    [&runtime] { return WriteCircuits(*runtime.Get()); });
  });
}

}  // namespace gateway
