#include "service/money/decimal.h"

#include <array>
#include <cassert>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/decimal.h"

namespace gateway {
namespace {

// Of a text that is refused so much is quoted.
constexpr size_t kQuotedBytesMax = 40;

// The powers of ten, by how many decimals there are.
constexpr std::array<uint64_t, 19> kScales = [] {
  std::array<uint64_t, 19> scales = {1};
  for (size_t i = 1; i < scales.size(); ++i) scales[i] = scales[i - 1] * 10;
  return scales;
}();

absl::Status Refused(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", ToAbsl(text.substr(0, kQuotedBytesMax)),
      text.size() > kQuotedBytesMax ? "...\" " : "\" ", ToAbsl(why)));
}

}  // namespace

absl::StatusOr<int64_t> ParseDecimal(std::string_view text, int decimals,
                                     int64_t units_max) {
  assert(decimals >= 0 && decimals <= 18);
  if (text.size() > 1 && text[0] == '-' &&
      (absl::ascii_isdigit(text[1]) || text[1] == '.')) {
    return Refused(text, "is negative");
  }
  const uint64_t most = static_cast<uint64_t>(units_max);
  uint64_t units = 0;
  int digits = 0;
  int decimals_read = 0;  // Those kept; zeros that cannot be are no loss.
  bool point = false;
  bool too_much = false;
  const auto shift = [&](uint64_t digit) {
    if (units > (most - digit) / 10 || digit > most) {
      too_much = true;
    } else {
      units = units * 10 + digit;
    }
  };
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!absl::ascii_isdigit(c)) {
      return Refused(text, "is no decimal number such as 2.50");
    }
    ++digits;
    if (point && decimals_read == decimals) {
      if (c == '0') continue;
      return Refused(text,
                     absl::StrCat("cannot be kept exactly: it has more than ",
                                  decimals, " decimals"));
    }
    if (point) ++decimals_read;
    shift(static_cast<uint64_t>(c - '0'));
  }
  if (digits == 0) return Refused(text, "is no decimal number such as 2.50");
  for (; decimals_read < decimals; ++decimals_read) shift(0);
  if (too_much) {
    return Refused(
        text, absl::StrCat("is more than ", DecimalText(units_max, decimals)));
  }
  return static_cast<int64_t>(units);
}

std::string DecimalText(int64_t units, int decimals) {
  std::array<char, kDecimalTextBytesMax> text;
  return {text.data(), WriteDecimalText(units, decimals, text.data())};
}

char* WriteDecimalText(int64_t units, int decimals, char* out) {
  assert(decimals >= 0 && decimals <= 18);
  const bool negative = units < 0;
  // Negated as unsigned, since the least number has no positive counterpart.
  const uint64_t size = negative ? 0 - static_cast<uint64_t>(units)
                                 : static_cast<uint64_t>(units);
  const uint64_t scale = kScales[static_cast<size_t>(decimals)];
  if (negative) *out++ = '-';
  out = WriteDecimal(size / scale, out);
  const uint64_t behind = size % scale;
  if (behind == 0) return out;
  // With a 1 in front, where the point comes, it has all of its digits.
  char* end = WriteDecimal(scale + behind, out);
  *out = '.';
  while (end[-1] == '0') --end;
  return end;
}

}  // namespace gateway
