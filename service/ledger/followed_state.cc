#include "service/ledger/followed_state.h"

namespace gateway {

namespace {

// Whether an entry may be of a budget: LedgerState is told of these alone. One
// that was taken over has its members in any order, and with spaces or without.
bool MayBeOfBudget(std::string_view entry) {
  return entry.find("\"BUDGET_") != std::string_view::npos;
}

absl::Status NotesCannotBeRead() {
  return absl::DataLossError("a commit has notes that cannot be read");
}

}  // namespace

absl::Status FollowedState::Restore(const LedgerCheckpoint& from) {
  open_ = OpenDispatches();
  if (!open_.Follow(from.open_dispatches)) {
    return absl::DataLossError(
        "the checkpoint has open dispatches that cannot be read");
  }
  return state_ == nullptr ? absl::OkStatus() : state_->Restore(from.state);
}

absl::Status FollowedState::Follow(std::string_view texts,
                                   std::string_view notes) {
  if (!open_.Follow(notes)) return NotesCannotBeRead();
  absl::Status told;
  if (state_ == nullptr) return told;
  ForEachEntry(texts, [&](std::string_view entry) {
    if (MayBeOfBudget(entry)) told.Update(state_->Apply(entry));
  });
  return told;
}

absl::Status FollowedState::Follow(
    absl::Span<const UnchainedEntry* const> entries) {
  absl::Status told;
  for (const UnchainedEntry* const entry : entries) {
    if (!open_.Follow(entry->note())) return NotesCannotBeRead();
    if (state_ == nullptr || !entry->is_of_budget()) continue;
    if (entry->budget_changes() != nullptr) {
      state_->Apply(*entry->budget_changes());
    } else {
      told.Update(state_->Apply(entry->text()));
    }
  }
  return told;
}

LedgerCheckpoint FollowedState::At(LedgerEnd end) const {
  return {.end = std::move(end),
          .open_dispatches = open_.ToNotes(),
          .state = state_ == nullptr ? "" : state_->Checkpoint()};
}

}  // namespace gateway
