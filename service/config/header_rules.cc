#include "service/config/header_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kHeaderNameLengthMax = 128;
constexpr size_t kValueLengthMax = 4096;

// Headers that the HTTP client or the dialect writes: framing, routing and
// content.
constexpr std::string_view kOwnHeaders[] = {
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "openai-organization",
    "openai-project",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
};

constexpr std::string_view kCredentialHeaders[] = {
    "api-key",   "authorization",  "cookie", "proxy-authorization",
    "x-api-key", "x-goog-api-key",
};

template <size_t n>
bool Contains(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsTokenCharacter(unsigned char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return absl::ascii_isalnum(c) ||
         kMarks.find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

absl::Status CheckHeaderValue(std::string_view value) {
  if (value.size() > kValueLengthMax) {
    return absl::InvalidArgumentError("is longer than 4096 characters");
  }
  const bool printable =
      std::all_of(value.begin(), value.end(),
                  [](unsigned char c) { return absl::ascii_isprint(c); });
  if (!printable) {
    return absl::InvalidArgumentError(
        "must be printable ASCII without line breaks");
  }
  if (value.starts_with(' ') || value.ends_with(' ')) {
    return absl::InvalidArgumentError("must not begin or end with a space");
  }
  return absl::OkStatus();
}

absl::Status CheckExtraHeader(std::string_view name, std::string_view value) {
  if (name.empty() || name.size() > kHeaderNameLengthMax ||
      !std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
    return absl::InvalidArgumentError(
        "is not a header's name; use letters, digits and '-'");
  }
  const std::string lower = absl::AsciiStrToLower(ToAbsl(name));
  if (Contains(kCredentialHeaders, lower)) {
    return absl::InvalidArgumentError(
        "carries credentials; use 'api_key' with env:NAME or file:path");
  }
  if (Contains(kOwnHeaders, lower)) {
    return absl::InvalidArgumentError(
        "is written by the gateway itself; remove it");
  }
  return CheckHeaderValue(value);
}

}  // namespace gateway
