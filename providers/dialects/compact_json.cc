#include "providers/dialects/compact_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "base/text/json_token.h"

namespace gateway {
namespace {

constexpr size_t kUnicodeBytes = 6;  // Of one escape.

bool IsHighSurrogate(std::string_view escape) {
  uint16_t unit = 0;
  const char* const digits = escape.data() + 2;
  const auto read = std::from_chars(digits, escape.data() + escape.size(), unit,
                                    /*base=*/16);
  return read.ec == std::errc() && (unit & 0xFC00) == 0xD800;
}

bool NeedsEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// Appends the escape at the front of `json`, or what it stands for, and returns
// its length.
size_t AppendEscape(std::string_view json, std::string* out) {
  if (json.size() < kUnicodeBytes || json[1] != 'u') {
    out->append(json.substr(0, 2));
    return std::min<size_t>(json.size(), 2);
  }
  const bool is_pair = IsHighSurrogate(json.substr(0, kUnicodeBytes)) &&
                       json.size() >= 2 * kUnicodeBytes;
  const std::string_view escape =
      json.substr(0, is_pair ? 2 * kUnicodeBytes : kUnicodeBytes);
  std::array<char, 2 * kUnicodeBytes> said;
  const char* const end = UnescapeJson(escape, said.data());
  if (end == nullptr || NeedsEscape(said[0])) {
    out->append(json.substr(0, kUnicodeBytes));
    return kUnicodeBytes;
  }
  out->append(said.data(), static_cast<size_t>(end - said.data()));
  return escape.size();
}

}  // namespace

std::string CompactJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (in_string && c == '\\') {
      at += AppendEscape(json.substr(at), &out);
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || !IsJsonSpace(c)) out.push_back(c);
    ++at;
  }
  return out;
}

}  // namespace gateway
