#include "clients/cli/moment_words.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "clients/cli/operator_words.h"

namespace gateway {

absl::StatusOr<absl::Time> MomentOf(std::string_view flag,
                                    const std::string& text, absl::Time now) {
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) {
    return now - ago;
  }
  absl::Time time;
  std::string why;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &why)) return time;
  return FlagMistake(
      flag, absl::StrCat("must be a time as in 2027-01-31T00:00:00Z, or how "
                         "long ago as in 24h, not '",
                         text, "'"));
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(
      time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

}  // namespace gateway
