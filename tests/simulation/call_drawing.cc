#include "tests/simulation/call_drawing.h"

#include <algorithm>
#include <cstddef>

namespace gateway {

void DrawCalls(Drawing& draw, Scenario& scenario, int count,
               absl::Duration length) {
  const bool bursts = draw.InPercent(30);
  for (int i = 0; i < count; ++i) {
    ScenarioCall call;
    call.at = absl::Milliseconds(draw.Between(
        0, static_cast<int>(absl::ToInt64Milliseconds(length)) - 1));
    if (bursts) call.at = absl::Floor(call.at, absl::Seconds(5));
    call.route = static_cast<size_t>(
        draw.Between(0, static_cast<int>(scenario.routes.size()) - 1));
    call.stream = draw.InPercent(60);
    call.session = draw.InPercent(50) ? draw.Between(1, 5) : 0;
    call.user = draw.InPercent(50) ? draw.Between(1, 9) : 0;
    scenario.calls.push_back(call);
  }
  std::stable_sort(
      scenario.calls.begin(), scenario.calls.end(),
      [](const ScenarioCall& a, const ScenarioCall& b) { return a.at < b.at; });
}

void DrawCallers(Drawing& draw, Scenario& scenario) {
  for (ScenarioCall& call : scenario.calls) {
    if (draw.InPercent(20)) call.timeout = draw.MillisBetween(1, 20'000);
    if (draw.InPercent(10)) call.leaves_after = draw.MillisBetween(0, 5000);
    if (draw.InPercent(10)) call.reads_for = draw.MillisBetween(1, 1500);
  }
}

}  // namespace gateway
