#include "service/ledger/entry_names.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/string_view.h"

namespace gateway {

bool IsNameAmong(absl::Span<const std::string_view> names,
                 std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string NoSuchEntryName(std::string_view name,
                            absl::Span<const std::string_view> known) {
  std::string names;
  for (const std::string_view each : known) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", ToAbsl(each));
  }
  return absl::StrCat("'", ToAbsl(name), "', which no entry has; there are ",
                      names);
}

}  // namespace gateway
