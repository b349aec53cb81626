// Percent-encodes a text for one segment of a path (RFC 3986, section 3.3).
//
// Thread contract: plain function.

#ifndef PROVIDERS_PATH_SEGMENT_H_
#define PROVIDERS_PATH_SEGMENT_H_

#include <string>
#include <string_view>

namespace gateway {

// Encodes everything but letters, digits and `-._~`; slashes, too.
std::string EncodePathSegment(std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_PATH_SEGMENT_H_
