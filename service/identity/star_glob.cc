#include "service/identity/star_glob.h"

#include <string.h>

#include <cstddef>
#include <string_view>

namespace gateway {

bool MatchesStarGlob(std::string_view pattern, std::string_view text) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // The first place where a piece stands leaves the most to those behind it, so
  // that no other has to be tried. memmem is linear, unlike find().
  while ((star = pattern.find('*')) != std::string_view::npos) {
    const void* const found =
        memmem(text.data(), text.size(), pattern.data(), star);
    if (found == nullptr) return false;
    text.remove_prefix(static_cast<const char*>(found) - text.data() + star);
    pattern.remove_prefix(star + 1);
  }
  return text.ends_with(pattern);
}

}  // namespace gateway
