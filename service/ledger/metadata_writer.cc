#include "service/ledger/metadata_writer.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/text/decimal.h"
#include "base/text/json.h"
#include "base/text/timestamp.h"
#include "service/ledger/python_json.h"

namespace gateway {

MetadataWriter::MetadataWriter(const MemberName& name, MetadataWriter* outer)
    : out_(outer->out_) {
  outer->Name(name);
  out_.push_back('{');
}

MetadataWriter MetadataWriter::Object(const MemberName& name) {
  return MetadataWriter(name, this);
}

void MetadataWriter::AddText(const MemberName& name, std::string_view text) {
  Name(name);
  AppendLedgerString(text, &out_);
}

void MetadataWriter::AddInt(const MemberName& name, int64_t number) {
  Name(name);
  char digits[kDecimalBytesMax + 1];
  char* begin = digits;
  auto size = static_cast<uint64_t>(number);
  if (number < 0) {
    *begin++ = '-';
    size = -size;
  }
  out_.append(digits, WriteDecimal(size, begin));
}

void MetadataWriter::AddFloat(const MemberName& name, double number) {
  Name(name);
  AppendPythonFloat(number, &out_);
}

void MetadataWriter::AddBool(const MemberName& name, bool truth) {
  AddForm(name, truth ? "true" : "false");
}

void MetadataWriter::AddNull(const MemberName& name) { AddForm(name, "null"); }

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
  // As far as the second, which it remembers.
  char text[kTimestampBytes];
  WriteTimestamp(time, text);
  out->append(text, sizeof("2026-01-02T03:04:05") - 1);
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t second = 1'000'000;
  const int64_t fraction = (micros % second + second) % second;
  if (fraction != 0) {
    char digits[] = ".000000";
    int64_t rest = fraction;
    for (int i = 6; i > 0; --i, rest /= 10) {
      digits[i] = static_cast<char>('0' + rest % 10);
    }
    out->append(digits);
  }
  out->append("+00:00");
}

}  // namespace gateway
