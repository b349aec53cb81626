#include "providers/dialects/retry_after.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Longer values are no numbers and no dates.
constexpr size_t kValueBytesMax = 64;

// Returns whether `text` is digits and, perhaps, a fraction: what the vendors
// write. absl::SimpleAtod takes more, such as 0x10.
bool IsDecimal(std::string_view text) {
  const size_t point = text.find('.');
  const auto are_digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
  };
  if (point == text.npos) return are_digits(text);
  return are_digits(text.substr(0, point)) &&
         are_digits(text.substr(point + 1));
}

std::optional<absl::Duration> ReadNumber(std::string_view text,
                                         absl::Duration unit) {
  double number = 0;
  if (text.size() > kValueBytesMax) return std::nullopt;
  const absl::string_view trimmed = absl::StripAsciiWhitespace(ToAbsl(text));
  if (!IsDecimal(ToStd(trimmed))) return std::nullopt;
  if (!absl::SimpleAtod(trimmed, &number)) return std::nullopt;
  return std::min(number * unit, kRetryAfterMax);
}

std::optional<absl::Duration> ReadDate(std::string_view text, absl::Time now) {
  // The form of HTTP dates that is written today, and the two that must still
  // be read.
  static constexpr const char* kForms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                           "%A, %d-%b-%y %H:%M:%S GMT",
                                           "%a %b %e %H:%M:%S %Y"};
  if (text.empty() || text.size() > kValueBytesMax) return std::nullopt;
  for (const char* form : kForms) {
    absl::Time date;
    if (absl::ParseTime(form, ToAbsl(text), &date, nullptr)) {
      return std::clamp(date - now, absl::ZeroDuration(), kRetryAfterMax);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<absl::Duration> ReadRetryAfter(std::string_view retry_after_ms,
                                             std::string_view retry_after,
                                             absl::Time now) {
  if (const auto delay = ReadNumber(retry_after_ms, absl::Milliseconds(1))) {
    return delay;
  }
  if (const auto delay = ReadNumber(retry_after, absl::Seconds(1))) {
    return delay;
  }
  return ReadDate(retry_after, now);
}

}  // namespace gateway
