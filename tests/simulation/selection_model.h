// SelectionModel is what the documentation says of the choice of a model by
// what a call needs, written down a second time and as plainly as possible: who
// qualifies, and in which order those are asked that are chosen by what they
// cost.
//
//   const SelectionModel model(scenario);
//   for (const ScenarioPolicy* each : model.Qualified(need)) ...
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_SELECTION_MODEL_H_
#define TESTS_SIMULATION_SELECTION_MODEL_H_

#include <functional>
#include <vector>

#include "tests/simulation/scenario.h"

namespace gateway {

class SelectionModel {
 public:
  using Policies = std::vector<const ScenarioPolicy*>;

  // Borrows the scenario.
  explicit SelectionModel(const Scenario& scenario) : scenario_(scenario) {}

  // Those that have what the call needs, in the order of the configuration.
  Policies Qualified(const ScenarioNeed& need) const;

  // Whether `need` has them chosen by what they cost.
  static bool GoesByCost(const ScenarioNeed& need);
  // Who is asked, and in which order, of those that may be: the cheapest, and
  // the next two if it fails. Those that come last stand behind the others.
  static Policies CheapestOf(
      Policies policies,
      const std::function<bool(const ScenarioPolicy&)>& comes_last);

 private:
  const Scenario& scenario_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_SELECTION_MODEL_H_
