#include "service/http/query_parameter.h"

#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "service/http/percent_decode.h"

namespace gateway {

absl::StatusOr<std::string> FindParameter(std::string_view query,
                                          std::string_view name) {
  for (const absl::string_view each : absl::StrSplit(ToAbsl(query), '&')) {
    const std::string_view parameter = ToStd(each);
    if (parameter.size() > name.size() && parameter.starts_with(name) &&
        parameter[name.size()] == '=') {
      return PercentDecode(parameter.substr(name.size() + 1));
    }
  }
  return std::string();
}

}  // namespace gateway
