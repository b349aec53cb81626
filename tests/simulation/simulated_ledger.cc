#include "tests/simulation/simulated_ledger.h"

#include <utility>

#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/timer_wheel.h"
#include "service/ledger/ledger_log.h"

namespace gateway {
namespace {

constexpr absl::Duration kTryAgain = absl::Seconds(1);

// A checkpoint now and then, of which the next start begins.
constexpr int64_t kCheckpointEntries = 40;

}  // namespace

SimulatedLedger::SimulatedLedger(const ScenarioMoney& money, Clock& clock,
                                 MoneyRules& rules)
    : money_(money),
      clock_(clock),
      rules_(rules),
      begin_(clock.SteadyTime()),
      state_(absl::Hours(2160)) {
  auto store = std::make_unique<SimulatedStore>(
      disk_, [this]() -> const LedgerPhase& { return PhaseNow(); },
      [this](const SimulatedDisk::Row& row) { rules_.IsWritten(row.texts); });
  writer_.emplace(*LedgerLog::Open(std::move(store),
                                   {.state = &state_,
                                    .checkpoint_entries = kCheckpointEntries}),
                  LedgerWriter::Options(), clock, [this] { wake_.Set(); });
}

const LedgerPhase& SimulatedLedger::PhaseNow() const {
  // A gateway without its ledger does not start.
  static constexpr LedgerPhase kWell = {};
  if (!writer_.has_value()) return kWell;
  const absl::Duration now = clock_.SteadyTime() - begin_;
  const LedgerPhase* phase = &money_.ledger.front();
  for (const LedgerPhase& each : money_.ledger) {
    if (each.from <= now) phase = &each;
  }
  return *phase;
}

bool SimulatedLedger::HasWork() const {
  const LedgerWriter::Counts counts = writer_->counts();
  return counts.waiting > 0 || (counts.kept > 0 && !counts.failing);
}

Task<void> SimulatedLedger::Run(EventLoop& loop) {
  CancelSignal never;
  for (;;) {
    const LedgerWriter::Counts counts = writer_->counts();
    const bool is_due = counts.waiting > 0 || counts.kept > 0;
    if (ends_ && !is_due && !counts.failing) break;
    if (!HasWork()) {
      Timer again([this] { wake_.Set(); });
      if (counts.failing) loop.ArmTimer(again, kTryAgain);
      co_await wake_.Wait();
    }
    rules_.TurnBegins();
    writer_->BeginTurn();
    const absl::Duration latency = PhaseNow().latency;
    if (latency > absl::ZeroDuration()) {
      (co_await Sleep(loop, latency, never)).IgnoreError();
    }
    writer_->EndTurn();
    rules_.TurnEnds();
  }
}

void SimulatedLedger::End() {
  ends_ = true;
  wake_.Set();
}

}  // namespace gateway
