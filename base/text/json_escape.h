// Writes any bytes as the inside of a JSON string: for log lines, whose texts
// come from whoever calls and must neither break the line nor fill the disk.
//
//   std::string line = "{\"model\":\"";
//   AppendJsonEscaped(model, /*bytes_limit=*/256, &line);
//   line += "\"}";
//
// Quotes, backslashes and control characters (DEL too) are escaped, and what
// moves what a terminal shows: controls above ASCII, marks of direction, what
// has no width. What is not UTF-8 becomes U+FFFD. base/text/json.h writes JSON
// for machines that must get the same text back; this one prefers a valid line
// to an exact one.

#ifndef BASE_TEXT_JSON_ESCAPE_H_
#define BASE_TEXT_JSON_ESCAPE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

// Appends `text`, escaped; of a text longer than `bytes_limit` whole characters
// of so many bytes, and "..." in place of the rest. Allocates nothing while
// `out` has room.
void AppendJsonEscaped(std::string_view text, size_t bytes_limit,
                       std::string* out);

// Returns whether the text is ASCII and nothing in it needs to be escaped.
bool IsPlainJsonText(std::string_view text);

// Copies the text to `out` and returns true if it is plain so; else returns
// false, and what stands at `out` means nothing. In one pass: a line of the
// access log has a dozen texts, most of them short.
bool CopyPlainJsonText(std::string_view text, char* out);

}  // namespace gateway

#endif  // BASE_TEXT_JSON_ESCAPE_H_
