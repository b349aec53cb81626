#include "service/api/ledger_reading.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "errors/fault.h"

namespace gateway {
namespace {

// What a step reads.
constexpr size_t kStepBytes = 16 << 20;
// What a piece of an export has, roughly.
constexpr size_t kExportPieceBytes = 512 << 10;
// For the index to have what was written a moment ago.
constexpr absl::Duration kCatchUpMax = absl::Seconds(2);

// How a visitor ends a step that has read enough.
absl::Status Enough() { return absl::CancelledError("enough for one step"); }

}  // namespace

absl::Status LedgerVerification::Begin() {
  GATEWAY_ASSIGN_OR_RETURN(end_, LastCommitOf(log_));
  if (after_entry_ == 0) return absl::OkStatus();
  const absl::StatusOr<CommitPlace> place = CommitOfEntry(log_, after_entry_);
  if (absl::IsNotFound(place.status())) {
    return absl::OutOfRangeError(
        absl::StrCat("is behind the last entry, number ", end_.last_entry()));
  }
  GATEWAY_RETURN_IF_ERROR(place.status());
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           EntryText(log_, after_entry_));
  EntryFacts facts;
  ReadEntryFacts(text, &facts).IgnoreError();
  check_ = LedgerCheck(after_entry_, facts.entry_hash);
  next_commit_ = place->number;
  return absl::OkStatus();
}

absl::Status LedgerVerification::Step() {
  size_t bytes = 0;
  is_done_ = true;
  const absl::Status read =
      log_.Read(next_commit_, [&](const LedgerCommit& commit) {
        if (commit.number > end_.number) return Enough();
        next_commit_ = commit.number + 1;
        GATEWAY_RETURN_IF_ERROR(check_.Add(commit));
        bytes += commit.texts.size();
        is_done_ = bytes < kStepBytes;
        return is_done_ ? absl::OkStatus() : Enough();
      });
  const bool is_told = read.ok() || absl::IsCancelled(read) ||
                       absl::IsAborted(read) || check_.AddFailure(read);
  return is_told ? absl::OkStatus() : read;
}

v1::VerifyLedgerResponse LedgerVerification::progress() const {
  v1::VerifyLedgerResponse progress;
  progress.set_checked_entries(check_.checked_entries());
  progress.set_total_entries(
      std::max<int64_t>(end_.last_entry() - after_entry_, 0));
  progress.set_done(is_done_);
  if (!is_done_) return progress;
  progress.set_valid(check_.valid());
  progress.set_broken_entry(check_.broken_entry());
  if (!check_.valid()) {
    progress.set_problem(absl::StrCat("the entry ", check_.broken_entry(),
                                      check_.broken_id().empty() ? "" : ", ",
                                      check_.broken_id(), " ",
                                      check_.problem()));
    return progress;
  }
  progress.set_last_hash(check_.last_hash());
  progress.set_merkle_root(check_.merkle_root());
  return progress;
}

absl::Status LedgerExport::Begin() {
  GATEWAY_ASSIGN_OR_RETURN(end_, LastCommitOf(log_));
  // All of it is read faster as it stands.
  by_index_ = !MatchesAll(filter_) && index_.CatchUp(kCatchUpMax);
  return absl::OkStatus();
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::Step() {
  return by_index_ ? StepByIndex() : StepByLog();
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::StepByIndex() {
  LedgerIndex::Query query{.filter = filter_, .from = next_entry_};
  query.limit = 1000;
  query.bytes_limit = kExportPieceBytes;
  GATEWAY_ASSIGN_OR_RETURN(const LedgerIndex::Page page, index_.Find(query));
  Pieces pieces;
  for (const NumberedEntry& entry : page.entries) {
    if (entry.number > end_.last_entry()) break;
    Append(entry.text, &pieces);
  }
  next_entry_ = page.next;
  is_done_ = page.next == 0 || page.next > end_.last_entry();
  return pieces;
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::StepByLog() {
  Pieces pieces;
  size_t bytes = 0;
  is_done_ = true;
  const bool takes_all = MatchesAll(filter_);
  const absl::Status read =
      log_.Read(next_commit_, [&](const LedgerCommit& commit) {
        if (commit.number > end_.number) return Enough();
        next_commit_ = commit.number + 1;
        ForEachEntry(commit.texts, [&](std::string_view entry) {
          if (!takes_all) {
            ReadEntryFacts(entry, &facts_).IgnoreError();
            if (!Matches(filter_, facts_)) return;
          }
          Append(entry, &pieces);
        });
        bytes += commit.texts.size();
        is_done_ = bytes < kStepBytes;
        return is_done_ ? absl::OkStatus() : Enough();
      });
  if (!read.ok() && !absl::IsCancelled(read)) return read;
  return pieces;
}

void LedgerExport::Append(std::string_view entry, Pieces* pieces) {
  if (pieces->empty() ||
      pieces->back().lines().size() + entry.size() > kExportPieceBytes) {
    pieces->emplace_back();
  }
  v1::ExportLedgerResponse& piece = pieces->back();
  piece.mutable_lines()->append(entry);
  piece.mutable_lines()->push_back('\n');
  piece.set_entries(piece.entries() + 1);
}

}  // namespace gateway
