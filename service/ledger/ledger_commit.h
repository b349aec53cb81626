// What a ledger consists of - commits, in the order of a chain - and where
// somebody reads them from.
//
//   const absl::Status read = commits.Read(1, [&](const LedgerCommit& commit) {
//     ForEachEntry(commit.texts, [&](std::string_view entry) { ... });
//     return absl::OkStatus();
//   });
//
// Thread-safe: plain functions; a CommitSource as it says.

#ifndef SERVICE_LEDGER_LEDGER_COMMIT_H_
#define SERVICE_LEDGER_LEDGER_COMMIT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

// What was committed together.
struct LedgerCommit {
  int64_t number = 0;       // From 1 on, without a gap.
  int64_t first_entry = 0;  // The number of its first entry, from 1 on.
  int64_t entries = 0;
  absl::Time time;
  std::string_view texts;  // Of its entries, each with a newline behind it.
  std::string_view notes;  // Of its entries (dispatch_note.h).
  // What is kept beside the entries of the hash that they end with, if it is.
  std::optional<std::string_view> last_hash;
};

// Where a chain ends.
struct LedgerEnd {
  int64_t commits = 0;
  int64_t entries = 0;
  std::string hash;  // Of the last entry; empty if there is none.

  bool operator==(const LedgerEnd&) const = default;
};

// Visits the entries of a commit's texts, in their order.
void ForEachEntry(std::string_view texts,
                  absl::FunctionRef<void(std::string_view entry)> visit);

// Where a chain says to end, and where the commits do that are stored, at one
// moment.
struct ChainEnds {
  LedgerEnd said;
  LedgerEnd stored;
};

using VisitCommit = absl::FunctionRef<absl::Status(const LedgerCommit& commit)>;

// The commits of one chain. Read by any thread, which blocks.
class CommitSource {
 public:
  virtual ~CommitSource() = default;

  // Visits commits in their order from the one of this number on, as there were
  // when it was called, until `visit` fails. DATA_LOSS if one is missing,
  // FAILED_PRECONDITION if it is in an archive; other errors are those of what
  // holds them.
  virtual absl::Status Read(int64_t first_commit, VisitCommit visit) const = 0;

  // Where what was taken into archives ends (postgres_archive.h): the first
  // commit that can be read is the one behind. Of a file that is its beginning.
  virtual absl::StatusOr<LedgerEnd> Archived() const { return LedgerEnd(); }

  // Where it ends, if that is said beside the commits: behind the end that the
  // chain itself names there must be none. Both are empty if it is not said.
  virtual absl::StatusOr<ChainEnds> Ends() const { return ChainEnds(); }
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_COMMIT_H_
