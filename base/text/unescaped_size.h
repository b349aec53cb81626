// How long what a JSON text says is without its escapes: services differ in
// what they escape, and say the same.
//
//   UnescapedSize(R"(a\n\u4f60)")  // 5: a letter, a line feed, three of UTF-8.
//
// Thread-safe: a plain function.

#ifndef BASE_TEXT_UNESCAPED_SIZE_H_
#define BASE_TEXT_UNESCAPED_SIZE_H_

#include <cstddef>
#include <string_view>

namespace gateway {

// Returns how many bytes the text has once what its escapes stand for is in
// their place, in UTF-8. Of an escape that is cut off, or means nothing, the
// backslash alone is left out. Half of a surrogate pair counts as half of four
// bytes.
size_t UnescapedSize(std::string_view json);

}  // namespace gateway

#endif  // BASE_TEXT_UNESCAPED_SIZE_H_
