// What the index of a ledger (ledger_index.h) knows of its entries: a segment
// has so many of them, in columns, of which a search reads those that it asks
// about.
//
//   EntryDigester digester;
//   GrowingSegment segment(65536);
//   segment.Add(digester.Digest(facts), commit);
//   ...
//   GATEWAY_ASSIGN_OR_RETURN(
//       const std::vector<uint32_t> found,
//       FindInSegment(segment, TermsOf(filter), 0, segment.size() - 1));
//
// A text is known by 32 bits of its SHA-256: what is found by them is compared
// with the entry itself by whoever has that. What has a few values - types,
// models, callers - is a column of a number for each entry, 4 bytes of it; what
// nearly each entry has one of its own of - ids, requests, sessions,
// submissions - are postings: which entries have it, in kBuckets by the first
// bits.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_INDEX_SEGMENT_H_
#define SERVICE_LEDGER_INDEX_SEGMENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_filter.h"

namespace gateway {

inline constexpr size_t kIndexColumns = 6;  // EntryDigest::columns.
inline constexpr size_t kIndexPostings = 4;
inline constexpr size_t kIndexBuckets = 256;
// Places in a segment have 16 bits.
inline constexpr size_t kSegmentEntriesMax = 65536;

// What stands for a text that an entry does not have.
inline constexpr uint32_t kNoText = 0;

// An entry, in numbers.
struct EntryDigest {
  // Of the type, decision, agent, caller, provider and model.
  std::array<uint32_t, kIndexColumns> columns{};
  // Of the id, request, session and submission.
  std::array<uint32_t, kIndexPostings> postings{};
  // Microseconds since 1970; the least there is without a time.
  int64_t time_us = std::numeric_limits<int64_t>::min();
};

// Remembers texts that come again and again.
class EntryDigester {
 public:
  EntryDigest Digest(const EntryFacts& facts);

 private:
  uint32_t Known(const std::string& text);

  absl::flat_hash_map<std::string, uint32_t> known_;
};

// A filter, in the same numbers.
struct IndexTerms {
  // Any of these; whatever it is, if there is none.
  std::array<std::vector<uint32_t>, kIndexColumns> columns;
  std::array<uint32_t, kIndexPostings> postings{};  // kNoText: whatever it is.
  int64_t start_us = std::numeric_limits<int64_t>::min();
  int64_t end_us = std::numeric_limits<int64_t>::max();  // Itself not.

  bool has_postings() const;
  bool has_columns() const;
};

IndexTerms TermsOf(const LedgerFilter& filter);

// The times of a segment's entries.
struct TimeSpan {
  int64_t first_us = std::numeric_limits<int64_t>::max();
  int64_t last_us = std::numeric_limits<int64_t>::min();

  bool Overlaps(const IndexTerms& terms) const {
    return last_us >= terms.start_us && first_us < terms.end_us;
  }
  bool IsWithin(const IndexTerms& terms) const {
    return first_us >= terms.start_us && last_us < terms.end_us;
  }
};

// A segment as a search reads it. Errors are those of where it is kept. What is
// returned is valid as long as the segment is not changed.
class IndexSegment {
 public:
  virtual ~IndexSegment() = default;

  virtual TimeSpan times() const = 0;
  // The places, from 0 on and in their order, of entries with that text.
  virtual absl::StatusOr<std::vector<uint32_t>> Posted(size_t posting,
                                                       uint32_t text) = 0;
  // A number for each entry.
  virtual absl::StatusOr<absl::Span<const uint32_t>> Column(size_t column) = 0;
  virtual absl::StatusOr<absl::Span<const int64_t>> Times() = 0;
};

// Returns the places of the entries that have what is asked for, in their
// order, of those from `first` to `last`.
absl::StatusOr<std::vector<uint32_t>> FindInSegment(IndexSegment& segment,
                                                    const IndexTerms& terms,
                                                    uint32_t first,
                                                    uint32_t last);

// In which commits the entries of a segment are: commits have no gap, and so
// what is kept is the first one and where the next ones begin.
struct CommitStarts {
  int64_t first_commit = 0;
  std::vector<uint32_t> starts;  // The places, from the second commit on.

  int64_t CommitOf(uint32_t place) const;
};

// One that is being filled, in memory.
class GrowingSegment final : public IndexSegment {
 public:
  explicit GrowingSegment(size_t entries_max);

  // REQUIRES: it is not full; `commit` is the one of the last entry, or the
  // next.
  void Add(const EntryDigest& digest, int64_t commit);
  // As it was made; what it takes of memory is for the next entries.
  void Clear();

  size_t size() const { return times_.size(); }
  bool is_full() const { return size() == entries_max_; }
  const CommitStarts& commits() const { return commits_; }

  TimeSpan times() const override { return span_; }
  absl::StatusOr<std::vector<uint32_t>> Posted(size_t posting,
                                               uint32_t text) override;
  absl::StatusOr<absl::Span<const uint32_t>> Column(size_t column) override;
  absl::StatusOr<absl::Span<const int64_t>> Times() override;

  // Visits all pieces that it is kept as (index_pieces.h), in the order of
  // their groups.
  void EachPiece(
      absl::FunctionRef<void(int64_t group, std::string piece)> visit) const;

 private:
  const size_t entries_max_;
  std::array<std::vector<uint32_t>, kIndexColumns> columns_;
  std::array<std::vector<uint32_t>, kIndexPostings> postings_;
  std::vector<int64_t> times_;
  TimeSpan span_;
  CommitStarts commits_;
  int64_t last_commit_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_INDEX_SEGMENT_H_
