#include "service/ledger/metadata_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/text/decimal.h"
#include "base/text/json.h"
#include "base/text/json_escape.h"
#include "base/text/timestamp.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

constexpr std::string_view kUtc = "+00:00";
constexpr size_t kSecondBytes = sizeof("2026-01-02T03:04:05") - 1;
constexpr size_t kFractionBytes = sizeof(".678901") - 1;
constexpr size_t kTimeBytesMax = kTimestampBytes + kFractionBytes + kUtc.size();

// Writes the time, and returns its end. `out` has kTimeBytesMax.
char* WriteLedgerTime(absl::Time time, char* out) {
  // As far as the second, which it remembers.
  WriteTimestamp(time, out);
  char* at = out + kSecondBytes;
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t second = 1'000'000;
  const int64_t fraction = (micros % second + second) % second;
  if (fraction != 0) {
    int64_t rest = fraction;
    for (int i = 6; i > 0; --i, rest /= 10) {
      at[i] = static_cast<char>('0' + rest % 10);
    }
    *at = '.';
    at += kFractionBytes;
  }
  return at + kUtc.copy(at, kUtc.size());
}

// Callers and providers may say what is no UTF-8, which an entry is.
std::string EscapedString(std::string_view text) {
  std::string escaped;
  if (IsUtf8(text)) {
    AppendPythonString(text, &escaped);
    return escaped;
  }
  std::string ascii(text);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  AppendPythonString(ascii, &escaped);
  return escaped;
}

// Writes a JSON string where it has room, with two bytes more; returns its end,
// or null if something in it needs to be escaped, as in few.
char* WritePlainString(std::string_view text, char* out) {
  if (!CopyPlainJsonText(text, out + 1)) return nullptr;
  char* const end = out + 1 + text.size();
  *out = '"';
  *end = '"';
  return end + 1;
}

}  // namespace

void FormText::Grow(size_t bytes) {
  const size_t used = at_ == nullptr ? 0 : size();
  const size_t wanted = std::max(used + bytes, 2 * used);
  out_.resize(std::max(wanted, out_.capacity()));
  at_ = out_.data() + used;
  end_ = out_.data() + out_.size();
}

MetadataWriter MetadataWriter::Object(const MemberName& name) {
  out_.EndAt(Name(name, 0));
  return MetadataWriter(Within{out_});
}

ListWriter MetadataWriter::List(const MemberName& name) {
  out_.EndAt(Name(name, 0));
  return ListWriter(out_);
}

void MetadataWriter::AddText(const MemberName& name, std::string_view text) {
  char* const begin = Name(name, text.size() + 2);
  if (char* const end = WritePlainString(text, begin)) return out_.EndAt(end);
  out_.EndAt(begin);
  out_.Append(EscapedString(text));
}

void MetadataWriter::AddInt(const MemberName& name, int64_t number) {
  char* at = Name(name, kDecimalBytesMax + 1);
  auto size = static_cast<uint64_t>(number);
  if (number < 0) {
    *at++ = '-';
    size = -size;
  }
  out_.EndAt(WriteDecimal(size, at));
}

void MetadataWriter::AddFloat(const MemberName& name, double number) {
  out_.EndAt(WritePythonFloat(number, Name(name, kPythonFloatBytesMax)));
}

void MetadataWriter::AddBool(const MemberName& name, bool truth) {
  AddPlain(name, truth ? "true" : "false");
}

void MetadataWriter::AddNull(const MemberName& name) { AddPlain(name, "null"); }

void MetadataWriter::AddTime(const MemberName& name, absl::Time time) {
  char* at = Name(name, kTimeBytesMax + 2);
  *at = '"';
  at = WriteLedgerTime(time, at + 1);
  *at = '"';
  out_.EndAt(at + 1);
}

void MetadataWriter::AddForm(const MemberName& name, std::string_view form) {
  AddPlain(name, form);
}

void ListWriter::AddText(std::string_view text) {
  Next();
  char* const end = WritePlainString(text, out_.Room(text.size() + 2));
  if (end != nullptr) return out_.EndAt(end);
  out_.Append(EscapedString(text));
}

MetadataWriter ListWriter::Object() {
  Next();
  return MetadataWriter(MetadataWriter::Within{out_});
}

ListWriter ListWriter::List() {
  Next();
  return ListWriter(out_);
}

std::string LedgerTimeText(absl::Time time) {
  std::array<char, kTimeBytesMax> text;
  return {text.data(), WriteLedgerTime(time, text.data())};
}

}  // namespace gateway
