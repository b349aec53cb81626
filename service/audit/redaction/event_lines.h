// An event of a stream may have its data in several lines, which its reader
// puts together. What is kept of a stream has such JSON in one line, so that
// redaction sees what the reader sees.
//
//   std::string joined;
//   body = WithDataInOneLine(body, &joined);
//
// Thread-safe: plain functions.

#ifndef SERVICE_AUDIT_REDACTION_EVENT_LINES_H_
#define SERVICE_AUDIT_REDACTION_EVENT_LINES_H_

#include <string>
#include <string_view>

namespace gateway {

// Whether a text may be JSON that has members or elements.
bool MayBeJson(std::string_view text);

// Returns `events` itself if no event has JSON in several lines; else what
// `joined` is made to be: in such events a space is in place of each end of a
// line, which is white space in JSON, and other fields come first.
std::string_view WithDataInOneLine(std::string_view events,
                                   std::string* joined);

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_EVENT_LINES_H_
