// MetadataWriter writes one JSON object in the form of python_json.h, member by
// member in the order of their names: what an entry's metadata is.
//
//   MetadataWriter metadata(&entry.metadata);
//   metadata.AddText("agent_id", "agent-1");
//   {
//     MetadataWriter usage = metadata.Object("usage");
//     usage.AddInt("input_tokens", 12);
//   }
//   ListWriter tags = metadata.List("tags");
//   tags.AddText("one");
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_METADATA_WRITER_H_
#define SERVICE_LEDGER_METADATA_WRITER_H_

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

  static constexpr size_t kBytesMax = 38;

  // `, "name": `, or of the first member `"name": `.
  std::string_view text(bool first) const {
    const size_t left_out = first ? 2 : 0;
    return {text_.data() + left_out, size_ - left_out};
  }

  // Copies the same, and returns its end. `out` has kBytesMax.
  char* CopyTo(char* out, bool first) const {
    const std::string_view own = text(first);
    // As many bytes each time, which takes the fewest instructions.
    memcpy(out, own.data(), kBytesMax);
    return out + own.size();
  }

 private:
  consteval void Append(std::string_view text) {
    for (const char c : text) {
      assert(size_ < kBytesMax);
      text_[size_++] = c;
    }
  }

  // Two more, for who begins behind the first two.
  std::array<char, kBytesMax + 2> text_ = {};
  size_t size_ = 0;
};

class ListWriter;

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
  // An object or a list, which is written next; until it is destroyed, nothing
  // else is.
  MetadataWriter Object(const MemberName& name);
  ListWriter List(const MemberName& name);

 private:
  friend ListWriter;

  // Goes on where an object is to be.
  struct Within {
    std::string& out;
  };
  explicit MetadataWriter(Within within) : out_(within.out) {
    out_.push_back('{');
  }

  bool is_first() const { return out_.back() == '{'; }
  void Name(const MemberName& name) { out_.append(name.text(is_first())); }
  // Costs half of what a string takes for a range.
  void Append(const char* begin, const char* end) {
    out_.append(begin, static_cast<size_t>(end - begin));
  }
  // A member whose value is short, and needs no escape.
  void AddShort(const MemberName& name, std::string_view value);

  std::string& out_;
};

// ListWriter writes a JSON array in the same form, until it is destroyed.
class ListWriter {
 public:
  ~ListWriter() { out_.push_back(']'); }
  ListWriter(const ListWriter&) = delete;
  ListWriter& operator=(const ListWriter&) = delete;

  // As of MetadataWriter.
  void AddText(std::string_view text);
  MetadataWriter Object();
  ListWriter List();

 private:
  friend MetadataWriter;
  explicit ListWriter(std::string& out) : out_(out) { out_.push_back('['); }

  // Begins the next element.
  void Next() {
    if (out_.back() != '[') out_.append(", ");
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
