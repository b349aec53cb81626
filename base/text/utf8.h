// Texts in UTF-8 by their characters, by which code points are meant.
//
//   CountCharacters("a€")  // 2
//   CutText("a€", 3)       // "a"
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_UTF8_H_
#define BASE_TEXT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

// Counts all bytes but those that continue a character; so what is not UTF-8
// has a count, too.
int64_t CountCharacters(std::string_view text);

// Returns how many bytes the character at the front of `text` has; 0 if there
// is none, or if it is not UTF-8.
size_t CharacterBytes(std::string_view text);

// Returns Unicode's number of the character at the front of `text`, of which
// `bytes` is what CharacterBytes has returned. REQUIRES: that is not 0.
uint32_t CodePoint(std::string_view text, size_t bytes);

// Returns the first place from `at` on where a character begins, or the end.
size_t NextCharacter(std::string_view text, size_t at);

// Returns at most so many bytes of the beginning of `text`, without that of a
// character which the limit splits.
std::string_view CutText(std::string_view text, size_t bytes_max);

}  // namespace gateway

#endif  // BASE_TEXT_UTF8_H_
