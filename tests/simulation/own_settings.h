// What providers and models of a scenario have of their own, in place of what
// holds for all: how it is drawn, and what holds for one target then.
//
// Thread contract: functions.

#ifndef TESTS_SIMULATION_OWN_SETTINGS_H_
#define TESTS_SIMULATION_OWN_SETTINGS_H_

#include "tests/simulation/drawing.h"
#include "tests/simulation/scenario.h"

namespace gateway {

BreakerSettings DrawBreaker(Drawing& draw);

ProviderSettings DrawProviderSettings(Drawing& draw);

// Gives some of the scenario's targets settings of their own.
void DrawModelSettings(Drawing& draw, Scenario& scenario);

}  // namespace gateway

#endif  // TESTS_SIMULATION_OWN_SETTINGS_H_
