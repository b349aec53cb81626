// What is kept beside an entry, in no hash: that it opens a round trip to a
// provider, or closes one. An entry of a dispatch says too little to close it
// by, should the process end before its exchange is known; its note has what is
// then written in place of that.
//
//   UnchainedEntry(dispatch, OpeningNote(dispatch.id, exchange_id, contract,
//                                        metadata));
//   ...
//   UnchainedEntry(exchange, ClosingNote(dispatch_id));
//
//   OpenDispatches open;
//   open.Follow(commit.notes);  // Of each commit, in their order.
//   for (const auto& [id, left] : open.all()) ...
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_DISPATCH_NOTE_H_
#define SERVICE_LEDGER_DISPATCH_NOTE_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace gateway {

// Of a dispatch: the id that its exchange will have, and what that says if
// nobody knows how it went. Texts may hold anything.
std::string OpeningNote(std::string_view dispatch_id,
                        std::string_view exchange_id,
                        std::string_view submission_id,
                        std::string_view exchange_metadata);

// Of a dispatch, behind the former: what budgets are charged if nobody knows
// how it went, in a form that budgets read.
std::string ReservationNote(std::string_view dispatch_id,
                            std::string_view reservation);

// Of the exchange of that dispatch.
std::string ClosingNote(std::string_view dispatch_id);

// Of the refusal of a call whose dispatch could not be committed, in case it
// was all the same: nothing was sent.
std::string WithdrawingNote(std::string_view dispatch_id);

// The dispatches whose exchange is not in the ledger.
class OpenDispatches {
 public:
  struct Left {
    std::string exchange_id;  // Empty if the note of its time has none.
    std::string submission_id;
    std::string exchange_metadata;
    std::string reservation;  // Empty if budgets are charged nothing.
    bool withdrawn = false;
  };

  // Takes the notes of some entries, one behind the other. False if they are
  // none; what is before the fault is taken.
  bool Follow(std::string_view notes);

  // By their ids, as their notes say: those are read now, since of most
  // dispatches nobody asks before they are closed.
  std::map<std::string, Left, std::less<>> all() const;

  // All of them as notes, which Follow takes.
  std::string ToNotes() const;

 private:
  // Of each id, one behind the other.
  absl::flat_hash_map<std::string, std::string> notes_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_DISPATCH_NOTE_H_
