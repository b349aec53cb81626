#include "service/rpc/binary_metadata.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "base/string_view.h"

namespace gateway {
namespace {

std::string_view WithoutPadding(std::string_view text) {
  return text.substr(0, text.find_last_not_of('=') + 1);
}

}  // namespace

void AppendBase64(std::string_view bytes, std::string* out) {
  out->append(WithoutPadding(absl::Base64Escape(ToAbsl(bytes))));
}

std::optional<size_t> DecodeBase64(std::string_view text, char* out) {
  std::string bytes;
  if (!absl::Base64Unescape(ToAbsl(text), &bytes)) return std::nullopt;
  // Abseil takes more than one spelling: blanks, dots, bits behind the end.
  const std::string padded = absl::Base64Escape(bytes);
  if (text != padded && text != WithoutPadding(padded)) return std::nullopt;
  return bytes.copy(out, bytes.size());
}

}  // namespace gateway
