// Guesses which name somebody meant who wrote another.
//
//   NearestName("adress", {"address", "tls"})  // "address"
//   NearestName("colour", {"address", "tls"})  // ""
//
// Thread-safe.

#ifndef SERVICE_CONFIG_NEAREST_NAME_H_
#define SERVICE_CONFIG_NEAREST_NAME_H_

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// Returns the first of the names that takes the fewest insertions, deletions,
// replacements and swaps of neighbours to reach, without regard to letter case
// and `-` for `_`; empty if even that one takes more than a third of its
// length.
std::string NearestName(std::string_view written,
                        const std::vector<std::string>& names);

// Returns `; did you mean 'x'?`, or without a likely name `; known are 'x',
// 'y'` with at most twelve of them.
std::string Suggestion(std::string_view written,
                       const std::vector<std::string>& names);

}  // namespace gateway

#endif  // SERVICE_CONFIG_NEAREST_NAME_H_
