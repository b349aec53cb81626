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

// What is recorded of it goes into messages, which are UTF-8.
absl::StatusOr<std::string> Decode(std::string_view text,
                                   std::string_view where) {
  std::optional<std::string> decoded = PercentDecode(text);
  if (!decoded.has_value()) {
    return InvalidField(where, "has a % without two hexadecimal digits");
  }
  if (!IsUtf8(*decoded)) return InvalidField(where, "must be UTF-8");
  return *std::move(decoded);
}

}  // namespace

absl::StatusOr<std::string> DecodeSegment(std::string_view text) {
  return Decode(text, "path");
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
  return Decode(found, "query");
}

absl::Status CheckParameters(std::string_view query,
                             absl::Span<const std::string_view> known) {
  std::set<std::string> seen;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (parameter.empty()) continue;
    GATEWAY_ASSIGN_OR_RETURN(
        std::string name,
        Decode(parameter.substr(0, parameter.find('=')), "query"));
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
