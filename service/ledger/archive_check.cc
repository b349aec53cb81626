#include "service/ledger/archive_check.h"

#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "service/ledger/archive_file.h"

namespace gateway {
namespace {

// The hashes of a chain's entries, by their numbers.
using JoinedHashes = std::map<int64_t, std::string>;

// What joins have seen of what is in archives, by chains.
absl::StatusOr<std::map<std::string, JoinedHashes>> JoinedOf(
    absl::Span<const ArchivedPiece> recorded, const JoinSource* joins) {
  std::map<std::string, JoinedHashes> joined;
  if (joins == nullptr) return joined;
  std::map<std::string, int64_t> ends;
  for (const ArchivedPiece& piece : recorded) {
    ends[piece.chain] = piece.last_entry;
  }
  GATEWAY_RETURN_IF_ERROR(
      joins->ReadJoins(1, [&](const StoredJoin& stored) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(const LedgerJoin join, ReadJoin(stored.text));
        for (const ChainHead& head : join.heads) {
          const auto end = ends.find(head.chain);
          if (end == ends.end() || head.end.entries > end->second) continue;
          joined[head.chain].emplace(head.end.entries, head.end.hash);
        }
        return absl::OkStatus();
      }));
  return joined;
}

// What of a piece does not follow the one before; empty if all does.
std::string WhyNotFollowing(const ArchivedPiece* before,
                            const ArchivedPiece& piece) {
  const bool is_first = before == nullptr || before->chain != piece.chain;
  const int64_t last = is_first ? 0 : before->last_entry;
  const std::string hash = is_first ? "" : before->last_hash;
  if (piece.first_entry == last + 1 && piece.hash_before == hash) return {};
  return absl::StrCat(piece.file, ": was recorded to begin with the entry ",
                      piece.first_entry, " behind the hash \"",
                      piece.hash_before, "\", and ", last + 1, " behind \"",
                      hash, "\" was to come: a record was altered or is gone");
}

}  // namespace

absl::StatusOr<ArchivesChecked> CheckArchives(
    const std::string& folder, absl::Span<const ArchivedPiece> recorded,
    const JoinSource* joins) {
  GATEWAY_ASSIGN_OR_RETURN(const auto joined, JoinedOf(recorded, joins));
  const JoinedHashes none;
  ArchivesChecked checked;
  const ArchivedPiece* before = nullptr;
  for (const ArchivedPiece& piece : recorded) {
    checked.chain = piece.chain;
    checked.fault = WhyNotFollowing(before, piece);
    if (!checked.fault.empty()) return checked;
    const auto of_chain = joined.find(piece.chain);
    GATEWAY_ASSIGN_OR_RETURN(
        checked.fault,
        FaultOfPiece(folder, piece,
                     of_chain == joined.end() ? none : of_chain->second));
    if (!checked.fault.empty()) return checked;
    ++checked.files;
    checked.entries += piece.entries();
    before = &piece;
  }
  checked.chain.clear();
  return checked;
}

}  // namespace gateway
