// LedgerWriter commits the entries of all loops, together, on a thread of its
// own: while one commit waits for the disk, the entries of the next one gather.
//
//   LedgerWriter writer(std::move(log), {}, clock);
//   DispatchSource dispatch(call, attempt);  // An EntrySource.
//   const EntrySource* const sources[] = {&dispatch};
//   const absl::Status committed = co_await writer.Commit(
//       sources, {}, LedgerWriter::IfNotCommitted::kForget);
//   if (!committed.ok()) co_return LedgerFault(committed);
//
// The thread writes the entries' texts, too: who waits for their commit lends
// it what they are made of, and his loop has nothing to do with that.
//
// A commit that fails - the disk is full, the file is gone or another's - fails
// for all of its entries. Those that must not be lost are kept in memory and
// committed first, in their order, as soon as that is possible again: it is
// tried with each new dispatch, and once a second. Until then nobody waits for
// entries that are kept. What is kept is bounded; what goes beyond is lost, and
// counted, a line of the log says so, and an entry ENTRIES_LOST once there is
// room. So it does of entries that were committed and that a server which took
// over does not have.
//
// Nor does anybody wait for a commit that takes longer than `wait_limit`, as of
// a disk that stalls: the ledger counts as failing from then on, and its thread
// goes on with that commit, which has its entries. Once it has come to an end,
// what was kept meanwhile is committed.
//
// Of a commit that failed it may not be known for a while whether it is there
// all the same, as when a database is gone before it has answered. Who asks to
// know waits for that, but not for long: then he is told that nobody knows, and
// what he gave for that is called if it is found later.
//
// A disk that is slow, but whose commits end in time, is no failure. Who has no
// place in the next commit waits for those before his own, and is told after
// twice `wait_limit` that he need not wait: what is to be kept is, and is
// committed before what waits. Only who goes on whatever he is told waits for
// his turn where there is no more room to keep anything for him, since it would
// be lost otherwise. And who says of what has happened only that nothing did -
// a refusal - waits no longer than a disk takes that is not slow: his entry is
// kept then.
//
// A simulation makes one without a thread, and does that thread's turns itself,
// when its own time says so.
//
// Thread contract: Commit on any event loop, which lives until it has returned;
// counts on any thread. Closed when nobody waits; what is kept is committed
// first, if it can be. Without a thread all of it is for one thread.

#ifndef SERVICE_LEDGER_LEDGER_WRITER_H_
#define SERVICE_LEDGER_LEDGER_WRITER_H_

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"

namespace gateway {

// What an entry is made of, while its commit is waited for.
class EntrySource {
 public:
  virtual ~EntrySource() = default;

  // About how long its text will be. On the loop.
  virtual size_t bytes() const = 0;

  // Called once, on the ledger's thread. Nobody changes meanwhile what it
  // reads.
  virtual UnchainedEntry Write() const = 0;
};

class LedgerWriter {
 public:
  struct Options {
    // What may wait to be committed before all that could be forgotten is
    // refused, and again what may be kept; of what must not be lost twice as
    // much may be kept. Of so many bytes, or one that is larger, a commit is.
    size_t entries_limit = 65536;
    size_t bytes_limit = size_t{64} * 1024 * 1024;
    // How long a commit may take, and half of how long an entry is waited for;
    // not of one without a thread.
    absl::Duration wait_limit = absl::InfiniteDuration();
    // How long those in passing wait for a commit, their own or another's, if
    // that is less, and there is a limit at all.
    absl::Duration passing_limit = absl::Milliseconds(100);
    // How long kForgetOnceKnown waits, after its commit has failed, until it is
    // known whether it is there; it is looked at each time that this is tried.
    absl::Duration doubt_limit = absl::Seconds(10);
  };

  // What becomes of an entry that could not be committed.
  enum class IfNotCommitted : uint8_t {
    // Nothing has happened that it would tell: its caller is told, and does
    // nothing.
    kForget,
    // As kForget, but while its commit is under way its caller waits, however
    // long, and while nobody knows what became of it for `doubt_limit`: what he
    // hears is so, or UNKNOWN.
    kForgetOnceKnown,
    // It has happened: its caller is told, and it is kept.
    kKeep,
    // As kKeep, but where there is half of the room left: what has happened
    // cost nobody anything.
    kKeepIfRoom,
    // As kKeepIfRoom, but its caller hears the same whatever becomes of it, and
    // waits for no disk that is slow.
    kKeepInPassing,
    // As kKeep, but its caller waits as with kKeepInPassing.
    kKeepAllInPassing,
    // As kKeep, but its caller is told that all is well.
    kKeepAndGoOn,
  };

