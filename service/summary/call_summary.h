// CallSummary is what all calls of this process consumed: summed by the hour
// and group, exact to the nano-dollar, and the latest ones by themselves. The
// sums outlast the process where there is a file for them.
//
//   const std::unique_ptr<CallSummary> summary =
//       CallSummary::Open({.file = "/var/lib/llm-gateway/summary.db"}, clock);
//   CallSummary::Shard shard = summary->AddShard();   // One for each loop.
//   shard.sums.Count(group, totals, end_time);        // On the loop.
//   shard.recent.Remember(call);
//
//   // On a thread that may wait:
//   const SummaryAnswer answer = summary->Sum({.group_by = {kModel}});
//
// Loops share nothing that they would wait for. A thread collects what they
// have counted, and writes it behind: what a crash may lose is that of the last
// interval. If it cannot be written, that is counted and told, and tried again;
// the sums in memory are right meanwhile. Sums of the past are not worth a
// gateway that does not start: a file that is damaged is begun anew, and one
// that cannot be opened otherwise is tried again like a write; what it has is
// added then.
//
// Thread contract: AddShard, Sum, CapabilitiesUsed, Reset and Keep from any
// thread that may block, as event loops may not; a shard by its loop. Destroyed
// after all loops have ended, which keeps what is left.

#ifndef SERVICE_SUMMARY_CALL_SUMMARY_H_
#define SERVICE_SUMMARY_CALL_SUMMARY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/summary/call_totals.h"
#include "service/summary/group_table.h"
#include "service/summary/recent_calls.h"
#include "service/summary/summary_file.h"
#include "service/summary/summary_history.h"
#include "service/summary/summary_query.h"
#include "service/summary/summary_shard.h"

namespace gateway {

class CallSummary {
 public:
  struct Options {
    // Hours that are kept apart, beside the one that has begun.
    int64_t history_hours = 168;
    GroupLimits limits;
    RecentCalls::Options recent;
    // Where the sums are kept; they go with the process if it is empty.
    std::string file;
    // From one writing to the next.
    absl::Duration interval = absl::Seconds(1);
  };

  // The parts of one loop.
  struct Shard {
    SummaryShard& sums;
    RecentCalls::Shard& recent;
  };

  // Reads the file. Blocks. Borrows `clock`.
  static std::unique_ptr<CallSummary> Open(const Options& options,
                                           Clock& clock);

  ~CallSummary();

  CallSummary(const CallSummary&) = delete;
  CallSummary& operator=(const CallSummary&) = delete;

  // New parts, valid as long as this object.
  Shard AddShard() LOCKS_EXCLUDED(mu_);

  // Sums calls, until this moment.
  SummaryAnswer Sum(const SummaryQuery& query) LOCKS_EXCLUDED(mu_);
  // How many calls of these hours asked for each capability, by its bit.
  SummaryHistory::Capabilities CapabilitiesUsed(int64_t begin, int64_t end)
      LOCKS_EXCLUDED(mu_);
  // When counting began.
  absl::Time since() const LOCKS_EXCLUDED(mu_);
  int64_t history_hours() const { return options_.history_hours; }

  const RecentCalls& recent() const { return recent_; }

  // What was forgotten.
  struct Forgotten {
    CallTotals totals;
    absl::Time time;
  };
  // Forgets all sums and calls until now, also those in the file. If that
  // cannot be written, nothing is forgotten, and its failure is returned.
  absl::StatusOr<Forgotten> Reset() LOCKS_EXCLUDED(file_mu_, mu_);

  // Writes what is to be kept, now.
  absl::Status Keep() LOCKS_EXCLUDED(file_mu_, mu_);

  // Whether it failed when it was done last. Does not block.
  bool write_fails() const {
    return write_fails_.load(std::memory_order_relaxed);
  }
  // How often that failed.
  int64_t failed_writes() const {
    return failed_writes_.load(std::memory_order_relaxed);
  }
  // Whether there is to be one.
  bool has_file() const { return !options_.file.empty(); }

 private:
  CallSummary(const Options& options, Clock& clock);

  void Serve();
  // Waits for the end, but not for longer; returns whether it has come.
  bool StopsWithin(absl::Duration interval) LOCKS_EXCLUDED(stop_mu_);
  // Adds what the loops have counted to the history.
  void Collect() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Write(const SummaryChanges& changes)
      EXCLUSIVE_LOCKS_REQUIRED(file_mu_);
  // Opens the file, if it is not, and adds what it has.
  absl::Status OpenFile() EXCLUSIVE_LOCKS_REQUIRED(file_mu_)
      LOCKS_EXCLUDED(mu_);
  // Counts and tells what came of it to open or write the file.
  void Tell(const absl::Status& status) EXCLUSIVE_LOCKS_REQUIRED(file_mu_);

  const Options options_;
  Clock& clock_;
  RecentCalls recent_;
  std::atomic<int64_t> failed_writes_ = 0;
  std::atomic<bool> write_fails_ = false;  // Set with file_mu_ held.

  // Held to write, before mu_ if both are. What was written last is what
  // `history_` had then.
  Mutex file_mu_;
  std::unique_ptr<SummaryFile> file_;  // Null while it is not open.

  mutable Mutex mu_;
  std::vector<std::unique_ptr<SummaryShard>> shards_ GUARDED_BY(mu_);
  SummaryHistory history_ GUARDED_BY(mu_);

  Mutex stop_mu_;
  CondVar stop_;
  bool stopping_ GUARDED_BY(stop_mu_) = false;
  Thread thread_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_CALL_SUMMARY_H_
