// Digests by which contents are compared within one process, secrets too: they
// are keyed with a number that the process draws, so that nobody who sees one
// can try what it may be of.
//
//   if (KeyedHex(before) != KeyedHex(now)) ...
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_PROCESS_DIGEST_H_
#define SERVICE_CONFIG_PROCESS_DIGEST_H_

#include <string>
#include <string_view>

namespace gateway {

// Returns the HMAC-SHA-256 of the text, in hexadecimal, with a key that the
// process draws once.
std::string KeyedHex(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PROCESS_DIGEST_H_
