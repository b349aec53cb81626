#include "service/http/request_target.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/percent.h"
#include "base/text/utf8.h"
#include "errors/fault.h"

namespace gateway {
namespace {

// So much of a parameter's name is repeated in errors.
constexpr size_t kShownNameBytesMax = 64;

}  // namespace

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

absl::Status CheckParameters(std::string_view query,
                             absl::Span<const std::string_view> known) {
  std::set<std::string> seen;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (parameter.empty()) continue;
    GATEWAY_ASSIGN_OR_RETURN(std::string name, DecodeSegment(parameter.substr(
                                                   0, parameter.find('='))));
    if (!IsUtf8(name)) return InvalidField("query", "must be UTF-8");
    name.resize(CutText(name, kShownNameBytesMax).size());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string names;
      for (const std::string_view each : known) {
        absl::StrAppend(&names, names.empty() ? "" : ", ", ToAbsl(each));
      }
      return InvalidField(
          name, absl::StrCat("is no parameter here; there are ", names));
    }
    if (!seen.insert(name).second) {
      return InvalidField(name, "is given twice; give it once");
    }
  }
  return absl::OkStatus();
}

}  // namespace gateway
