#include "service/ledger/background_check.h"

#include "base/os/logging.h"

namespace gateway {

BackgroundCheck::BackgroundCheck(const CommitSource& log,
                                 const Options& options, Clock& clock)
    : log_(log),
      options_(options),
      clock_(clock),
      thread_("ledger-check", [this] { Run(); }) {}

BackgroundCheck::~BackgroundCheck() {
  {
    MutexLock lock(mu_);
    ends_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

BackgroundCheck::State BackgroundCheck::state() const {
  MutexLock lock(mu_);
  return state_;
}

bool BackgroundCheck::Rest(absl::Duration time) {
  const absl::Duration until = clock_.SteadyTime() + time;
  MutexLock lock(mu_);
  while (!ends_) {
    const absl::Duration left = until - clock_.SteadyTime();
    if (left <= absl::ZeroDuration() || !changed_.WaitFor(lock, left)) {
      return !ends_;
    }
  }
  return false;
}

void BackgroundCheck::TellBroken(int64_t entry) {
  MutexLock lock(mu_);
  state_.broken_entry = entry;
}

void BackgroundCheck::Run() {
  do {
    LedgerCheck check;
    const absl::Status read = CheckAll(&check);
    if (absl::IsCancelled(read)) return;
    if (read.ok()) check.End();
    const bool is_known = read.ok() || !check.valid() || check.AddFailure(read);
    if (!is_known) {
      Log(LogLevel::kWarn, "ledger", "The ledger could not be verified",
          {{"why", read}});
      continue;
    }
    if (!check.valid()) {
      Log(LogLevel::kError, "ledger", "The ledger is not what was written",
          {{"entry", check.broken_entry()},
           {"id", check.broken_id()},
           {"problem", check.problem()}});
    }
    MutexLock lock(mu_);
    ++state_.checks;
    state_.broken_entry = check.broken_entry();
  } while (Rest(options_.interval));
}

absl::Status BackgroundCheck::CheckAll(LedgerCheck* check) {
  absl::Duration began = clock_.SteadyTime();
  return log_.Read(1, [&](const LedgerCommit& commit) {
    absl::Status status = check->Add(commit);
    {
      MutexLock lock(mu_);
      state_.checked_entries = check->checked_entries();
    }
    const absl::Duration worked = clock_.SteadyTime() - began;
    if (worked < options_.work) return status;
    if (!Rest(4 * worked)) return absl::CancelledError("the process ends");
    began = clock_.SteadyTime();
    return status;
  });
}

}  // namespace gateway
