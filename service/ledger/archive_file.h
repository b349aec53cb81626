// Files of archives (archived_piece.h), as they are written and as they are
// checked again.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<ArchiveWriter> writer,
//       ArchiveWriter::Begin(folder, {.chain = "1", .month = "2026-08",
//                                     .first_commit = 1, .first_entry = 1}));
//   GATEWAY_RETURN_IF_ERROR(writer->Add(commit));
//   GATEWAY_ASSIGN_OR_RETURN(const ArchivedPiece piece, writer->Finish());
//   ...
//   GATEWAY_ASSIGN_OR_RETURN(const std::string fault,
//                            FaultOfPiece(folder, piece, {}));
//
// Thread-compatible; blocks on the disk. For files that cannot be written or
// read the errors are what the system says, with the path.

#ifndef SERVICE_LEDGER_ARCHIVE_FILE_H_
#define SERVICE_LEDGER_ARCHIVE_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/ledger/archived_piece.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/merkle.h"

namespace gateway {

// The SHA-256 of bytes that come one after the other.
class RunningSha256 {
 public:
  RunningSha256();
  ~RunningSha256();
  RunningSha256(const RunningSha256&) = delete;
  RunningSha256& operator=(const RunningSha256&) = delete;

  void Add(std::string_view bytes);
  // In hexadecimal digits; once.
  std::string Finish();

 private:
  void* const context_;
};

class ArchiveWriter {
 public:
  // Of the piece its chain, its month and where it begins are known, and the
  // folder is there.
  static absl::StatusOr<std::unique_ptr<ArchiveWriter>> Begin(
      const std::string& folder, ArchivedPiece piece);
  ~ArchiveWriter();

  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // DATA_LOSS if an entry is not what was written.
  absl::Status Add(const LedgerCommit& commit);

  // The file, and then the manifest, are on the disk for good; what had their
  // names is replaced. `on_file` is called between the two. REQUIRES: something
  // was added.
  absl::StatusOr<ArchivedPiece> Finish(absl::FunctionRef<void()> on_file);

 private:
  ArchiveWriter(const std::string& folder, ArchivedPiece piece, int file);

  absl::Status Flush();

  const std::string folder_;
  const std::string draft_;
  ArchivedPiece piece_;
  int file_;
  std::string buffer_;
  RunningSha256 sha256_;
  ChainCheck check_;
  RunningMerkleRoot merkle_;
};

// Returns what is wrong with a piece in a folder, beginning with the path of
// the manifest or the file; empty if nothing is. `joined` are hashes of entries
// of this chain, by their numbers, as joins have seen them.
absl::StatusOr<std::string> FaultOfPiece(
    const std::string& folder, const ArchivedPiece& recorded,
    const std::map<int64_t, std::string>& joined);

// The pieces that the manifests in a folder tell of, in the order of chains and
// their entries.
absl::StatusOr<std::vector<ArchivedPiece>> PiecesIn(const std::string& folder);

// Visits the lines of a piece, with the numbers of their entries.
absl::Status VisitPiece(
    const std::string& folder, const ArchivedPiece& piece,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ARCHIVE_FILE_H_
