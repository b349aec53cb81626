// DispatchNoteCheck verifies what is kept beside entries (dispatch_note.h):
// that each note is the one which its entry was written with. Entries vouch for
// them, and the chain for entries:
//
//   DISPATCH          its gateway.note_hash is the hash of its note
//   EXCHANGE          its dispatch_entry_id is what its note closes; if it
//                     withdraws others, too, there is a gateway.note_hash
//   PROMPT_REJECTED   as it withdraws something there is a gateway.note_hash
//   others            have no note
//
// What gateways before ADR 37 wrote names no hash: notes of such a dispatch are
// taken as they are, but may not say anything of one that names its note.
//
//   DispatchNoteCheck check;
//   for (const LedgerCommit& commit : commits) {
//     ForEachEntry(commit.texts, [&](auto entry) { check.Add(entry); });
//     if (auto fault = check.EndCommit(commit.notes)) Report(*fault);
//   }
//   if (!check.lacking().empty()) Report(check.lacking());
//
// It counts the dispatches that have no exchange, too.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_NOTE_CHECK_H_
#define SERVICE_LEDGER_NOTE_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "service/ledger/dispatch_note.h"

namespace gateway {

// What an entry says of dispatches and of its note.
struct DispatchFacts {
  enum class Kind { kOther, kDispatch, kExchange, kRejection };

  Kind kind = Kind::kOther;
  std::string id;
  std::string dispatch_id;  // Of an exchange.
  std::string note_hash;    // Empty if it names none.
};

void ReadDispatchFacts(std::string_view entry, DispatchFacts* facts);

// Counts the dispatches that have no exchange by what entries say.
class OpenDispatchCount {
 public:
  void Add(const DispatchFacts& entry);

  int64_t count() const { return static_cast<int64_t>(open_.size()); }

 private:
  absl::flat_hash_set<std::string> open_;
};

class DispatchNoteCheck {
 public:
  struct Fault {
    size_t place = 0;  // Of the entry in its commit, from 0 on.
    std::string id;
    std::string what;  // For people.
  };

  DispatchNoteCheck() = default;
  // Continues where these are open, of which it is not known whether entries
  // name their notes.
  explicit DispatchNoteCheck(const OpenDispatches& open);

  // Of entries that have no notes, as those of an export, it counts alone.
  void Count(std::string_view entry);

  // An entry of a commit, in their order.
  void Add(std::string_view entry);
  // The commit's entries were added. Nothing if the notes are theirs.
  std::optional<Fault> EndCommit(std::string_view notes);

  // Dispatches whose notes were taken over from nowhere, and that no exchange
  // has closed since: their notes are not there.
  const std::set<std::string>& lacking() const { return lacking_; }

  int64_t open_dispatches() const { return count_.count(); }

 private:
  // Of a dispatch that notes have opened and not closed.
  enum class Open { kUnbound, kBound };

  // Each returns what is wrong; empty if nothing is.
  std::string TakeOver(const DispatchFacts& entry);
  std::string TakeOpening(const DispatchFacts& entry, std::string_view* notes);
  std::string TakeClosing(const DispatchFacts& entry, std::string_view* notes);
  std::string TakeWithdrawals(const DispatchFacts& entry,
                              std::string_view begin, std::string_view* notes);
  void TakeUnboundWithdrawals(std::string_view* notes);
  std::string Take(const DispatchFacts& entry, std::string_view* notes);
  bool IsBound(std::string_view dispatch_id) const;

  std::vector<DispatchFacts> entries_;  // The first size_ are of the commit.
  size_t size_ = 0;
  bool names_hashes_ = false;  // An entry of the commit does.
  absl::flat_hash_map<std::string, Open> open_;
  std::set<std::string> lacking_;
  OpenDispatchCount count_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_NOTE_CHECK_H_
