#include "providers/limit_reset.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/types/span.h"
#include "base/http/field_block.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kRemaining = "remaining";
constexpr std::string_view kReset = "reset";

// Numbers from here on are seconds, and milliseconds, since 1970.
constexpr double kUnixSecondsMin = 1e9;
constexpr double kUnixMillisMin = 1e12;

// Reads a duration or a time, in any of the vendors' forms.
std::optional<absl::Duration> ParseReset(std::string_view text,
                                         absl::Time now) {
  double number;
  if (absl::SimpleAtod(ToAbsl(text), &number)) {
    if (!(number >= 0)) return std::nullopt;
    if (number < kUnixSecondsMin) return absl::Seconds(number);
    const double seconds = number < kUnixMillisMin ? number : number / 1000;
    return absl::UnixEpoch() + absl::Seconds(seconds) - now;
  }
  absl::Duration duration;
  if (absl::ParseDuration(ToAbsl(text), &duration)) return duration;
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, nullptr)) {
    return time - now;
  }
  return std::nullopt;
}

}  // namespace

std::optional<absl::Duration> LimitResetsIn(const UpstreamFields& fields,
                                            absl::Time now) {
  if (!fields.tells_spent_limit()) return std::nullopt;
  std::optional<absl::Duration> longest;
  FieldViews views;
  const absl::Span<const HttpField> all = fields.View(views);
  for (const HttpField& field : all) {
    const size_t at = field.name.find(kRemaining);
    if (at == std::string_view::npos || field.value != "0") continue;
    std::string name(field.name);
    name.replace(at, kRemaining.size(), kReset);
    const auto reset = std::find_if(
        all.begin(), all.end(),
        [&name](const HttpField& other) { return other.name == name; });
    if (reset == all.end()) continue;
    const std::optional<absl::Duration> wait = ParseReset(reset->value, now);
    if (wait.has_value()) longest = std::max(longest.value_or(*wait), *wait);
  }
  return longest;
}

}  // namespace gateway
