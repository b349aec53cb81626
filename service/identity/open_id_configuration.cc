#include "service/identity/open_id_configuration.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/identity/json_members.h"

namespace gateway {
namespace {

absl::Status NotOfIssuer(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("no OpenID configuration of the issuer: ", ToAbsl(what)));
}

// The member as text; empty if there is none.
absl::StatusOr<std::string> MemberText(std::string_view document,
                                       std::string_view name) {
  std::string text;
  const auto read = [&](JsonValue& value) -> absl::Status {
    if (!value.IsString()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(text, value.String());
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(ReadMember(document, name, read).status());
  return text;
}

}  // namespace

std::string OpenIdConfigurationUrl(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return absl::StrCat(ToAbsl(issuer), "/.well-known/openid-configuration");
}

absl::StatusOr<std::string> KeySetUrlOf(std::string_view document,
                                        std::string_view issuer) {
  if (document.size() > kOpenIdConfigurationBytesMax) {
    return NotOfIssuer(absl::StrCat("it has ", document.size(),
                                    " bytes; at most ",
                                    kOpenIdConfigurationBytesMax, " are read"));
  }
  if (!CheckMembersOnce(document).ok()) {
    return NotOfIssuer("it is no JSON object, or has a member twice");
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string told,
                           MemberText(document, "issuer"));
  if (told != issuer) {
    return NotOfIssuer("its `issuer` is another; it must be the same text");
  }
  GATEWAY_ASSIGN_OR_RETURN(std::string url, MemberText(document, "jwks_uri"));
  if (!url.starts_with("https://")) {
    return NotOfIssuer(
        "its `jwks_uri` must be a URL that begins with https://");
  }
  return url;
}

}  // namespace gateway
