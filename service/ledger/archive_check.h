// CheckArchives verifies the files of archives: that each is there and is what
// was recorded as it was made, that each piece follows the one before, and that
// it has what joins have seen of it. So archives that were written anew are
// found, though files, manifests and records agree.
//
//   GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> recorded,
//                            ledger.Archives());
//   GATEWAY_ASSIGN_OR_RETURN(const ArchivesChecked checked,
//                            CheckArchives("archive", recorded, &ledger));
//   if (!checked.fault.empty()) Report(checked.fault);
//
// It holds a hash for each join and chain whose end was in an archive then.
//
// Thread-safe: a plain function. Blocks on the disk, and on what joins are in.

#ifndef SERVICE_LEDGER_ARCHIVE_CHECK_H_
#define SERVICE_LEDGER_ARCHIVE_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/ledger/archived_piece.h"
#include "service/ledger/ledger_join.h"

namespace gateway {

struct ArchivesChecked {
  int64_t files = 0;
  int64_t entries = 0;
  // What is wrong, and with which file; empty if nothing is.
  std::string fault;
  std::string chain;  // That it is of.
};

// `recorded` is in the order of chains, and of each from its beginning. `joins`
// may be null.
absl::StatusOr<ArchivesChecked> CheckArchives(
    const std::string& folder, absl::Span<const ArchivedPiece> recorded,
    const JoinSource* joins);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ARCHIVE_CHECK_H_
