#include "service/config/config_names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

constexpr size_t kConfigNameLengthMax = 64;
constexpr size_t kModelLengthMax = 256;

}  // namespace

bool IsConfigName(std::string_view text, std::string_view marks,
                  bool upper_case) {
  return !text.empty() && text.size() <= kConfigNameLengthMax &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  (upper_case && absl::ascii_isupper(c)) ||
                  marks.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

bool IsModelName(std::string_view text) {
  return !text.empty() && text.size() <= kModelLengthMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > ' ' && c != 0x7F; });
}

bool IsPrintableText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isprint(c); });
}

}  // namespace gateway
