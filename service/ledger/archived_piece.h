// A piece of an archive: what one month has of one chain, as lines of JSON in a
// file, and the manifest beside it, which says what is in there.
//
//   chain-1.2026-08.1-2401.jsonl            the entries 1 to 2401
//   chain-1.2026-08.1-2401.manifest.json
//
// A piece follows the one before as an entry does: its first entry names the
// last hash of that. The Merkle root is over the hashes of its entries
// (merkle.h).
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_ARCHIVED_PIECE_H_
#define SERVICE_LEDGER_ARCHIVED_PIECE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

struct ArchivedPiece {
  std::string chain;
  std::string month;  // As in `2026-08`.
  int64_t first_commit = 0;
  int64_t last_commit = 0;
  int64_t first_entry = 0;
  int64_t last_entry = 0;
  // Of the entry before the first; empty if there is none.
  std::string hash_before;
  std::string last_hash;
  std::string merkle_root;
  // Without a folder.
  std::string file;
  int64_t file_bytes = 0;
  std::string file_sha256;

  int64_t entries() const { return last_entry - first_entry + 1; }
  // The name of the file, by what is in it.
  std::string FileName() const;
  // Of the manifest beside the file.
  std::string ManifestName() const;
};

// What the names of all manifests end with.
inline constexpr std::string_view kManifestEnding = ".manifest.json";

// The manifest, with a newline at its end.
std::string ManifestText(const ArchivedPiece& piece);

// Reads what ManifestText has written. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<ArchivedPiece> ReadManifest(std::string_view text);

// How what a manifest says differs from what was recorded: `last_hash is "a",
// and was recorded as "b"`; empty if it does not.
std::string DifferenceOf(const ArchivedPiece& said,
                         const ArchivedPiece& recorded);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ARCHIVED_PIECE_H_
