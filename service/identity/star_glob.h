// Patterns in which `*` stands for any text, an empty one as well, and every
// other character for itself.
//
//   MatchesStarGlob("gpt-4*-mini", "gpt-4.1-mini")  // true
//
// Thread-safe: a plain function. Takes time proportional to both lengths
// together, whatever the pattern.

#ifndef SERVICE_IDENTITY_STAR_GLOB_H_
#define SERVICE_IDENTITY_STAR_GLOB_H_

#include <string_view>

namespace gateway {

// Returns whether the whole of `text` matches.
bool MatchesStarGlob(std::string_view pattern, std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_STAR_GLOB_H_
