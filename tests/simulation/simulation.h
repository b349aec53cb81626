// Simulation runs a scenario: its calls go through the whole pipeline - router,
// breakers, retries, budget, records - on a loop whose time passes at once, to
// providers that do as the scenario says. Nothing but the seed decides.
//
//   EventTrace trace;
//   const std::vector<std::string> broken = Simulate(MakeScenario(17), &trace);
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_SIMULATION_H_
#define TESTS_SIMULATION_SIMULATION_H_

#include <string>
#include <vector>

#include "tests/simulation/event_trace.h"
#include "tests/simulation/scenario.h"

namespace gateway {

// Returns the rules that were broken (call_rules.h); empty if all is well.
std::vector<std::string> Simulate(const Scenario& scenario, EventTrace* trace);

}  // namespace gateway

#endif  // TESTS_SIMULATION_SIMULATION_H_
