#include "service/ledger/index_segment.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "service/ledger/index_pieces.h"

namespace gateway {
namespace {

// Of texts that are remembered.
constexpr size_t kKnownTextsMax = 8192;

uint32_t NumberOf(std::string_view text) {
  if (text.empty()) return kNoText;
  const Sha256Digest digest = Sha256(text);
  uint32_t number = 0;
  std::memcpy(&number, digest.data(), sizeof(number));
  return number == kNoText ? 1 : number;
}

int64_t MicrosOf(absl::Time time) {
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  if (time == absl::InfiniteFuture()) {
    return std::numeric_limits<int64_t>::max();
  }
  return absl::ToUnixMicros(time);
}

// The first microsecond that is not before.
int64_t MicrosFrom(absl::Time time) {
  const int64_t micros = MicrosOf(time);
  const bool is_later = time != absl::InfinitePast() &&
                        time != absl::InfiniteFuture() &&
                        absl::FromUnixMicros(micros) < time;
  return is_later ? micros + 1 : micros;
}

bool IsAnyOf(uint32_t number, const std::vector<uint32_t>& numbers) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

using Places = std::vector<uint32_t>;

// The entries of all postings that are asked for; nothing if none are.
absl::StatusOr<std::optional<Places>> FindPosted(IndexSegment& segment,
                                                 const IndexTerms& terms,
                                                 uint32_t first,
                                                 uint32_t last) {
  std::optional<Places> found;
  for (size_t i = 0; i < kIndexPostings; ++i) {
    if (terms.postings[i] == kNoText) continue;
    GATEWAY_ASSIGN_OR_RETURN(Places posted,
                             segment.Posted(i, terms.postings[i]));
    std::erase_if(
        posted, [&](uint32_t place) { return place < first || place > last; });
    if (found.has_value()) {
      Places both;
      std::set_intersection(found->begin(), found->end(), posted.begin(),
                            posted.end(), std::back_inserter(both));
      posted = std::move(both);
    }
    found = std::move(posted);
    if (found->empty()) break;
  }
  return found;
}

Places AllPlaces(uint32_t first, uint32_t last) {
  Places places;
  places.reserve(last - first + 1);
  for (uint32_t place = first; place <= last; ++place) places.push_back(place);
  return places;
}

}  // namespace

EntryDigest EntryDigester::Digest(const EntryFacts& facts) {
  return {.columns = {Known(facts.event_type), Known(facts.decision),
                      Known(facts.agent_id), Known(facts.caller),
                      Known(facts.provider), Known(facts.model)},
          .postings = {NumberOf(facts.id), NumberOf(facts.request_id),
                       Known(facts.session_id), Known(facts.submission_id)},
          .time_us = MicrosOf(facts.time)};
}

uint32_t EntryDigester::Known(const std::string& text) {
  if (text.empty()) return kNoText;
  const auto found = known_.find(text);
  if (found != known_.end()) return found->second;
  if (known_.size() == kKnownTextsMax) known_.clear();
  return known_[text] = NumberOf(text);
}

bool IndexTerms::has_postings() const {
  return std::any_of(postings.begin(), postings.end(),
                     [](uint32_t text) { return text != kNoText; });
}

bool IndexTerms::has_columns() const {
  return std::any_of(columns.begin(), columns.end(),
                     [](const auto& texts) { return !texts.empty(); });
}

IndexTerms TermsOf(const LedgerFilter& filter) {
  IndexTerms terms;
  for (const std::string& type : filter.event_types) {
    terms.columns[0].push_back(NumberOf(type));
  }
  const std::string* const others[] = {&filter.decision, &filter.agent_id,
                                       &filter.caller, &filter.provider,
                                       &filter.model};
  static_assert(std::size(others) + 1 == kIndexColumns);
  for (size_t i = 0; i < std::size(others); ++i) {
    if (others[i]->empty()) continue;
    terms.columns[i + 1].push_back(NumberOf(*others[i]));
  }
  terms.postings = {NumberOf(filter.id), NumberOf(filter.request_id),
                    NumberOf(filter.session_id),
                    NumberOf(filter.submission_id)};
  terms.start_us = MicrosFrom(filter.start_time);
  terms.end_us = MicrosFrom(filter.end_time);
  return terms;
}

absl::StatusOr<std::vector<uint32_t>> FindInSegment(IndexSegment& segment,
                                                    const IndexTerms& terms,
                                                    uint32_t first,
                                                    uint32_t last) {
  const TimeSpan span = segment.times();
  if (first > last || !span.Overlaps(terms)) return Places();
  GATEWAY_ASSIGN_OR_RETURN(std::optional<Places> posted,
                           FindPosted(segment, terms, first, last));
  Places places =
      posted.has_value() ? *std::move(posted) : AllPlaces(first, last);
  for (size_t i = 0; i < kIndexColumns && !places.empty(); ++i) {
    const std::vector<uint32_t>& asked = terms.columns[i];
    if (asked.empty()) continue;
    GATEWAY_ASSIGN_OR_RETURN(const absl::Span<const uint32_t> column,
                             segment.Column(i));
    std::erase_if(
        places, [&](uint32_t place) { return !IsAnyOf(column[place], asked); });
  }
  if (places.empty() || span.IsWithin(terms)) return places;
  GATEWAY_ASSIGN_OR_RETURN(const absl::Span<const int64_t> times,
                           segment.Times());
  std::erase_if(places, [&](uint32_t place) {
    return times[place] < terms.start_us || times[place] >= terms.end_us;
  });
  return places;
}

int64_t CommitStarts::CommitOf(uint32_t place) const {
  return first_commit + (std::upper_bound(starts.begin(), starts.end(), place) -
                         starts.begin());
}

GrowingSegment::GrowingSegment(size_t entries_max) : entries_max_(entries_max) {
  assert(entries_max > 0 && entries_max <= kSegmentEntriesMax);
  // One segment follows another for as long as the gateway runs: all of them
  // fit where the first was, if none has to be moved as it grows.
  for (std::vector<uint32_t>& column : columns_) column.reserve(entries_max);
  for (std::vector<uint32_t>& texts : postings_) texts.reserve(entries_max);
  times_.reserve(entries_max);
}

void GrowingSegment::Add(const EntryDigest& digest, int64_t commit) {
  assert(!is_full());
  if (size() == 0) {
    commits_.first_commit = commit;
  } else if (commit != last_commit_) {
    assert(commit == last_commit_ + 1);
    commits_.starts.push_back(static_cast<uint32_t>(size()));
  }
  last_commit_ = commit;
  for (size_t i = 0; i < kIndexColumns; ++i) {
    columns_[i].push_back(digest.columns[i]);
  }
  for (size_t i = 0; i < kIndexPostings; ++i) {
    postings_[i].push_back(digest.postings[i]);
  }
  times_.push_back(digest.time_us);
  span_.first_us = std::min(span_.first_us, digest.time_us);
  span_.last_us = std::max(span_.last_us, digest.time_us);
}

void GrowingSegment::Clear() {
  for (std::vector<uint32_t>& column : columns_) column.clear();
  for (std::vector<uint32_t>& texts : postings_) texts.clear();
  times_.clear();
  span_ = {};
  commits_.first_commit = 0;
  commits_.starts.clear();
  last_commit_ = 0;
}

absl::StatusOr<std::vector<uint32_t>> GrowingSegment::Posted(size_t posting,
                                                             uint32_t text) {
  Places places;
  const std::vector<uint32_t>& texts = postings_[posting];
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i] == text) places.push_back(static_cast<uint32_t>(i));
  }
  return places;
}

