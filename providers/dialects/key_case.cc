#include "providers/dialects/key_case.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway::wire {
namespace {

// The only characters beyond ASCII that fold to letters of it: the long s and
// the sign of the kelvin.
constexpr std::string_view kLongS = "\u017f";
constexpr std::string_view kKelvin = "\u212a";

// Returns the letter that the character at the front of `key` folds to, and how
// many bytes it has.
struct Folded {
  char letter;
  size_t bytes = 1;
};

Folded FoldFront(std::string_view key) {
  if (key.starts_with(kLongS)) return {'s', kLongS.size()};
  if (key.starts_with(kKelvin)) return {'k', kKelvin.size()};
  return {absl::ascii_tolower(static_cast<unsigned char>(key.front()))};
}

}  // namespace

bool IsTakenFor(std::string_view key, std::string_view name) {
  // Nothing folds to more bytes than it has, which settles most keys.
  if (key.size() < name.size()) return false;
  for (const char letter : name) {
    if (key.empty()) return false;
    const Folded front = FoldFront(key);
    if (front.letter !=
        absl::ascii_tolower(static_cast<unsigned char>(letter))) {
      return false;
    }
    key.remove_prefix(front.bytes);
  }
  return key.empty();
}

absl::Status WrongCase(const JsonValue& value, std::string_view name) {
  return value.Error(absl::StrCat(
      "differs from `", ToAbsl(name),
      "` in letter case only, for which some servers take it: write `",
      ToAbsl(name), "`"));
}

}  // namespace gateway::wire
