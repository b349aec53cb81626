// MetadataWriter writes one JSON object in the form of python_json.h, member by
// member in the order of their names: what an entry's metadata is.
//
//   MetadataWriter metadata(&entry.metadata);
//   metadata.AddText("agent_id", "agent-1");
//   {
//     MetadataWriter usage = metadata.Object("usage");
//     usage.AddInt("input_tokens", 12);
//   }
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_METADATA_WRITER_H_
#define SERVICE_LEDGER_METADATA_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gateway {

// The name of a member, with all that stands between it and its neighbours: a
// constant, so that to write it is to copy it once. At most 32 characters, none
// of which needs to be escaped.
class MemberName {
 public:
  template <size_t kBytes>
  consteval MemberName(const char (&name)[kBytes])
      : MemberName(std::string_view(name)) {}
  consteval MemberName(std::string_view name) {
    Append(", \"");
    Append(name);
    Append("\": ");
  }

  // `, "name": `, or of the first member `"name": `.
  std::string_view text(bool first) const {
    const size_t left_out = first ? 2 : 0;
    return {text_.data() + left_out, size_ - left_out};
  }

 private:
  consteval void Append(std::string_view text) {
    for (const char c : text) text_.at(size_++) = c;
  }

  std::array<char, 38> text_ = {};
  size_t size_ = 0;
};

class MetadataWriter {
 public:
  // Writes to `out`, which is borrowed and overwritten, until it is destroyed.
  explicit MetadataWriter(std::string* out) : out_(*out) {
    out_.assign(1, '{');
  }
  ~MetadataWriter() { out_.push_back('}'); }
  MetadataWriter(const MetadataWriter&) = delete;
  MetadataWriter& operator=(const MetadataWriter&) = delete;

  // REQUIRES, of each: the name is greater than the one before. Of a text that
  // is no UTF-8 each byte above ASCII becomes a question mark.
  void AddText(const MemberName& name, std::string_view text);
  void AddInt(const MemberName& name, int64_t number);
  void AddFloat(const MemberName& name, double number);
  void AddBool(const MemberName& name, bool truth);
  void AddNull(const MemberName& name);
  // As LedgerTimeText has it.
  void AddTime(const MemberName& name, absl::Time time);
  // A value in the form of python_json.h.
  void AddForm(const MemberName& name, std::string_view form);
  // An object, which is written next; until it is destroyed, nothing else is.
  MetadataWriter Object(const MemberName& name);

 private:
  MetadataWriter(const MemberName& name, MetadataWriter* outer);

  void Name(const MemberName& name) {
    out_.append(name.text(/*first=*/out_.back() == '{'));
  }

  std::string& out_;
};

// Appends a JSON string; what is no UTF-8 as AddText does.
void AppendLedgerString(std::string_view text, std::string* out);

// A time as it is written in entries: `2026-01-02T03:04:05.678901+00:00`, in
// UTC, without a fraction if there is none.
std::string LedgerTimeText(absl::Time time);
void AppendLedgerTime(absl::Time time, std::string* out);

}  // namespace gateway

#endif  // SERVICE_LEDGER_METADATA_WRITER_H_
