// KeyedHex stands for a text that nobody is to guess from it: two texts are the
// same if what it returns is, within the process.
//
//   const bool is_as_before = KeyedHex(secret.Reveal()) == before;
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_KEYED_HEX_H_
#define SERVICE_CONFIG_KEYED_HEX_H_

#include <string>
#include <string_view>

namespace gateway {

// Returns the HMAC-SHA-256 with a key that the process draws once, in
// hexadecimal.
std::string KeyedHex(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_CONFIG_KEYED_HEX_H_
