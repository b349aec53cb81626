// One entry of the ledger: that a call is dispatched, what came of it, that it
// was refused, or what became of a budget.
//
//   LedgerEntry entry;
//   entry.event_type = "DISPATCH";
//   entry.decision = "DISPATCHED";
//   ...
//   MetadataWriter metadata(&entry.metadata);
//   metadata.AddText("agent_id", "agent-1");
//   UnchainedEntry unchained(entry);            // On the loop of the call.
//   unchained.AppendChained(&hash, &text);      // In order, on any thread.
//
// The text of an entry is one JSON object in the form of python_json.h. Its
// hash, which is in it, is that of the text without it; `previous_hash` is
// among what is hashed, and so each entry vouches for all before it.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_ENTRY_H_
#define SERVICE_LEDGER_ENTRY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/random.h"
#include "base/text/short_text.h"

namespace gateway {

// Returns an id for an entry: `LED-` and 16 hexadecimal digits. With eight
// of them two of 77,000 entries would have the same, more likely than not.
std::string NewEntryId(Random& random);
// The same without memory of its own.
ShortText NewShortEntryId(Random& random);

// What an entry says, but for its links. Of a text that is no UTF-8 each byte
// above ASCII becomes a question mark.
struct LedgerEntry {
  std::string_view event_type;  // Such as `EXCHANGE`.
  std::string_view submission_id;
  std::string_view decision;
  std::string reason;
  std::vector<std::string> prompts_used;
  std::string metadata = "{}";  // metadata_writer.h
  std::string id;               // NewEntryId.
  absl::Time time;
};

// What an entry says of budgets (service/budgets/budget_change.h): nothing that
// the ledger looks into.
struct BudgetChange;
using BudgetChanges = std::vector<BudgetChange>;

// An entry's text with room for what the chain gives it: made where the call
// is, chained where the order is known.
class UnchainedEntry {
 public:
  // `note` is kept beside the entry, and is no part of what is hashed
  // (dispatch_note.h). `changes` are what its text says of budgets, for who
  // follows them (ledger_state.h); null where that is to be read out of it.
  explicit UnchainedEntry(
      const LedgerEntry& entry, std::string note = {},
      std::shared_ptr<const BudgetChanges> changes = nullptr);

  // Appends the entry's text, as it is behind the one whose hash is given, and
  // sets `hash` to its own. An empty one is before the first.
  void AppendChained(std::string* hash, std::string* text) const;

  // How long its text is then, at most.
  size_t chained_bytes() const;

  // Its text without what the chain gives it.
  std::string_view text() const { return text_; }
  const std::string& note() const { return note_; }
  // Whether its event type begins with `BUDGET_`.
  bool is_of_budget() const { return is_of_budget_; }
  const BudgetChanges* budget_changes() const { return changes_.get(); }

 private:
  std::string note_;
  std::shared_ptr<const BudgetChanges> changes_;
  bool is_of_budget_;
  std::string text_;
  size_t hash_at_ = 0;      // Where the member `entry_hash` belongs.
  size_t previous_at_ = 0;  // Where the previous hash does, behind it.
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_ENTRY_H_
