// What may be a name in the configuration, or a text that is shown to people.
//
// Thread-safe: free functions.

#ifndef SERVICE_CONFIG_CONFIG_NAMES_H_
#define SERVICE_CONFIG_CONFIG_NAMES_H_

#include <string_view>

namespace gateway {

// Returns whether `text` is 1 to 64 letters, digits and `marks`.
bool IsConfigName(std::string_view text, std::string_view marks,
                  bool upper_case);

// Returns whether `text` may be the name of a model, which goes into URLs, logs
// and headers.
bool IsModelName(std::string_view text);

// Returns whether all of `text` is printable ASCII.
bool IsPrintableText(std::string_view text);

// What to say of a text that is not.
inline constexpr char kBadModelName[] =
    "must be a model's name: 1 to 256 characters without white space";

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_NAMES_H_
