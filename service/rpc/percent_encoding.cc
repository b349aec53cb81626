#include "service/rpc/percent_encoding.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool IsPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

void AppendEncoded(char c, std::string* out) {
  const auto byte = static_cast<unsigned char>(c);
  out->push_back('%');
  out->push_back(kHexDigits[byte >> 4]);
  out->push_back(kHexDigits[byte & 15]);
}

}  // namespace

void AppendPercentEncoded(std::string_view text, std::string* out) {
  if (text.starts_with(' ')) {
    AppendEncoded(' ', out);
    text.remove_prefix(1);
  }
  const bool ends_with_space = text.ends_with(' ');
  if (ends_with_space) text.remove_suffix(1);
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    // Most messages need no encoding at all.
    const char* const plain_end = std::find_if_not(at, end, IsPlain);
    out->append(at, plain_end);
    if (plain_end == end) break;
    AppendEncoded(*plain_end, out);
    at = plain_end + 1;
  }
  if (ends_with_space) AppendEncoded(' ', out);
}

}  // namespace gateway
