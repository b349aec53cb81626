// AuditLog keeps an entry of every call, and lets operators search for them.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<AuditLog> log,
//                            AuditLog::Open({.path = "audit.db"}, policy,
//                                           SystemClock()));
//   log->Add(std::move(entry));  // Never waits.
//
// Who adds an entry pays for a queue; a thread redacts it, encrypts its bodies
// and writes it, with all that came meanwhile, in one transaction. Where the
// file cannot be written, it is tried again each second, while the queue fills.
// What has no room there is dropped, and counted: one line of the log says that
// it begins, and an entry of kLoss how many it were, which the log has again
// once that is written. What cannot be written at the end is lost, which the
// last line about the audit log says, with what no entry tells of.
//
// Each kSweepInterval it deletes what is older than the policy says, and says
// so by an entry of kDeletion; also while it cannot write, since the file may
// be full. Where the time of day has jumped since the last time, it waits
// another interval, in which an operator may set it right. When it last looked
// at the clock is in the file, and a restart goes on from there. Where that is
// longer ago than it can be if the gateway ran, or is still to come, the clock
// may be wrong, and it waits an interval, too.
//
// Thread-safe. Add takes a lock for as long as an entry is moved.

#ifndef SERVICE_AUDIT_AUDIT_LOG_H_
#define SERVICE_AUDIT_AUDIT_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/audit/audit_entry.h"
#include "service/audit/audit_policy.h"
#include "service/audit/audit_store.h"

namespace gateway {

class AuditLog {
 public:
  static constexpr absl::Duration kSweepInterval = absl::Hours(1);

  struct Options {
    AuditStore::Options store;
    size_t queue_entries_limit = 10000;
    size_t queue_bytes_limit = size_t{64} * 1024 * 1024;
  };

  struct Counts {
    uint64_t written = 0;   // Entries of calls.
    uint64_t dropped = 0;   // Entries that are lost.
    // Refusals that were to have none, of callers who are known and who are
    // not.
    uint64_t left_out = 0;
    uint64_t unknown_left_out = 0;
    uint64_t bodiless = 0;  // Entries whose bodies had no room.
    uint64_t deleted = 0;
    uint64_t failures = 0;  // Commits that failed.
    size_t waiting = 0;     // Now.
    // Of calls, how many the file neither has nor tells of as lost: those, what
    // is being written or could not be, and what was dropped since it told so.
    size_t unwritten = 0;
    bool failing = false;  // Whether the last commit failed.
    // Steady time.
    absl::Duration last_drop = -absl::InfiniteDuration();
  };

  // Blocks. Borrows `clock`. Errors as AuditStore::Open.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(
      const Options& options, std::shared_ptr<const AuditPolicy> policy,
      Clock& clock);

  ~AuditLog();

  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void Add(AuditEntry entry) LOCKS_EXCLUDED(mu_);

  // Counts a refusal beyond as many as have an entry (refusals_per_second and
  // unknown_callers_per_second of AuditPolicy).
  void LeaveOut(bool caller_known) LOCKS_EXCLUDED(mu_);

  // Writes what waits, if it can be written, and nothing from here on. Blocks;
  // the destructor does it, too. DATA_LOSS tells how many entries could not be
  // written.
  absl::Status Close() LOCKS_EXCLUDED(mu_);

  // Records that an operator, `reader`, is shown the bodies of so many entries,
  // and returns once that is written: who cannot record it shows none.
  Task<absl::Status> RecordDisclosure(std::string_view operation,
                                      std::string_view reader, int64_t entries,
                                      CancelSignal& cancel);

  // In force for what is written from now on. Null stays without effect.
  void Use(std::shared_ptr<const AuditPolicy> policy) LOCKS_EXCLUDED(mu_);
  std::shared_ptr<const AuditPolicy> policy() const LOCKS_EXCLUDED(mu_);

  Counts counts() const LOCKS_EXCLUDED(mu_);

  // Where entries are read.
  AuditStore& store() { return *store_; }
  Clock& clock() { return clock_; }

 private:
  using Batch = std::vector<AuditEntry>;

  AuditLog(const Options& options, std::unique_ptr<AuditStore> store,
           std::shared_ptr<const AuditPolicy> policy, Clock& clock);

  // The thread's.
  void Run() LOCKS_EXCLUDED(mu_);
  // Waits for entries, or for the time to look at the clock. False at the end.
  bool TakeBatch(Batch* batch) LOCKS_EXCLUDED(mu_);
  // Makes of entries what is written.
  void Prepare(Batch* batch) LOCKS_EXCLUDED(mu_);
  void PrepareBody(const AuditPolicy& policy, int64_t entry, bool is_response,
                   AuditBody* body);
  // Adds an entry for what was dropped since the last.
  void AddLoss() LOCKS_EXCLUDED(mu_);
  // Writes what is prepared, which stays so if it cannot be.
  void Write() LOCKS_EXCLUDED(mu_);
  // What is prepared is in the file.
  void EndWrite() LOCKS_EXCLUDED(mu_);
  // Says, as the last line, what could not be written.
  void TellUnwritten() const LOCKS_EXCLUDED(mu_);
  // Goes on from when the process before has looked at the clock.
  void BeginSweeps();
  void KeepLook(absl::Duration now, absl::Time wall);
  void SweepIfDue() LOCKS_EXCLUDED(mu_);
  // Deletes a piece of what the sweep is for.
  void SweepOn() LOCKS_EXCLUDED(mu_);
  AuditEntry OwnEntry(AuditKind kind, std::string_view message);
  bool HasRoom(const AuditEntry& entry) const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropOne() EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Deletes what is too old, piece by piece.
  struct Sweep {
    absl::Time before;
    AuditEntry record;
    int64_t deleted = 0;
  };

  const Options options_;
  Clock& clock_;
  const std::unique_ptr<AuditStore> store_;

  // An id is taken by whoever writes an entry.
  std::atomic<int64_t> last_id_;

  // The thread's.
  Batch prepared_;  // What is to be written, redacted, with ids.
  uint64_t told_dropped_ = 0;
  bool looked_ = false;  // At the clock.
  absl::Duration looked_at_;
  absl::Time looked_at_wall_;
  std::optional<Sweep> sweep_;  // Under way.
  bool tried_at_end_ = false;

  mutable Mutex mu_;
  CondVar changed_;
  std::shared_ptr<const AuditPolicy> policy_ GUARDED_BY(mu_);
  Batch waiting_ GUARDED_BY(mu_);
  size_t waiting_bytes_ GUARDED_BY(mu_) = 0;
  size_t being_written_ GUARDED_BY(mu_) = 0;      // Of calls, or could not be.
  uint64_t written_dropped_ GUARDED_BY(mu_) = 0;  // Of which the file tells.
  bool idle_ GUARDED_BY(mu_) = false;
  bool ends_ GUARDED_BY(mu_) = false;
  bool dropping_ GUARDED_BY(mu_) = false;
  Counts counts_ GUARDED_BY(mu_);

  Thread thread_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_LOG_H_
