// FollowedState is what the commits of a chain come to, one after the other:
// which dispatches are open, and what somebody makes of what is said of budgets
// (ledger_state.h). It begins where a checkpoint was kept, and is one at the
// end.
//
//   FollowedState followed(&state);
//   GATEWAY_RETURN_IF_ERROR(followed.Restore(*store.LoadCheckpoint()));
//   ... followed.Follow(commit.texts, commit.notes) ...  // From the next on.
//   ... followed.Follow(entries) ...                     // Of one made here.
//   store.KeepCheckpoint(followed.At(end));
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_FOLLOWED_STATE_H_
#define SERVICE_LEDGER_FOLLOWED_STATE_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "service/ledger/commit_store.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_state.h"

namespace gateway {

class FollowedState {
 public:
  // Borrows the state, which may be null.
  explicit FollowedState(LedgerState* state) : state_(state) {}

  // Begins anew, with what is known at the checkpoint. DATA_LOSS if it cannot
  // be read; other errors are those of the state.
  absl::Status Restore(const LedgerCheckpoint& from);

  // Takes what was committed next. Errors as of Restore; what is before the
  // fault is taken.
  absl::Status Follow(std::string_view texts, std::string_view notes);

  // The same by the entries that were committed, of which nothing is read that
  // they have beside their texts.
  absl::Status Follow(absl::Span<const UnchainedEntry* const> entries);

  // What is known where the chain ends so.
  LedgerCheckpoint At(LedgerEnd end) const;

  const OpenDispatches& open_dispatches() const { return open_; }

 private:
  LedgerState* const state_;
  OpenDispatches open_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_FOLLOWED_STATE_H_