  // What would not be in the ledger if the process ended now, of what has
  // happened.
  struct Unwritten {
    // Waits, is kept, or was lost without an entry that says so.
    size_t lost = 0;
    // In a commit that has not ended, or of whose end nobody knows.
    size_t under_way = 0;
    bool operator==(const Unwritten&) const = default;
  };

  struct Counts {
    int64_t commits = 0;  // Of the ledger, and its entries.
    int64_t entries = 0;
    uint64_t failures = 0;  // Commits that failed.
    // Entries that there was no room for, or that were cut off.
    uint64_t lost = 0;
    uint64_t left_out = 0;  // As LeaveOut was told.
    size_t waiting = 0;    // To be committed, now.
    size_t kept = 0;       // After a failure, now.
    bool failing = false;  // Whether the last commit failed, or is stalled.
    // Whether a commit is under way that nobody waits for any more.
    bool stalled = false;
    // Whether entries are lost of which the ledger does not tell yet; and when,
    // in steady time, the last one was.
    bool losing = false;
    absl::Duration last_loss = -absl::InfiniteDuration();
  };

  // Takes over an open ledger; borrows `clock`.
  LedgerWriter(std::unique_ptr<LedgerLog> log, const Options& options,
               Clock& clock);
  // The same without a thread: `wake` is called when entries begin to wait, and
  // whoever made it does what the thread would have done, in turns. It must not
  // call back.
  LedgerWriter(std::unique_ptr<LedgerLog> log, const Options& options,
               Clock& clock, std::function<void()> wake);
  ~LedgerWriter();

  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;

  // Awaits an entry's commit; yields an absl::Status.
  class Committing;
  using Sources = absl::Span<const EntrySource* const>;

  // Errors are those of LedgerLog::Append; DEADLINE_EXCEEDED after twice
  // `wait_limit`, and while a commit is under way that took longer than once;
  // what was not to be kept may be there all the same. RESOURCE_EXHAUSTED at
  // once if too much waits already; for what is not to be kept alone. UNKNOWN
  // for kForgetOnceKnown alone: nobody knows yet whether it is there. If it
  // turns out to be, `found_later`, which may be null, is called on the
  // ledger's thread, before anything else is committed; once it is known it is
  // destroyed. Never cancelled: what is committed is committed.
  //
  // All that is committed together, in this order: the entries of the sources,
  // and those `behind` them, which are moved away. Both are borrowed until it
  // has returned. REQUIRES: there is one at least.
  Committing Commit(Sources sources, absl::Span<UnchainedEntry> behind,
                    IfNotCommitted otherwise,
                    std::function<void()> found_later = nullptr);

  // Counts a refusal that is to have no entry. Waits for nobody.
  void LeaveOut() { left_out_.fetch_add(1, std::memory_order_relaxed); }

  Counts counts() const LOCKS_EXCLUDED(mu_);
  Unwritten unwritten() const LOCKS_EXCLUDED(mu_);

  // --- Of one without a thread; once each, in this order.

  // Takes what waits, and writes its texts. To be called when entries wait and,
  // while the last commit has failed, once a second.
  void BeginTurn() LOCKS_EXCLUDED(mu_);
  // Commits what was taken, and tells those who wait.
  void EndTurn() LOCKS_EXCLUDED(mu_);

  // ---

  // Commits what is kept, if that is possible by now, and ends the thread.
  // REQUIRES: no turn has begun and not ended.
  // Returns how many entries could not be written, which the log says last. By
  // who destroys it; nothing is committed from then on.
  Unwritten Close() LOCKS_EXCLUDED(mu_);

 private:
  // Some that wait together, in their coroutine.
  struct Waiting {
    // Empty once TakeEntries has been called.
    Sources sources;
    absl::Span<UnchainedEntry> behind;
    IfNotCommitted otherwise;
    std::function<void()> found_later;
    // How much it is, and, of bytes, before its texts are written.
    size_t count = 0;
    size_t bytes = 0;
    absl::Duration since;     // When it began to.
    bool is_patient = false;  // Waits for its turn, however long.
    bool may_be_there = false;
    EventLoop* loop = nullptr;
    std::coroutine_handle<> handle;
    absl::Status outcome;
  };
  using Group = std::vector<Waiting*>;
  // Who asks to know what became of a commit that failed.
  struct Doubt {
    Waiting* waiting = nullptr;  // Null once told that nobody knows.
    std::function<void()> found_later;
    absl::Status failure;
    absl::Duration until;  // He waits.
  };
  // An entry that is being committed, whose caller may wait no more.
  struct Taken {
    UnchainedEntry entry;
    IfNotCommitted otherwise;
  };

