#include "providers/dialects/data_url.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

std::string Base64(std::string_view bytes) {
  return absl::Base64Escape(ToAbsl(bytes));
}

bool ReadBase64(std::string_view text, std::string* bytes) {
  return absl::Base64Unescape(ToAbsl(text), bytes);
}

bool ReadDataUrl(std::string_view url, std::string* media_type,
                 std::string* bytes) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kEncoding = ";base64,";
  // The data itself is not searched: a media type with parameters is short.
  constexpr size_t kHeaderBytesMax = 256;
  if (!url.starts_with(kScheme)) return false;
  const size_t encoding = url.substr(0, kHeaderBytesMax).find(kEncoding);
  if (encoding == std::string_view::npos) return false;
  if (!ReadBase64(url.substr(encoding + kEncoding.size()), bytes)) return false;
  *media_type = url.substr(kScheme.size(), encoding - kScheme.size());
  return true;
}

std::string WriteDataUrl(std::string_view media_type, std::string_view bytes) {
  return absl::StrCat("data:", ToAbsl(media_type), ";base64,", Base64(bytes));
}

}  // namespace gateway
