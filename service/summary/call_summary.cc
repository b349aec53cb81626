#include "service/summary/call_summary.h"

#include <limits>

#include "base/os/logging.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Where nothing is written, hours that are over are taken from the loops this
// often.
constexpr absl::Duration kIntervalWithoutFile = absl::Minutes(1);

// As the file keeps it, so that it is the same after a restart.
absl::Time WholeMicros(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

}  // namespace

std::unique_ptr<CallSummary> CallSummary::Open(const Options& options,
                                               Clock& clock) {
  std::unique_ptr<CallSummary> summary(new CallSummary(options, clock));
  {
    MutexLock lock(summary->file_mu_);
    summary->Tell(summary->OpenFile());
  }
  summary->thread_ =
      Thread("call_summary", [self = summary.get()] { self->Serve(); });
  return summary;
}

CallSummary::CallSummary(const Options& options, Clock& clock)
    : options_(options),
      clock_(clock),
      recent_(options.recent),
      history_({.hours = options.history_hours, .limits = options.limits},
               WholeMicros(clock.WallTime())) {}

CallSummary::~CallSummary() {
  {
    MutexLock lock(stop_mu_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  thread_.Join();
  Keep().IgnoreError();  // Told and counted by Write.
}

CallSummary::Shard CallSummary::AddShard() {
  MutexLock lock(mu_);
  SummaryShard& sums =
      *shards_.emplace_back(std::make_unique<SummaryShard>(options_.limits));
  return {.sums = sums, .recent = recent_.AddShard()};
}

void CallSummary::Serve() {
  const absl::Duration interval =
      has_file() ? options_.interval : kIntervalWithoutFile;
  while (!StopsWithin(interval)) {
    Keep().IgnoreError();  // Told and counted by Write.
  }
}

bool CallSummary::StopsWithin(absl::Duration interval) {
  MutexLock lock(stop_mu_);
  if (!stopping_) stop_.WaitFor(lock, interval);
  return stopping_;
}

void CallSummary::Collect() {
  // Under the lock, which the analysis does not see inside of the function.
  SummaryHistory& history = history_;
  for (const std::unique_ptr<SummaryShard>& shard : shards_) {
    shard->Collect([&history](const SummaryShard::Sum& sum) {
      if (sum.group != nullptr) {
        history.Add(sum.hour, *sum.group, sum.totals);
      } else {
        history.AddCapabilities(sum.hour, sum.capabilities);
      }
    });
  }
  history_.Expire(HourOf(clock_.WallTime()));
}

SummaryAnswer CallSummary::Sum(const SummaryQuery& query) {
  MutexLock lock(mu_);
  Collect();
  return SumCalls(history_, query);
}

SummaryHistory::Capabilities CallSummary::CapabilitiesUsed(int64_t begin,
                                                           int64_t end) {
  MutexLock lock(mu_);
  Collect();
  return history_.CapabilitiesOf(begin, end);
}

absl::Time CallSummary::since() const {
  MutexLock lock(mu_);
  return history_.since();
}

absl::StatusOr<CallSummary::Forgotten> CallSummary::Reset() {
  MutexLock file_lock(file_mu_);
  GATEWAY_RETURN_IF_ERROR(OpenFile());
  std::optional<SummaryHistory> before;
  Forgotten forgotten;
  SummaryChanges changes;
  {
    MutexLock lock(mu_);
    Collect();
    forgotten.time = WholeMicros(clock_.WallTime());
    before.emplace(std::move(history_));
    history_ = SummaryHistory(
        {.hours = options_.history_hours, .limits = options_.limits},
        forgotten.time);
    history_.ReplaceAll();
    changes = history_.TakeChanges();
  }
  before->ForEachGroup(
      kEarlierHours, std::numeric_limits<int64_t>::max(),
      [&forgotten](int64_t /*hour*/, const CallGroup& /*group*/,
                   const CallTotals& totals) { forgotten.totals.Add(totals); });
  const absl::Status written = Write(changes);
  if (!written.ok()) {
    MutexLock lock(mu_);
    history_.Add(*before);
    history_.ReplaceAll();
    return written;
  }
  recent_.Forget();
  return forgotten;
}

absl::Status CallSummary::Keep() {
  MutexLock file_lock(file_mu_);
  if (const absl::Status opened = OpenFile(); !opened.ok()) {
    Tell(opened);
    return opened;
  }
  SummaryChanges changes;
  {
    MutexLock lock(mu_);
    Collect();
    changes = history_.TakeChanges();
  }
  if (changes.empty()) return absl::OkStatus();
  absl::Status written = Write(changes);
  if (!written.ok()) {
    MutexLock lock(mu_);
    history_.ReplaceAll();
  }
  return written;
}

absl::Status CallSummary::OpenFile() {
  if (!has_file() || file_ != nullptr) return absl::OkStatus();
  SummaryHistory kept(
      {.hours = options_.history_hours, .limits = options_.limits},
      WholeMicros(clock_.WallTime()));
  GATEWAY_ASSIGN_OR_RETURN(
      file_, SummaryFile::Open(options_.file, clock_.WallTime(), &kept));
  MutexLock lock(mu_);
  kept.Add(history_);
  history_ = std::move(kept);
  return absl::OkStatus();
}

absl::Status CallSummary::Write(const SummaryChanges& changes) {
  if (file_ == nullptr) return absl::OkStatus();
  absl::Status written = file_->Write(changes);
  Tell(written);
  return written;
}

void CallSummary::Tell(const absl::Status& status) {
  const bool failed_before = write_fails_.exchange(!status.ok());
  if (!status.ok()) {
    failed_writes_.fetch_add(1, std::memory_order_relaxed);
    // Once for each time that it begins to fail.
    if (failed_before) return;
    Log(LogLevel::kError, "state",
        file_ == nullptr
            ? "the sums of calls that were kept cannot be read; new ones are "
              "kept in memory and added once that works"
            : "the sums of calls cannot be written; they are kept in memory "
              "and tried again",
        {{"error", status}});
  } else if (failed_before) {
    Log(LogLevel::kInfo, "state", "the sums of calls are written again");
  }
}

}  // namespace gateway
