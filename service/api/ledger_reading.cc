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

v1::VerifyLedgerResponse LedgerVerification::ProgressOf(
    const LedgerWalk& walk) {
  v1::VerifyLedgerResponse progress;
  progress.set_checked_entries(walk.checked_entries());
  progress.set_total_entries(walk.total_entries());
  progress.set_checked_chains(walk.checked_chains());
  progress.set_checked_joins(walk.checked_joins());
  progress.set_archived_entries(walk.archived_entries());
  progress.set_open_dispatches(walk.open_dispatches());
  progress.set_done(walk.is_done());
  if (!walk.is_done()) return progress;
  progress.set_valid(walk.valid());
  progress.set_broken_entry(walk.broken_entry());
  if (!walk.valid()) {
    progress.set_broken_chain(walk.broken_chain());
    progress.set_problem(walk.DescribeProblem());
    return progress;
  }
  progress.set_last_hash(walk.last_hash());
  progress.set_merkle_root(walk.merkle_root());
  return progress;
}

absl::Status LedgerExport::Begin() {
  if (is_done()) return absl::OkStatus();
  const LedgerChains::Chain& chain = chains_[current_];
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, chain.commits->Archived());
  GATEWAY_ASSIGN_OR_RETURN(end_, LastCommitOf(*chain.commits));
  // All of it is read faster as it stands.
  by_index_ = !MatchesAll(filter_) && chain.index->CatchUp(kCatchUpMax);
  next_commit_ = archived.commits + 1;
  next_entry_ = archived.entries + 1;
  return absl::OkStatus();
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::Step() {
  absl::StatusOr<Pieces> pieces = by_index_ ? StepByIndex() : StepByLog();
  if (pieces.ok() && is_chain_done_) {
    ++current_;
    GATEWAY_RETURN_IF_ERROR(Begin());
  }
  return pieces;
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::StepByIndex() {
  LedgerIndex::Query query{.filter = filter_, .from = next_entry_};
  query.limit = 1000;
  query.bytes_limit = kExportPieceBytes;
  GATEWAY_ASSIGN_OR_RETURN(const LedgerIndex::Page page,
                           chains_[current_].index->Find(query));
  Pieces pieces;
  for (const NumberedEntry& entry : page.entries) {
    if (entry.number > end_.last_entry()) break;
    Append(entry.text, &pieces);
  }
  next_entry_ = page.next;
  is_chain_done_ = page.next == 0 || page.next > end_.last_entry();
  return pieces;
}

absl::StatusOr<LedgerExport::Pieces> LedgerExport::StepByLog() {
  Pieces pieces;
  size_t bytes = 0;
  is_chain_done_ = true;
  const bool takes_all = MatchesAll(filter_);
  const absl::Status read = chains_[current_].commits->Read(
      next_commit_, [&](const LedgerCommit& commit) {
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
        is_chain_done_ = bytes < kStepBytes;
        return is_chain_done_ ? absl::OkStatus() : Enough();
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
