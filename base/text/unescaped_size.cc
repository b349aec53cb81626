#include "base/text/unescaped_size.h"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace gateway {
namespace {

constexpr size_t kUnicodeDigits = 4;

// How many bytes of UTF-8 a unit of UTF-16 stands for.
size_t BytesOfUnit(uint16_t unit) {
  if (unit < 0x80) return 1;
  const bool is_half = (unit & 0xF800) == 0xD800;
  return unit < 0x800 || is_half ? 2 : 3;
}

}  // namespace

size_t UnescapedSize(std::string_view json) {
  size_t saved = 0;
  for (size_t at = json.find('\\'); at != json.npos;) {
    const std::string_view digits = json.substr(at + 1).starts_with('u')
                                        ? json.substr(at + 2, kUnicodeDigits)
                                        : std::string_view();
    uint16_t unit = 0;
    const auto read = std::from_chars(
        digits.data(), digits.data() + digits.size(), unit, /*base=*/16);
    const bool is_unit =
        read.ec == std::errc() && read.ptr == digits.data() + kUnicodeDigits;
    const size_t length = is_unit ? 2 + kUnicodeDigits : 2;
    saved += is_unit ? length - BytesOfUnit(unit) : 1;
    at = json.find('\\', at + length);
  }
  return json.size() - saved;
}

}  // namespace gateway
