#include "service/api/provider_credential.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {

std::string_view BareCredential(std::string_view value) {
  constexpr std::string_view kScheme = "Bearer ";
  if (absl::StartsWithIgnoreCase(ToAbsl(value), ToAbsl(kScheme))) {
    value.remove_prefix(kScheme.size());
  }
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(value)));
}

}  // namespace gateway
