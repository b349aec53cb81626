// LedgerLog is the ledger as a file: entries in the order of their chain, in an
// SQLite database of their own, of which one row holds all that was committed
// together.
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
// Nothing is ever changed or removed. Who opens the file anew reads its last
// commit, and finds it whole or is told; all of it is for ChainCheck. As a file
// of SqliteDatabase it is its owner's alone, and one process appends.
//
// Thread contract: Append by one thread, which blocks on the disk; Read by any,
// beside it. Not for event loops.

#ifndef SERVICE_LEDGER_LEDGER_LOG_H_
#define SERVICE_LEDGER_LEDGER_LOG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_state.h"
#include "service/store/sqlite_database.h"

namespace gateway {

// What was committed together.
struct LedgerCommit {
  int64_t number = 0;       // From 1 on, without a gap.
  int64_t first_entry = 0;  // The number of its first entry, from 1 on.
  int64_t entries = 0;
  absl::Time time;
  std::string_view texts;  // Of its entries, each with a newline behind it.
  std::string_view notes;  // Of its entries (dispatch_note.h).
};

// Where a chain ends.
struct LedgerEnd {
  int64_t commits = 0;
  int64_t entries = 0;
  std::string hash;  // Of the last entry; empty if there is none.
};

// Visits the entries of a commit's texts, in their order.
void ForEachEntry(std::string_view texts,
                  absl::FunctionRef<void(std::string_view entry)> visit);

using VisitCommit = absl::FunctionRef<absl::Status(const LedgerCommit& commit)>;

// Visits all commits of a ledger's file, which is only read, as there were when
// it was called, until `visit` fails. A gateway may go on writing it. Blocks.
// Errors are those of SqliteConnection::Open and CheckSchema.
absl::Status ReadLedgerFile(const std::string& path, VisitCommit visit);

class LedgerLog {
 public:
  struct Options {
    std::string path;  // In a folder that is there.
    // As of SqliteDatabase.
    SqliteSync sync = SqliteSync::kFull;
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(5);
    // Told what the ledger says of budgets, and what it said; may be null.
    // Borrowed.
    LedgerState* state = nullptr;
    // A checkpoint is kept each time that so many entries were appended: what
    // is behind the last one is read, and checked, when the file is opened.
    int64_t checkpoint_entries = 50'000;
  };

  // Blocks. Errors are those of SqliteDatabase::Open; DATA_LOSS if something
  // behind the last checkpoint, or the last commit, is not what was written,
  // or the state cannot make anything of it.
  static absl::StatusOr<std::unique_ptr<LedgerLog>> Open(
      const Options& options);

  // What its file holds.
  static SqliteSchema Schema();

  // Chains the entries behind the last one, in their order, and commits them:
  // all are on the disk, or, with one of the errors of SqliteDatabase, all are
  // there or none is, which Settle finds out. REQUIRES: there is at least one,
  // and an Append that failed was settled.
  absl::Status Append(absl::Span<const UnchainedEntry* const> entries,
                      absl::Time time);

  // Finds out whether the entries of an Append that failed are there all the
  // same, and where the next ones go. An error leaves it open. False if none
  // has failed. For the thread that appends.
  absl::StatusOr<bool> Settle();

  // As of the last Append, or Settle. For the thread that appends.
  const LedgerEnd& end() const { return end_; }

  // The dispatches whose exchange is not there. For the thread that appends.
  const OpenDispatches& open_dispatches() const { return open_; }

  // Keeps what is known up to here, for who opens the file next. For the thread
  // that appends.
  absl::Status KeepCheckpoint();

  // Visits commits in their order from the one of this number on, as there were
  // when it was called, until `visit` fails.
  absl::Status Read(int64_t first_commit, VisitCommit visit) const;

 private:
  // What an Append has tried to add.
  struct Addition {
    LedgerEnd end;
    std::string texts;
    std::string notes;
  };

  LedgerLog(std::unique_ptr<SqliteDatabase> database, const Options& options)
      : database_(std::move(database)),
        state_(options.state),
        checkpoint_entries_(options.checkpoint_entries) {}

  absl::Status FollowFromCheckpoint();
  absl::Status Follow(std::string_view texts, std::string_view notes);
  // It is committed.
  void Take(Addition addition);

  const std::unique_ptr<SqliteDatabase> database_;
  LedgerState* const state_;
  const int64_t checkpoint_entries_;
  LedgerEnd end_;
  OpenDispatches open_;
  int64_t entries_at_checkpoint_ = 0;
  // Of an Append that failed, until that is settled.
  std::optional<Addition> attempted_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_LOG_H_
