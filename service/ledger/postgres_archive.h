// ArchiveMonths takes whole months out of a ledger in PostgreSQL: it writes
// what each chain has of them into files (archived_piece.h), records what is in
// these, and drops the months' partitions.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const ArchivedMonths archived,
//       ArchiveMonths(ledger, {.before = "2026-09", .folder = "archive",
//       ...}));
//
// All of the ledger is verified first, and the files are read again from the
// disk before anything is dropped. What is recorded and what is dropped is one
// transaction: killed at any moment, it has done both or neither, and is run
// again. Files of a run that was killed are written anew.
//
// Gateways go on meanwhile: who appends waits for the moment in which a
// partition is detached, and that is given up and tried again if somebody
// reads for longer. What a start needs of a chain - its open dispatches, and
// what its budgets have come to - is kept as a checkpoint where there is none
// behind the archive.
//
// Thread-safe: a plain function. Blocks, for as long as the months take.

#ifndef SERVICE_LEDGER_POSTGRES_ARCHIVE_H_
#define SERVICE_LEDGER_POSTGRES_ARCHIVE_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/ledger/archived_piece.h"
#include "service/ledger/ledger_state.h"
#include "service/ledger/postgres_ledger.h"

namespace gateway {

struct ArchiveOptions {
  // Months before this one, as in `2026-09`, which has begun.
  std::string before;
  // Made if it is not there; its owner's alone.
  std::string folder;
  // What the ledger keeps of budgets; one for each chain.
  std::function<std::unique_ptr<LedgerState>()> new_state;
  // Told of each step that is done; may be empty.
  std::function<void(std::string_view step)> on_step;
};

struct ArchivedMonths {
  std::vector<ArchivedPiece> pieces;
  std::vector<std::string> partitions;  // That were dropped.
};

// INVALID_ARGUMENT for a month that is none or has not begun. DATA_LOSS if the
// ledger is not what was written, or a file is not what was written a moment
// ago. FAILED_PRECONDITION if another archives at this moment, or a chain has
// commits of these months behind later ones, as of a clock that was put back.
// ABORTED if something was written into these months meanwhile. Others are
// those of PostgresConnection and of files.
absl::StatusOr<ArchivedMonths> ArchiveMonths(const PostgresLedger& ledger,
                                             const ArchiveOptions& options);

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_ARCHIVE_H_
