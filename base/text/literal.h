// Is compares a text with a literal in place: a comparison of two views is a
// call, and of one key or name with ten others it is several.
//
//   if (Is(key, "model")) ...
//
// Thread-safe: a plain function.

#ifndef BASE_TEXT_LITERAL_H_
#define BASE_TEXT_LITERAL_H_

#include <cstddef>
#include <cstring>
#include <string_view>

namespace gateway {

template <size_t kSize>
bool Is(std::string_view text, const char (&literal)[kSize]) {
  return text.size() == kSize - 1 &&
         memcmp(text.data(), literal, kSize - 1) == 0;
}

}  // namespace gateway

#endif  // BASE_TEXT_LITERAL_H_
