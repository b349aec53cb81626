// StoredSegment is a segment of a ledger's index in the index's file, of which
// it reads the pieces that a search asks for.
//
//   GATEWAY_RETURN_IF_ERROR(StoredSegment::Write(
//       db, StoredSegment::PiecesOf(7, growing, last_hash)));
//   StoredSegment segment(db, 7, 65536, span);
//   ... FindInSegment(segment, terms, 0, 65535) ...
//
// Errors are those of SqliteStatement; DATA_LOSS for a piece that is missing or
// not what was written.
//
// Thread-compatible; blocks on the file system.

#ifndef SERVICE_LEDGER_STORED_SEGMENT_H_
#define SERVICE_LEDGER_STORED_SEGMENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/ledger/index_segment.h"
#include "service/store/sqlite_connection.h"
#include "service/store/sqlite_schema.h"

namespace gateway {

class StoredSegment final : public IndexSegment {
 public:
  // What is written of one.
  struct Pieces {
    int64_t number = 0;  // From 0 on.
    int64_t entries = 0;
    TimeSpan span;
    int64_t last_commit = 0;
    std::string last_hash;                                // Of the last entry.
    std::vector<std::pair<int64_t, std::string>> pieces;  // By their groups.

    size_t bytes() const;
  };
  // What a file has.
  struct End {
    std::vector<TimeSpan> spans;  // Of its segments.
    int64_t last_commit = 0;
    std::string last_hash;
  };

  static SqliteSchema Schema();
  static Pieces PiecesOf(int64_t number, const GrowingSegment& segment,
                         const std::string& last_hash);
  static absl::Status Write(SqliteConnection& db, const Pieces& pieces);
  // DATA_LOSS if the segments do not have as many entries each.
  static absl::StatusOr<End> ReadEnd(SqliteConnection& db,
                                     size_t segment_entries);

  StoredSegment(SqliteConnection& db, int64_t number, size_t entries,
                const TimeSpan& span)
      : db_(db), number_(number), entries_(entries), span_(span) {}

  TimeSpan times() const override { return span_; }
  absl::StatusOr<std::vector<uint32_t>> Posted(size_t posting,
                                               uint32_t text) override;
  absl::StatusOr<absl::Span<const uint32_t>> Column(size_t column) override;
  absl::StatusOr<absl::Span<const int64_t>> Times() override;
  absl::StatusOr<CommitStarts> Commits();

 private:
  SqliteConnection& db_;
  const int64_t number_;
  const size_t entries_;
  const TimeSpan span_;
  // What was read.
  std::array<std::vector<uint32_t>, kIndexColumns> columns_;
  std::vector<int64_t> times_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_STORED_SEGMENT_H_
