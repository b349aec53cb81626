// Draws who calls when, and how patient they are.
//
// Thread contract: plain functions.

#ifndef TESTS_SIMULATION_CALL_DRAWING_H_
#define TESTS_SIMULATION_CALL_DRAWING_H_

#include "absl/time/time.h"
#include "tests/simulation/drawing.h"
#include "tests/simulation/scenario.h"

namespace gateway {

// So many calls, in the order in which they come. REQUIRES: there are routes.
void DrawCalls(Drawing& draw, Scenario& scenario, int count,
               absl::Duration length);

// Some have little time, some hang up, some read slowly.
void DrawCallers(Drawing& draw, Scenario& scenario);

}  // namespace gateway

#endif  // TESTS_SIMULATION_CALL_DRAWING_H_
