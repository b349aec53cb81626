// SimulatedLedger is the gateway's own ledger on simulated time: its thread's
// work is done on the loop, and takes as long as the scenario says.
//
//   SimulatedLedger ledger(*scenario.money, time, rules);
//   Spawn(ledger.Run(loop));   // Until End, and all is written.
//   ...
//   ledger.End();
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_SIMULATED_LEDGER_H_
#define TESTS_SIMULATION_SIMULATED_LEDGER_H_

#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/ledger/ledger_writer.h"
#include "tests/simulation/money_rules.h"
#include "tests/simulation/scenario_money.h"
#include "tests/simulation/simulated_store.h"

namespace gateway {

class SimulatedLedger {
 public:
  // Borrows all. The simulation begins now.
  SimulatedLedger(const ScenarioMoney& money, Clock& clock, MoneyRules& rules);

  LedgerWriter& writer() { return *writer_; }
  const BudgetLedgerState& state() const { return state_; }
  const std::shared_ptr<SimulatedDisk>& disk() const { return disk_; }

  Task<void> Run(EventLoop& loop);
  // Nobody commits anything from now on.
  void End();

 private:
  const LedgerPhase& PhaseNow() const;
  bool HasWork() const;

  const ScenarioMoney& money_;
  Clock& clock_;
  MoneyRules& rules_;
  const absl::Duration begin_;
  std::shared_ptr<SimulatedDisk> disk_ = std::make_shared<SimulatedDisk>();
  BudgetLedgerState state_;
  WakeUp wake_;
  bool ends_ = false;
  std::optional<LedgerWriter> writer_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_SIMULATED_LEDGER_H_