absl::StatusOr<absl::Span<const uint32_t>> GrowingSegment::Column(
    size_t column) {
  return absl::MakeConstSpan(columns_[column]);
}

absl::StatusOr<absl::Span<const int64_t>> GrowingSegment::Times() {
  return absl::MakeConstSpan(times_);
}

void GrowingSegment::EachPiece(
    absl::FunctionRef<void(int64_t group, std::string piece)> visit) const {
  for (size_t i = 0; i < kIndexPostings; ++i) {
    std::vector<PostingBucket> buckets(kIndexBuckets);
    for (size_t place = 0; place < size(); ++place) {
      const uint32_t text = postings_[i][place];
      if (text == kNoText) continue;
      PostingBucket& bucket = buckets[BucketOf(text)];
      bucket.texts.push_back(text);
      bucket.places.push_back(static_cast<uint16_t>(place));
    }
    for (size_t bucket = 0; bucket < kIndexBuckets; ++bucket) {
      if (buckets[bucket].texts.empty()) continue;
      visit(PostingGroup(i, bucket), PieceOf(buckets[bucket]));
    }
  }
  for (size_t i = 0; i < kIndexColumns; ++i) {
    visit(ColumnGroup(i), PieceOf(absl::MakeConstSpan(columns_[i])));
  }
  visit(kTimesGroup, PieceOf(absl::MakeConstSpan(times_)));
  visit(kCommitsGroup, PieceOf(commits_));
}

}  // namespace gateway
