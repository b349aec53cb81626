#include "base/http/http_timeout.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kTimeLimitUrl = "gateway/http_time_limit";

}  // namespace

absl::Status WaitedTooLong(HttpTimeLimit limit, absl::Duration timeout,
                           std::string_view awaited) {
  const std::string time = absl::FormatDuration(timeout);
  absl::Status error = absl::DeadlineExceededError(
      limit == HttpTimeLimit::kTotal
          ? absl::StrCat("the total time-out of ", time,
                         " passed while waiting for ", ToAbsl(awaited))
          : absl::StrCat("waited ", time, " for ", ToAbsl(awaited)));
  error.SetPayload(ToAbsl(kTimeLimitUrl),
                   absl::Cord(std::string(1, static_cast<char>(limit))));
  return error;
}

std::optional<HttpTimeLimit> TimeLimitOf(const absl::Status& error) {
  const auto limit = error.GetPayload(ToAbsl(kTimeLimitUrl));
  if (!limit.has_value() || limit->empty()) return std::nullopt;
  return static_cast<HttpTimeLimit>((*limit)[0]);
}

}  // namespace gateway
