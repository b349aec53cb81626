// A SHA-256 as ledgers write it: 64 hexadecimal digits in lower case.
//
// Thread-safe: a plain function.

#ifndef SERVICE_LEDGER_HASH_TEXT_H_
#define SERVICE_LEDGER_HASH_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

inline constexpr size_t kHashTextBytes = 64;

// Returns the hash of the text.
std::string HashText(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_LEDGER_HASH_TEXT_H_
