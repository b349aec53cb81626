// What may be a name in the configuration.
//
// Thread-safe: free functions.

#ifndef SERVICE_CONFIG_CONFIG_NAMES_H_
#define SERVICE_CONFIG_CONFIG_NAMES_H_

#include <string_view>

namespace gateway {

// Letters, digits and the marks, 1 to 64 of them.
bool IsConfigName(std::string_view text, std::string_view marks,
                  bool upper_case);

// A model's name goes into URLs, logs and headers.
bool IsModelName(std::string_view text);

// What is wrong with a text that is not a model's name.
inline constexpr char kBadModelName[] =
    "must be a model's name: 1 to 256 characters without white space";

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_NAMES_H_
