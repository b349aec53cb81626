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
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/random.h"

namespace gateway {

// Returns an id for an entry: `LED-` and 16 hexadecimal digits. With eight
// of them two of 77,000 entries would have the same, more likely than not.
std::string NewEntryId(Random& random);

// What an entry says, but for its links. Of a text that is no UTF-8 each byte
// above ASCII becomes a question mark.
struct LedgerEntry {
  std::string_view event_type;  // Such as `EXCHANGE`.
  std::string_view submission_id;
  std::string_view decision;
  std::string reason;
  std::vector<std::string> prompts_used;
  std::string metadata = "{}";  // By MetadataWriter.
  std::string id;               // NewEntryId.
  absl::Time time;
};

// Writes metadata, member by member in the order of their keys.
class MetadataWriter {
 public:
  // Writes to `out`, which is borrowed and overwritten, until it is destroyed.
  explicit MetadataWriter(std::string* out);
  ~MetadataWriter() { out_.push_back('}'); }
  MetadataWriter(const MetadataWriter&) = delete;
  MetadataWriter& operator=(const MetadataWriter&) = delete;

  // REQUIRES, of each: `key` is greater than the one before, and nothing in it
  // needs to be escaped.
  void AddText(std::string_view key, std::string_view text);
  void AddInt(std::string_view key, int64_t number);
  void AddFloat(std::string_view key, double number);
  void AddBool(std::string_view key, bool truth);
  void AddNull(std::string_view key);
  // A value in the form of python_json.h.
  void AddForm(std::string_view key, std::string_view form);

 private:
  void Key(std::string_view key);

  std::string& out_;
  std::string last_key_;
};

// An entry's text with room for what the chain gives it: made where the call
// is, chained where the order is known.
class UnchainedEntry {
 public:
  // `note` is kept beside the entry, and is no part of what is hashed
  // (dispatch_note.h).
  explicit UnchainedEntry(const LedgerEntry& entry, std::string note = {});

  // Appends the entry's text, as it is behind the one whose hash is given, and
  // sets `hash` to its own. An empty one is before the first.
  void AppendChained(std::string* hash, std::string* text) const;

  // How long its text is then, at most.
  size_t chained_bytes() const;

  const std::string& note() const { return note_; }

 private:
  std::string note_;
  std::string text_;
  size_t hash_at_ = 0;      // Where the member `entry_hash` belongs.
  size_t previous_at_ = 0;  // Where the previous hash does, behind it.
};

// An entry's time as it is written: `2026-01-02T03:04:05.678901+00:00`, in UTC,
// without a fraction if there is none.
std::string LedgerTimeText(absl::Time time);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ENTRY_H_
