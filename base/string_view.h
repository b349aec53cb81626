// Between std::string_view, which we use, and absl::string_view, which in
// Debian's build of Abseil is another type.
//
//   absl::StrAppend(&out, ToAbsl(name), ": ", ToAbsl(value));
//   std::string_view message = ToStd(status.message());
//
// Strings and literals need neither. Both views share the characters.

#ifndef BASE_STRING_VIEW_H_
#define BASE_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace gateway {

inline absl::string_view ToAbsl(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

inline std::string_view ToStd(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

}  // namespace gateway

#endif  // BASE_STRING_VIEW_H_
