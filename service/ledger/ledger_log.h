// LedgerLog is one chain of a ledger: entries in their order, of which those
// that were committed together are one row of a CommitStore - a file, or a
// database that replicas share.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<LedgerLog> log,
//                            LedgerLog::Open({.path = "ledger.db"}));
//   GATEWAY_RETURN_IF_ERROR(log->Append(entries, clock.WallTime()));
//   // They are on the disk.
//
// A row for each entry, with an index by its id, costs five to eight times as
// much as one for all of a commit: so nothing is found by its id here, and who
// wants that keeps an index behind (ADR 28).
//
// Nothing is ever changed or removed. Who opens a chain anew reads what is
// behind its last checkpoint, and finds it whole or is told; all of it is for
// LedgerCheck.
//
// Thread contract: Append by one thread, which blocks on the store; Read by
// any, beside it. Not for event loops.

#ifndef SERVICE_LEDGER_LEDGER_LOG_H_
#define SERVICE_LEDGER_LEDGER_LOG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/commit_store.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/followed_state.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_state.h"
#include "service/ledger/note_check.h"
#include "service/store/sqlite_database.h"

namespace gateway {

class LedgerLog final : public CommitSource {
 public:
  // Of a ledger that is a file.
  struct Options {
    std::string path;  // In a folder that is there.
    // As of SqliteDatabase.
    SqliteSync sync = SqliteSync::kFull;
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(1);
    // As of Following.
    LedgerState* state = nullptr;
    int64_t checkpoint_entries = 50'000;
  };
  // What a log does beside what its store does.
  struct Following {
    // Told what the ledger says of budgets, and what it said; may be null.
    // Borrowed.
    LedgerState* state = nullptr;
    // A checkpoint is kept each time that so many entries were appended: what
    // is behind the last one is read, and checked, when the log is opened.
    int64_t checkpoint_entries = 50'000;
  };

  // Blocks. Errors are those of the store; DATA_LOSS if something behind the
  // last checkpoint, or the last commit, is not what was written;
  // INVALID_ARGUMENT if the state cannot make anything of it.
  static absl::StatusOr<std::unique_ptr<LedgerLog>> Open(
      std::unique_ptr<CommitStore> store, const Following& following);
  // The same of a file; and errors of SqliteDatabase::Open.
  static absl::StatusOr<std::unique_ptr<LedgerLog>> Open(
      const Options& options);

  // Chains the entries behind the last one, in their order, and commits them:
  // all are there for good, or, with one of the errors of the store, all are
  // there or none is, which Settle finds out. REQUIRES: there is at least one,
  // and an Append that failed was settled. If this chain was taken over, they
  // are in another one, with which it goes on.
  absl::Status Append(absl::Span<const UnchainedEntry* const> entries,
                      absl::Time time);

  // Finds out whether the entries of an Append that failed are there all the
  // same, and where the next ones go: to another chain, if this one was taken
  // over. An error leaves it open. False if none has failed. For the thread
  // that appends.
  absl::StatusOr<bool> Settle();

  // What was committed and is not there any more, since a server took over
  // that did not have it yet: where the chain had ended, and how many entries
  // are gone. Settle finds it, and it is told once. For the thread that
  // appends.
  struct Cut {
    LedgerEnd end;
    int64_t entries = 0;
  };
  std::optional<Cut> TakeCut() { return std::exchange(cut_, std::nullopt); }

  // As of CommitStore; goes on with another chain if this one was taken over.
  // REQUIRES: as Append.
  absl::Duration keep_alive_interval() const {
    return store_->keep_alive_interval();
  }
  absl::Status KeepAlive();

  // As of the last Append, or Settle. For the thread that appends.
  const LedgerEnd& end() const { return end_; }

  // The dispatches whose exchange is not there. For the thread that appends.
  const OpenDispatches& open_dispatches() const {
    return followed_.open_dispatches();
  }

  // Keeps what is known up to here, for who opens the log next. For the thread
  // that appends.
  absl::Status KeepCheckpoint();

  absl::Status Read(int64_t first_commit, VisitCommit visit) const override {
    return store_->Read(first_commit, visit);
  }
  absl::StatusOr<ChainEnds> Ends() const override { return store_->Ends(); }

 private:
  // What an Append has tried to add.
  struct Addition {
    LedgerEnd end;
    std::string texts;
    std::string notes;
  };

  LedgerLog(std::unique_ptr<CommitStore> store, const Following& following)
      : store_(std::move(store)),
        checkpoint_entries_(following.checkpoint_entries),
        followed_(following.state) {}

  // Append, into this chain.
  absl::Status AppendHere(absl::Span<const UnchainedEntry* const> entries,
                          absl::Time time);
  absl::Status FollowFromCheckpoint();
  // Checks a commit behind the checkpoint, and follows it.
  absl::Status FollowCommit(const LedgerCommit& commit, ChainCheck* check,
                            DispatchNoteCheck* notes);
  // That the dispatches, which are open since before the checkpoint, are in the
  // commits up to this one, and that what is known of them is what they were
  // written with.
  absl::Status CheckOpenBefore(int64_t last_commit,
                               std::set<std::string> ids) const;
  // So far it is committed, and followed.
  void EndAt(LedgerEnd end);
  // Records what is gone if the chain ends here.
  void RecordCut(const LedgerEnd& end);
  // After ABORTED. Returns whether what was attempted is in the chain that
  // was left. An error leaves it open: where the next chain is damaged, or
  // another's by now, the next attempt goes on with one more.
  absl::StatusOr<bool> MoveToAnotherChain();
  // The part of it that is done once: takes another chain.
  absl::Status LeaveChain();
  absl::StatusOr<bool> IsThere(const Addition& attempted) const;
  absl::Status Damaged(std::string_view commit, std::string_view what) const;
  // What cannot be read is damage.
  absl::Status AsDamage(const absl::Status& followed) const;

  const std::unique_ptr<CommitStore> store_;
  const int64_t checkpoint_entries_;
  LedgerEnd end_;
  FollowedState followed_;
  int64_t entries_at_checkpoint_ = 0;
  // Of an Append that failed, until that is settled.
  std::optional<Addition> attempted_;
  // The chain may have been cut off behind somebody's back.
  bool is_doubtful_ = false;
  std::optional<Cut> cut_;
  // The chain was taken over, and there is no other yet.
  bool is_without_chain_ = false;
  // There is another, whose end is not known yet: what was attempted is in the
  // one that was left.
  std::optional<bool> was_there_;
  // And the log cannot go on in that one.
  bool is_next_unusable_ = false;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_LOG_H_