  // False if there is nothing to wait for; then nobody is resumed.
  bool Add(Waiting& waiting) LOCKS_EXCLUDED(mu_);
  void Wake() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // While the ledger cannot be written: keeps its entries at once.
  // What has no room is lost, unless `whatever_room`.
  void SetAside(Waiting& waiting, const absl::Status& why, bool whatever_room)
      LOCKS_EXCLUDED(mu_);
  // Tells them that they need not wait: sets aside what is to be kept.
  void LetGo(const Group& waiting, const absl::Status& why, bool whatever_room)
      LOCKS_EXCLUDED(mu_);
  // Whether so much has room, and as much again if it must not be lost.
  bool HasRoom(size_t entries, size_t bytes, IfNotCommitted otherwise) const;

  // The thread's.
  void Run() LOCKS_EXCLUDED(mu_);
  // Waits for entries, or for the time to try again. False at the end.
  bool TakeGroup() LOCKS_EXCLUDED(mu_);
  void TakeWaiting() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How many entries of what has happened these have. Counts sources.
  static size_t Happened(const Group& group);
  // How many of those who wait have a place in the next commit.
  size_t PlacesInCommit() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether there are some who had none in the last one.
  bool HasBacklog() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Group TakeAllWaiting() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has the thread keep what the loops have set aside.
  void TakeSetAside() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the texts of what was taken, which is the thread's from then on.
  void WriteGroup() LOCKS_EXCLUDED(mu_);
  // Calls `take` with each of the entries, of which it writes the texts.
  template <typename Take>
  static void TakeEntries(Waiting& waiting, const Take& take);
  // Says, as the last line, what could not be written.
  void TellUnwritten() const LOCKS_EXCLUDED(mu_);
  // Finds out what became of a commit that failed.
  absl::StatusOr<bool> Settle();
  absl::Status Append();
  // After it has failed: keeps what is to be kept, and finds out whether it is
  // there, if that is possible at once.
  absl::StatusOr<bool> KeepAndSettle(const absl::Status& why)
      LOCKS_EXCLUDED(mu_);
  // The entry that so many were lost.
  UnchainedEntry LossEntry(uint64_t lost) const;
  // Has the ledger tell what it does not have any more.
  void KeepCutEntry(const LedgerLog::Cut& cut) LOCKS_EXCLUDED(mu_);
  // After a failure: what stays of what was taken.
  void Keep(const absl::Status& why) LOCKS_EXCLUDED(mu_);
  void CountLost(size_t entries, const absl::Status& why)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Counts an entry as lost if there is no room to keep it.
  bool HasRoomFor(const UnchainedEntry& entry, IfNotCommitted otherwise,
                  const absl::Status& why) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CountKept(const UnchainedEntry& entry) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has the log say how many were lost since it last did, and why; not more
  // often than its pace, unless at once.
  void TellLost(bool at_once) LOCKS_EXCLUDED(mu_);
  // Returns those who still wait for the commit that has come to an end; if
  // that has failed, and is in doubt, it may be there all the same.
  Group EndCommit(const absl::Status& committed, bool is_doubtful)
      LOCKS_EXCLUDED(mu_);
  // After a failure of which nobody knows whether it is one: takes those out of
  // `group` who ask to know.
  void HoldDoubtful(const absl::Status& failure, Group* group);
  // It is known: tells those who wait for that.
  void EndDoubts(bool is_there);
  // It still is not: tells those who have waited for long enough, or all.
  void LetGoOfDoubtful(bool at_once);
  // After a failure nobody waits for several commits.
  void LetGoOfBacklog(const absl::Status& why) LOCKS_EXCLUDED(mu_);

  // The watch's, which lets go who has waited for too long.
  void Watch() LOCKS_EXCLUDED(mu_);
  // Since when somebody waits for a commit that is or was to begin at once;
  // InfiniteDuration if nobody does, or nobody is to be let go.
  absl::Duration OldestWait() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The same of those who wait, or have waited, for commits before their own.
  absl::Duration OldestInBacklog() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How long those in passing wait.
  absl::Duration PassingLimit() const;
  static bool IsInPassing(IfNotCommitted otherwise);
  // Whether `waiting` waits so, and would wait for a disk that is slow.
  bool PassesBy(const Waiting& waiting) const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has the watch look in time for who waits so.
  void WatchPassing(const Waiting& waiting) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Since when somebody waits so; InfiniteDuration if nobody does.
  absl::Duration OldestInPassing() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of those, who have waited for long enough.
  void LetGoOfPassing() LOCKS_EXCLUDED(mu_);
  // Of a ledger that stalls.
  void LetGoOfAll() LOCKS_EXCLUDED(mu_);
  // Of one that is slow, those who have waited for long enough.
  void LetGoOfOverdue() LOCKS_EXCLUDED(mu_);
  Group TakeOverdueWaiting(absl::Duration overdue)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeWatch() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Those for the commit that is under way who began to wait by then, but for
  // who waits until it is known.
  Group LeaveCommit(absl::Duration since, const absl::Status& why)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static bool IsForgotten(IfNotCommitted otherwise);
  // Tells a failure to who is to hear of it.
  static void TellFailure(Waiting& waiting, const absl::Status& why);
  // Resumes them, each on its loop.
  static void Tell(const Group& group);

