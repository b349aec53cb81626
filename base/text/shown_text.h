// Shows people what others have said - callers, models, who wrote a file - so
// that a terminal obeys nothing of it: controls, marks of direction and what
// has no width are as JSON escapes them. What is not UTF-8 becomes U+FFFD.
// Unlike in AppendJsonEscaped quotes and backslashes stay, so that JSON stays
// what it says, and text that was shown once stays as it is.
//
//   std::cerr << ShownText("a\x1b[2J\n")  // `a\u001b[2J` and a line end.
//
// What they have said of a failure is told on in UTF-8, on which protobuf and
// JSON insist, and without secrets (repeated_secret.h):
//
//   Utf8Prefix("no\xff!", 3)  // no?
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_SHOWN_TEXT_H_
#define BASE_TEXT_SHOWN_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

// Line ends and tabs stay.
std::string ShownText(std::string_view text);
// The same in one line: they are escaped, too.
std::string ShownLine(std::string_view text);

// Returns the beginning of `text`, at most so many bytes of whole characters;
// what is none becomes question marks.
std::string Utf8Prefix(std::string_view text, size_t bytes_max);

}  // namespace gateway

#endif  // BASE_TEXT_SHOWN_TEXT_H_
