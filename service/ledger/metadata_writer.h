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
#include <optional>
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

// FormText is a text that grows at its end, with room ahead: to append to a
// string piece by piece costs more than half of what writing an entry does.
class FormText {
 public:
  // Overwrites `out`, which is borrowed, and is the text once this is
  // destroyed.
  explicit FormText(std::string* out) : out_(*out) { Grow(kFirstBytes); }
  ~FormText() { out_.resize(size()); }
  FormText(const FormText&) = delete;
  FormText& operator=(const FormText&) = delete;

  // Returns where so many bytes have room; what is written there counts once
  // EndAt has said how far.
  char* Room(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) Grow(bytes);
    return at_;
  }
  void EndAt(char* at) { at_ = at; }

  void Append(std::string_view text) {
    char* const begin = Room(text.size());
    at_ = begin + text.copy(begin, text.size());
  }
  void Append(char c) {
    *Room(1) = c;
    ++at_;
  }

  size_t size() const { return static_cast<size_t>(at_ - out_.data()); }
  // REQUIRES: there is something.
  char back() const { return at_[-1]; }

 private:
  static constexpr size_t kFirstBytes = 1024;

  void Grow(size_t bytes);

  std::string& out_;
  char* at_ = nullptr;   // Null before it has grown first.
  char* end_ = nullptr;  // Of the room.
};

class ListWriter;

class MetadataWriter {
 public:
  // Writes to `out`, which is borrowed and overwritten, until it is destroyed;
  // until then nothing of it is to be read.
  explicit MetadataWriter(std::string* out) : own_(out), out_(*own_) {
    out_.Append('{');
  }
  ~MetadataWriter() { out_.Append('}'); }
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

  // How much has been written.
  size_t size() const { return out_.size(); }

 private:
  friend ListWriter;

  // Goes on where an object is to be.
  struct Within {
    FormText& out;
  };
  explicit MetadataWriter(Within within) : out_(within.out) {
    out_.Append('{');
  }

  bool is_first() const { return out_.back() == '{'; }
  // Writes the name, and returns where a value of so many bytes has room.
  char* Name(const MemberName& name, size_t bytes) {
    char* const begin = out_.Room(MemberName::kBytesMax + bytes);
    return name.CopyTo(begin, is_first());
  }
  // A member whose value needs no escape.
  void AddPlain(const MemberName& name, std::string_view value) {
    char* const begin = Name(name, value.size());
    out_.EndAt(begin + value.copy(begin, value.size()));
  }

  std::optional<FormText> own_;  // Nothing within another one.
  FormText& out_;
};

// ListWriter writes a JSON array in the same form, until it is destroyed.
class ListWriter {
 public:
  ~ListWriter() { out_.Append(']'); }
  ListWriter(const ListWriter&) = delete;
  ListWriter& operator=(const ListWriter&) = delete;

  // As of MetadataWriter.
  void AddText(std::string_view text);
  MetadataWriter Object();
  ListWriter List();

 private:
  friend MetadataWriter;
  explicit ListWriter(FormText& out) : out_(out) { out_.Append('['); }

  // Begins the next element.
  void Next() {
    if (out_.back() != '[') out_.Append(", ");
  }

  FormText& out_;
};

// A time as it is written in entries: `2026-01-02T03:04:05.678901+00:00`, in
// UTC, without a fraction if there is none.
std::string LedgerTimeText(absl::Time time);

}  // namespace gateway

#endif  // SERVICE_LEDGER_METADATA_WRITER_H_
