// LedgerCheck verifies a ledger commit by commit: that none is missing, that
// each has the entries that it says, that these are what was written
// (chain_check.h), and so is what is kept beside them (note_check.h). It ends
// at the first entry that is not.
//
//   LedgerCheck check;
//   const absl::Status read = log.Read(1, [&](const LedgerCommit& commit) {
//     return check.Add(commit);
//   });
//   if (!check.AddFailure(read)) check.End();
//   if (!check.valid()) Report(check.broken_entry(), check.problem());
//
// It costs a SHA-256 of each entry and of its note, and one of each pair of
// hashes.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_LEDGER_CHECK_H_
#define SERVICE_LEDGER_LEDGER_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/merkle.h"
#include "service/ledger/note_check.h"

namespace gateway {

class LedgerCheck {
 public:
  LedgerCheck() = default;
  // Begins behind an entry whose hash is taken for granted. What of a commit is
  // before that is passed over.
  LedgerCheck(int64_t after_entry, std::string hash)
      : after_entry_(after_entry),
        last_entry_(after_entry),
        chain_(std::move(hash)) {}

  // OK if all is well with it; else ABORTED, and nothing more is to be added.
  absl::Status Add(const LedgerCommit& commit);

  // Takes what reading has failed with: DATA_LOSS says that the next entry is
  // not there, or cannot be read. Returns whether it was that.
  bool AddFailure(const absl::Status& read);

  // All was added that there is: what is missing then is a problem.
  void End();

  int64_t checked_entries() const { return last_entry_ - after_entry_; }
  uint64_t checked_bytes() const { return bytes_; }
  bool valid() const { return broken_entry_ == 0; }
  // The number of the first entry that is not what was written; 0 if there is
  // none.
  int64_t broken_entry() const { return broken_entry_; }
  // Its id, if it can be read.
  const std::string& broken_id() const { return broken_id_; }
  // What is wrong with it, for people.
  const std::string& problem() const { return problem_; }

  const std::string& last_hash() const { return chain_.last_hash(); }
  // Dispatches that were checked, and have no exchange.
  int64_t open_dispatches() const { return notes_.open_dispatches(); }
  // Of the hashes of the entries that were checked.
  std::string merkle_root() const { return merkle_.Root(); }

 private:
  absl::Status Break(int64_t entry, std::string id, std::string problem);
  absl::Status CheckNotes(const LedgerCommit& commit);

  int64_t after_entry_ = 0;
  int64_t last_entry_ = 0;   // That was checked.
  int64_t last_commit_ = 0;  // 0 before the first.
  uint64_t bytes_ = 0;
  ChainCheck chain_;
  DispatchNoteCheck notes_;
  RunningMerkleRoot merkle_;
  int64_t broken_entry_ = 0;
  std::string broken_id_;
  std::string problem_;
};

// Where a commit is among the entries.
struct CommitPlace {
  int64_t number = 0;  // 0 if there is none.
  int64_t first_entry = 0;
  int64_t entries = 0;

  int64_t last_entry() const { return first_entry + entries - 1; }
};

// Finds the last commit of a ledger, in some dozens of short reads. One that is
// written on may have more by then. Of one that is all in archives the place
// has no entries. Blocks.
absl::StatusOr<CommitPlace> LastCommitOf(const CommitSource& log);

// Finds the commit of an entry, the same way. NOT_FOUND if there is none,
// FAILED_PRECONDITION if it is in an archive.
absl::StatusOr<CommitPlace> CommitOfEntry(const CommitSource& log,
                                          int64_t entry);

// Returns an entry's text, by its number. Errors are those of CommitOfEntry.
absl::StatusOr<std::string> EntryText(const CommitSource& log, int64_t entry);

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_CHECK_H_
