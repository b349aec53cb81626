#include "service/http/request_target.h"

#include <utility>

#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "base/text/percent.h"
#include "errors/fault.h"

namespace gateway {

absl::StatusOr<std::string> DecodeSegment(std::string_view text) {
  std::optional<std::string> decoded = PercentDecode(text);
  if (decoded.has_value()) return *std::move(decoded);
  return InvalidField("path", "has a % without two hexadecimal digits");
}

bool AnyParameter(
    std::string_view query, std::string_view name,
    absl::FunctionRef<bool(std::optional<std::string_view> value)> is) {
  for (const absl::string_view each : absl::StrSplit(ToAbsl(query), '&')) {
    const std::string_view parameter = ToStd(each);
    const size_t equals = parameter.find('=');
    if (parameter.substr(0, equals) != name) continue;
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = parameter.substr(equals + 1);
    if (is(value)) return true;
  }
  return false;
}

absl::StatusOr<std::string> FindParameter(std::string_view query,
                                          std::string_view name) {
  std::string_view found;
  AnyParameter(query, name, [&](std::optional<std::string_view> value) {
    found = value.value_or("");
    return value.has_value();
  });
  return DecodeSegment(found);
}

}  // namespace gateway
