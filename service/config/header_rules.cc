#include "service/config/header_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/types/span.h"
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
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
};

constexpr std::string_view kCredentialHeaders[] = {
    "authorization",
    "cookie",
    "proxy-authorization",
};

bool Contains(absl::Span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether the kind of a provider has the name among `headers`.
bool AnyHas(const ProviderKinds& kinds,
            absl::Span<const std::string_view> ProviderKind::* headers,
            std::string_view name) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const ProviderKind* kind) {
    return Contains(kind->*headers, name);
  });
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

absl::Status CheckExtraHeader(const ProviderKinds& kinds, std::string_view name,
                              std::string_view value) {
  if (name.empty() || name.size() > kHeaderNameLengthMax ||
      !std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
    return absl::InvalidArgumentError(
        "is not a header's name; use letters, digits and '-'");
  }
  const std::string lower = absl::AsciiStrToLower(ToAbsl(name));
  if (Contains(kCredentialHeaders, lower) ||
      AnyHas(kinds, &ProviderKind::credential_headers, lower)) {
    return absl::InvalidArgumentError(
        "carries credentials; use 'api_key' with env:NAME or file:path");
  }
  if (Contains(kOwnHeaders, lower) ||
      AnyHas(kinds, &ProviderKind::own_headers, lower)) {
    return absl::InvalidArgumentError(
        "is written by the gateway itself; remove it");
  }
  if (value.starts_with("env:") || value.starts_with("file:")) {
    return absl::InvalidArgumentError(
        "would be sent as it is, and not what it refers to; a credential has "
        "its place in 'api_key'");
  }
  return CheckHeaderValue(value);
}

}  // namespace gateway
