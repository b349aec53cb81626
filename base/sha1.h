// SHA-1 (FIPS 180-4) of texts in memory, for what names things by it, such as
// Redis its scripts. It protects nothing.
//
//   Sha1Hex("abc")  // "a9993e364706816aba3e25717850c26c9cd0d89d"
//
// Thread-safe: plain function.

#ifndef BASE_SHA1_H_
#define BASE_SHA1_H_

#include <string>
#include <string_view>

namespace gateway {

// In 40 lower-case hexadecimal digits.
std::string Sha1Hex(std::string_view text);

}  // namespace gateway

#endif  // BASE_SHA1_H_
