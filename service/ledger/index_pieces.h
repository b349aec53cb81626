// How a segment of a ledger's index is kept: as pieces of bytes, each of a
// group, which is a column, the times, the commits, or a bucket of postings.
// Each ends in a sum over all of it, by which a damaged one is known.
//
//   const std::string piece = PieceOf(column);
//   GATEWAY_ASSIGN_OR_RETURN(const std::vector<uint32_t> read,
//                            ColumnOf(piece, 65536));
//
// Numbers are as this machine has them: an index is made anew rather than
// moved.
//
// Thread-safe: plain functions. What is damaged is DATA_LOSS.

#ifndef SERVICE_LEDGER_INDEX_PIECES_H_
#define SERVICE_LEDGER_INDEX_PIECES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/ledger/index_segment.h"

namespace gateway {

// Which texts entries have, by one another.
struct PostingBucket {
  std::vector<uint32_t> texts;
  std::vector<uint16_t> places;
};

constexpr size_t BucketOf(uint32_t text) { return text >> 24; }

constexpr int64_t PostingGroup(size_t posting, size_t bucket) {
  return static_cast<int64_t>(posting * kIndexBuckets + bucket);
}
constexpr int64_t ColumnGroup(size_t column) {
  return static_cast<int64_t>(kIndexPostings * kIndexBuckets + column);
}
inline constexpr int64_t kTimesGroup = ColumnGroup(kIndexColumns);
inline constexpr int64_t kCommitsGroup = kTimesGroup + 1;

std::string PieceOf(const PostingBucket& bucket);
std::string PieceOf(absl::Span<const uint32_t> column);
std::string PieceOf(absl::Span<const int64_t> times);
std::string PieceOf(const CommitStarts& commits);

// The places of a text, in their order, all below `entries`.
absl::StatusOr<std::vector<uint32_t>> PlacesOf(std::string_view piece,
                                               uint32_t text, size_t entries);
// Of as many entries.
absl::StatusOr<std::vector<uint32_t>> ColumnOf(std::string_view piece,
                                               size_t entries);
absl::StatusOr<std::vector<int64_t>> TimesOf(std::string_view piece,
                                             size_t entries);
absl::StatusOr<CommitStarts> CommitsOf(std::string_view piece);

}  // namespace gateway

#endif  // SERVICE_LEDGER_INDEX_PIECES_H_
