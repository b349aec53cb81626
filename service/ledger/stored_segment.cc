#include "service/ledger/stored_segment.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "service/ledger/index_pieces.h"

namespace gateway {
namespace {

// "LMI" and the kind: the index of a ledger.
constexpr int32_t kIndexApplicationId = 0x4c4d4901;

// Pieces of one group are side by side, in the order of their segments.
constexpr SqlText kMakeIndex = R"sql(
  CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL,
    first_time_us INTEGER NOT NULL,
    last_time_us INTEGER NOT NULL,
    last_commit INTEGER NOT NULL,
    last_hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE pieces (
    place INTEGER PRIMARY KEY,  -- The group, and in 32 bits the segment.
    piece BLOB NOT NULL
  ) STRICT;
)sql";

// A write that was said to have failed may have come to be, and is done again.
constexpr SqlText kAddSegment =
    "INSERT OR REPLACE INTO segments (number, entries, first_time_us, "
    "last_time_us, "
    "last_commit, last_hash) VALUES (?, ?, ?, ?, ?, ?)";
constexpr SqlText kAddPiece =
    "INSERT OR REPLACE INTO pieces (place, piece) VALUES (?, ?)";
constexpr SqlText kLoadSegments =
    "SELECT number, entries, first_time_us, last_time_us, last_commit, "
    "last_hash FROM segments ORDER BY number";
constexpr SqlText kLoadPiece = "SELECT piece FROM pieces WHERE place = ?";

int64_t PlaceOf(int64_t group, int64_t segment) {
  return (group << 32) | segment;
}

absl::Status Missing(const SqliteConnection& db, int64_t segment) {
  return absl::DataLossError(absl::StrCat(
      db.path(), ": a piece of the segment ", segment, " is not there"));
}

}  // namespace

size_t StoredSegment::Pieces::bytes() const {
  size_t bytes = 0;
  for (const auto& [group, piece] : pieces) bytes += piece.size();
  return bytes;
}

SqliteSchema StoredSegment::Schema() {
  return {.contents = "index of a ledger",
          .application_id = kIndexApplicationId,
          .migrations = {kMakeIndex}};
}

StoredSegment::Pieces StoredSegment::PiecesOf(int64_t number,
                                              const GrowingSegment& segment,
                                              const std::string& last_hash) {
  Pieces pieces{.number = number,
                .entries = static_cast<int64_t>(segment.size()),
                .span = segment.times(),
                .last_commit = segment.commits().CommitOf(
                    static_cast<uint32_t>(segment.size() - 1)),
                .last_hash = last_hash};
  segment.EachPiece([&](int64_t group, std::string piece) {
    pieces.pieces.emplace_back(group, std::move(piece));
  });
  return pieces;
}

absl::Status StoredSegment::Write(SqliteConnection& db, const Pieces& pieces) {
  for (const auto& [group, piece] : pieces.pieces) {
    GATEWAY_RETURN_IF_ERROR(db.Prepare(kAddPiece)
                                .BindInt64(PlaceOf(group, pieces.number))
                                .BindBlob(piece)
                                .Run());
  }
  return db.Prepare(kAddSegment)
      .BindInt64(pieces.number)
      .BindInt64(pieces.entries)
      .BindInt64(pieces.span.first_us)
      .BindInt64(pieces.span.last_us)
      .BindInt64(pieces.last_commit)
      .BindText(pieces.last_hash)
      .Run();
}

absl::StatusOr<StoredSegment::End> StoredSegment::ReadEnd(
    SqliteConnection& db, size_t segment_entries) {
  End end;
  SqliteStatement select = db.Prepare(kLoadSegments);
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return end;
    if (select.Int64(0) != static_cast<int64_t>(end.spans.size())) {
      return Missing(db, static_cast<int64_t>(end.spans.size()));
    }
    if (select.Int64(1) != static_cast<int64_t>(segment_entries)) {
      return absl::DataLossError(absl::StrCat(db.path(), ": a segment has ",
                                              select.Int64(1), " entries, not ",
                                              segment_entries));
    }
    end.spans.push_back(
        {.first_us = select.Int64(2), .last_us = select.Int64(3)});
    end.last_commit = select.Int64(4);
    end.last_hash = select.Text(5);
  }
}

absl::StatusOr<std::vector<uint32_t>> StoredSegment::Posted(size_t posting,
                                                            uint32_t text) {
  SqliteStatement select = db_.Prepare(kLoadPiece);
  select.BindInt64(PlaceOf(PostingGroup(posting, BucketOf(text)), number_));
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  // Empty buckets are not kept.
  if (!found) return std::vector<uint32_t>();
  return PlacesOf(select.Blob(0), text, entries_);
}

absl::StatusOr<absl::Span<const uint32_t>> StoredSegment::Column(
    size_t column) {
  if (columns_[column].empty()) {
    SqliteStatement select = db_.Prepare(kLoadPiece);
    select.BindInt64(PlaceOf(ColumnGroup(column), number_));
    GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return Missing(db_, number_);
    GATEWAY_ASSIGN_OR_RETURN(columns_[column],
                             ColumnOf(select.Blob(0), entries_));
  }
  return absl::MakeConstSpan(columns_[column]);
}

absl::StatusOr<absl::Span<const int64_t>> StoredSegment::Times() {
  if (times_.empty()) {
    SqliteStatement select = db_.Prepare(kLoadPiece);
    select.BindInt64(PlaceOf(kTimesGroup, number_));
    GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return Missing(db_, number_);
    GATEWAY_ASSIGN_OR_RETURN(times_, TimesOf(select.Blob(0), entries_));
  }
  return absl::MakeConstSpan(times_);
}

absl::StatusOr<CommitStarts> StoredSegment::Commits() {
  SqliteStatement select = db_.Prepare(kLoadPiece);
  select.BindInt64(PlaceOf(kCommitsGroup, number_));
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return Missing(db_, number_);
  return CommitsOf(select.Blob(0));
}

}  // namespace gateway
