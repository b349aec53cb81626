// Shows people what others have said - callers, models, who wrote a file - so
// that a terminal obeys nothing of it: controls, marks of direction and what
// has no width are as JSON escapes them. What is not UTF-8 becomes U+FFFD.
// Unlike in AppendJsonEscaped quotes and backslashes stay, so that JSON stays
// what it says, and text that was shown once stays as it is.
//
//   std::cerr << ShownText("a\x1b[2J\n")  // `a\u001b[2J` and a line end.
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_SHOWN_TEXT_H_
#define BASE_TEXT_SHOWN_TEXT_H_

#include <string>
#include <string_view>

namespace gateway {

// Line ends and tabs stay.
std::string ShownText(std::string_view text);
// The same in one line: they are escaped, too.
std::string ShownLine(std::string_view text);

}  // namespace gateway

#endif  // BASE_TEXT_SHOWN_TEXT_H_