  const Options options_;
  Clock& clock_;
  std::atomic<uint64_t> left_out_ = 0;
  const std::function<void()> wake_;      // Null where there is a thread.
  const std::unique_ptr<LedgerLog> log_;  // The thread's.
  // Whom it takes entries of, and what it commits; the thread's.
  Group group_;
  std::vector<Taken> taken_;
  std::vector<Doubt> doubts_;  // Of the last commit that failed.
  // Of a failure, in their order; the thread's, and not yet tried by it.
  std::deque<UnchainedEntry> kept_;
  // Of those so many, the first, may be there all the same. Written under
  // `mu_`.
  size_t uncertain_ = 0;
  // Of how many lost ones the ledger tells, and, with the uncertain, may. The
  // first is written under `mu_`.
  uint64_t told_lost_ = 0;
  uint64_t uncertain_lost_ = 0;
  bool tried_at_end_ = false;

  mutable Mutex mu_;
  CondVar changed_;
  CondVar watch_changed_;
  Group waiting_ GUARDED_BY(mu_);
  // The first of those; InfiniteDuration while the first has still to come to
  // its turn.
  absl::Duration waiting_since_ GUARDED_BY(mu_) = absl::InfiniteDuration();
  // The first of those began to while a commit was under way.
  bool waits_behind_ GUARDED_BY(mu_) = false;
  // Those who wait for the commit that is under way, once the texts are
  // written; since when, as it was taken; and the entries of who has left.
  Group committing_ GUARDED_BY(mu_);
  absl::Duration committing_since_ GUARDED_BY(mu_) = absl::InfiniteDuration();
  bool writes_texts_ GUARDED_BY(mu_) = false;
  // Of what has happened, in texts that are being written.
  size_t texts_entries_ GUARDED_BY(mu_) = 0;
  size_t left_entries_ GUARDED_BY(mu_) = 0;
  size_t waiting_entries_ GUARDED_BY(mu_) = 0;
  size_t waiting_bytes_ GUARDED_BY(mu_) = 0;
  // Kept, and not the thread's yet; and all that are kept, in bytes.
  std::vector<UnchainedEntry> set_aside_ GUARDED_BY(mu_);
  size_t kept_bytes_ GUARDED_BY(mu_) = 0;
  absl::Status failure_ GUARDED_BY(mu_);  // Of the last commit.
  bool ends_ GUARDED_BY(mu_) = false;
  Counts counts_ GUARDED_BY(mu_);
  // How many lost entries the log has told of, why the last one was lost, and
  // from when on it may tell of more.
  uint64_t logged_lost_ GUARDED_BY(mu_) = 0;
  absl::Status loss_why_ GUARDED_BY(mu_);
  absl::Duration next_loss_line_ GUARDED_BY(mu_) = -absl::InfiniteDuration();
  bool watch_rests_ GUARDED_BY(mu_) = false;  // Until somebody waits.
  absl::Duration watch_until_ GUARDED_BY(mu_);  // Or until then.
  // When the log may tell again that the ledger is slow.
  absl::Duration next_slow_line_ GUARDED_BY(mu_) = -absl::InfiniteDuration();
  // The log has that it is stalled, and not yet what became of that.
  bool tells_end_ GUARDED_BY(mu_) = false;

  Thread thread_;  // Declared last, since they use all of the above.
  Thread watch_;   // None where waits have no limit.
};

class [[nodiscard]] LedgerWriter::Committing {
 public:
  bool await_ready() const { return false; }
  // Resumes at once if there is nothing to wait for.
  bool await_suspend(std::coroutine_handle<> handle) {
    waiting_.handle = handle;
    waiting_.loop = EventLoop::Current();
    return writer_.Add(waiting_);
  }
  absl::Status await_resume() { return std::move(waiting_.outcome); }
  // Of one that has failed: whether what was not to be kept may be there all
  // the same.
  bool may_be_there() const { return waiting_.may_be_there; }

 private:
  friend LedgerWriter;
  Committing(LedgerWriter& writer, Sources sources,
             absl::Span<UnchainedEntry> behind, IfNotCommitted otherwise,
             std::function<void()> found_later)
      : writer_(writer),
        waiting_{.sources = sources,
                 .behind = behind,
                 .otherwise = otherwise,
                 .found_later = std::move(found_later)} {}

  LedgerWriter& writer_;
  Waiting waiting_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_WRITER_H_
