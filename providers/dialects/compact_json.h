// CompactJson writes a JSON text as short as it can be without another meaning:
// services put more or less space between tokens, and escape what need not be.
//
//   CompactJson(R"({ "city": "K\u00f6ln" })")  // {"city":"Köln"}
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DIALECTS_COMPACT_JSON_H_
#define PROVIDERS_DIALECTS_COMPACT_JSON_H_

#include <string>
#include <string_view>

namespace gateway {

// Returns the text without space between tokens, and with characters in place
// of `\u` escapes where a string may have them. Other escapes stay, and so does
// half of a surrogate pair. Of what is no JSON the result is none either.
std::string CompactJson(std::string_view json);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_COMPACT_JSON_H_
