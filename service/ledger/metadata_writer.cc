#include "service/ledger/metadata_writer.h"

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

// Beyond that a text is appended by itself: a hash is shorter.
constexpr size_t kShortBytes = 80;

}  // namespace

MetadataWriter MetadataWriter::Object(const MemberName& name) {
  Name(name);
  return MetadataWriter(Within{out_});
}

ListWriter MetadataWriter::List(const MemberName& name) {
  Name(name);
  return ListWriter(out_);
}

void MetadataWriter::AddText(const MemberName& name, std::string_view text) {
  // Most members are short: a string grows by one piece for less than by two.
  if (text.size() <= kShortBytes) {
    std::array<char, MemberName::kBytesMax + kShortBytes + 2> member;
    char* const begin = name.CopyTo(member.data(), is_first());
    char* const end = begin + 1 + text.size();
    if (CopyPlainJsonText(text, begin + 1)) {
      *begin = '"';
      *end = '"';
      Append(member.data(), end + 1);
      return;
    }
  }
  Name(name);
  AppendLedgerString(text, &out_);
}

void MetadataWriter::AddInt(const MemberName& name, int64_t number) {
  std::array<char, MemberName::kBytesMax + kDecimalBytesMax + 1> member;
  char* at = name.CopyTo(member.data(), is_first());
  auto size = static_cast<uint64_t>(number);
  if (number < 0) {
    *at++ = '-';
    size = -size;
  }
  Append(member.data(), WriteDecimal(size, at));
}

void MetadataWriter::AddFloat(const MemberName& name, double number) {
  Name(name);
  AppendPythonFloat(number, &out_);
}

void MetadataWriter::AddShort(const MemberName& name, std::string_view value) {
  std::array<char, MemberName::kBytesMax + 8> member;
  char* const begin = name.CopyTo(member.data(), is_first());
  Append(member.data(), begin + value.copy(begin, 8));
}

void MetadataWriter::AddBool(const MemberName& name, bool truth) {
  AddShort(name, truth ? "true" : "false");
}

void MetadataWriter::AddNull(const MemberName& name) { AddShort(name, "null"); }

void MetadataWriter::AddTime(const MemberName& name, absl::Time time) {
  Name(name);
  out_.push_back('"');
  AppendLedgerTime(time, &out_);
  out_.push_back('"');
}

void MetadataWriter::AddForm(const MemberName& name, std::string_view form) {
  Name(name);
  out_.append(form);
}

void ListWriter::AddText(std::string_view text) {
  Next();
  AppendLedgerString(text, &out_);
}

MetadataWriter ListWriter::Object() {
  Next();
  return MetadataWriter(MetadataWriter::Within{out_});
}

ListWriter ListWriter::List() {
  Next();
  return ListWriter(out_);
}

void AppendLedgerString(std::string_view text, std::string* out) {
  if (AppendPlainString(text, out)) return;
  // Callers and providers may say what is no UTF-8, which an entry is.
  if (IsUtf8(text)) return AppendPythonString(text, out);
  std::string ascii(text);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  AppendPythonString(ascii, out);
}

std::string LedgerTimeText(absl::Time time) {
  std::string text;
  AppendLedgerTime(time, &text);
  return text;
}

void AppendLedgerTime(absl::Time time, std::string* out) {
  constexpr std::string_view kUtc = "+00:00";
  constexpr size_t kSecondBytes = sizeof("2026-01-02T03:04:05") - 1;
  constexpr size_t kFractionBytes = sizeof(".678901") - 1;
  std::array<char, kTimestampBytes + kFractionBytes + kUtc.size()> text;
  // As far as the second, which it remembers.
  WriteTimestamp(time, text.data());
  char* at = text.data() + kSecondBytes;
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
  at += kUtc.copy(at, kUtc.size());
  out->append(text.data(), static_cast<size_t>(at - text.data()));
}

}  // namespace gateway
