#include "service/api/provider_credential.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {

std::string_view BareCredential(std::string_view value) {
  constexpr std::string_view kScheme = "Bearer";
  const absl::string_view text = absl::StripAsciiWhitespace(ToAbsl(value));
  if (!absl::StartsWithIgnoreCase(text, ToAbsl(kScheme))) return ToStd(text);
  const absl::string_view rest = text.substr(kScheme.size());
  // The scheme alone: HTTP takes the space from a value's end.
  if (!rest.empty() && rest.front() != ' ') return ToStd(text);
  return ToStd(absl::StripAsciiWhitespace(rest));
}

std::string_view ProviderCredentialOf(std::string_view named,
                                      const CallerHead& head,
                                      bool asks_for_keys) {
  const std::string_view bare = BareCredential(named);
  if (!bare.empty() || asks_for_keys) return bare;
  const std::string_view authorized = BareCredential(head.authorization);
  return authorized.empty() ? head.api_key : authorized;
}

}  // namespace gateway
