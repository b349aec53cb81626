// What is kept beside an entry, and not in it: that it opens a round trip to a
// provider, or closes one. An entry of a dispatch says too little to close it
// by, should the process end before its exchange is known; its note has what is
// then written in place of that. An entry names its note by the note's hash,
// unless that is the ClosingNote of the dispatch that it names anyway
// (note_check.h).
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
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

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

// Of a commit whose entries were taken over from lines of JSON, which have no
// notes.
std::string TakenOverNote();

// What a note is: its kind and texts, as they stand in notes.
struct DispatchNote {
  enum class Kind { kOpens, kReserves, kCloses, kWithdraws, kTakenOver };

  Kind kind = Kind::kOpens;
  std::string_view dispatch_id;  // Empty of kTakenOver.
  absl::InlinedVector<std::string_view, 3> texts;  // Behind that.
  std::string_view whole;
};

// Takes a note off the beginning of those of some entries; nothing if there is
// none. REQUIRES: `notes` is not empty.
std::optional<DispatchNote> TakeNote(std::string_view* notes);

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

  bool Has(const std::string& id) const { return notes_.contains(id); }
  std::set<std::string> ids() const;
  // The notes that the dispatch was written with; empty if it is not open.
  std::string OpeningOf(const std::string& id) const;

  // All of them as notes, which Follow takes.
  std::string ToNotes() const;

 private:
  // Of each id, one behind the other.
  absl::flat_hash_map<std::string, std::string> notes_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_DISPATCH_NOTE_H_
