// Cuts a text that is too long, between characters.
//
//   record.model = CutText(name, 1024);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_CUT_TEXT_H_
#define SERVICE_PIPELINE_CUT_TEXT_H_

#include <cstddef>
#include <string_view>

namespace gateway {

// At most so many bytes of UTF-8, whole characters only.
inline std::string_view CutText(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (text[bytes_max] & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CUT_TEXT_H_
