#include "service/config/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Longer names are not compared: the cost is the product of the lengths.
constexpr size_t kComparedLengthMax = 128;
constexpr size_t kNamesShownMax = 40;

std::string Fold(std::string_view name) {
  std::string folded = absl::AsciiStrToLower(ToAbsl(name));
  std::replace(folded.begin(), folded.end(), '-', '_');
  return folded;
}

// Returns the optimal string alignment distance.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_above(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
    std::swap(two_above, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string NearestName(std::string_view written,
                        const std::vector<std::string>& names) {
  if (written.size() > kComparedLengthMax) return "";
  const std::string folded = Fold(written);
  std::string nearest;
  size_t least = kComparedLengthMax;
  for (const std::string& name : names) {
    if (name.size() > kComparedLengthMax) continue;
    const size_t distance = Distance(folded, Fold(name));
    const size_t allowed = std::max<size_t>(1, name.size() / 3);
    if (distance <= allowed && distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string Suggestion(std::string_view written,
                       const std::vector<std::string>& names) {
  const std::string nearest = NearestName(written, names);
  if (!nearest.empty()) return absl::StrCat("; did you mean '", nearest, "'?");
  if (names.empty()) return "";
  std::string text = "; known are ";
  for (size_t i = 0; i < std::min(names.size(), kNamesShownMax); ++i) {
    absl::StrAppend(&text, i == 0 ? "'" : ", '", names[i], "'");
  }
  if (names.size() > kNamesShownMax) absl::StrAppend(&text, " and others");
  return text;
}

}  // namespace gateway
