#include "base/text/shown_text.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "base/text/json_escape.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

// What of it stays as it is is printable, or one of `as_it_is`.
std::string WithEscapes(std::string_view text, std::string_view as_it_is) {
  const auto stays = [as_it_is](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c)) ||
           as_it_is.find(c) != std::string_view::npos;
  };
  std::string shown;
  while (!text.empty()) {
    const auto plain = static_cast<size_t>(
        std::find_if_not(text.begin(), text.end(), stays) - text.begin());
    shown.append(text.substr(0, plain));
    text.remove_prefix(plain);
    const size_t bytes =
        std::min(std::max<size_t>(CharacterBytes(text), 1), text.size());
    AppendJsonEscaped(text.substr(0, bytes), bytes, &shown);
    text.remove_prefix(bytes);
  }
  return shown;
}

}  // namespace

std::string ShownText(std::string_view text) {
  return WithEscapes(text, "\n\t");
}

std::string ShownLine(std::string_view text) { return WithEscapes(text, ""); }

std::string Utf8Prefix(std::string_view text, size_t bytes_max) {
  std::string prefix;
  prefix.reserve(std::min(text.size(), bytes_max));
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (prefix.size() + std::max<size_t>(bytes, 1) > bytes_max) break;
    if (bytes == 0) {
      prefix.push_back('?');
      text.remove_prefix(1);
    } else {
      prefix.append(text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
  }
  return prefix;
}

}  // namespace gateway
