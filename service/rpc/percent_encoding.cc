#include "service/rpc/percent_encoding.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool IsPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

}  // namespace

void AppendPercentEncoded(std::string_view text, std::string* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    // Most messages are plain from one end to the other.
    const char* const plain_end = std::find_if_not(at, end, IsPlain);
    out->append(at, plain_end);
    if (plain_end == end) return;
    const auto byte = static_cast<unsigned char>(*plain_end);
    out->push_back('%');
    out->push_back(kHexDigits[byte >> 4]);
    out->push_back(kHexDigits[byte & 15]);
    at = plain_end + 1;
  }
}

}  // namespace gateway
