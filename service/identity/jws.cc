#include "service/identity/jws.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/identity/base64_url.h"
#include "service/identity/json_members.h"
#include "service/identity/json_web_key_set.h"

namespace gateway {
namespace {

absl::Status Malformed(std::string_view why) {
  return absl::InvalidArgumentError(ToAbsl(why));
}

absl::Status Refused(std::string_view why) {
  return absl::UnimplementedError(ToAbsl(why));
}

// Whether a token of this `typ` is one to call with. `application/` may be left
// out, and there is no case (RFC 7515, 4.1.9).
bool IsForCallers(std::string_view type) {
  constexpr std::string_view kMediaType = "application/";
  if (absl::StartsWithIgnoreCase(ToAbsl(type), ToAbsl(kMediaType))) {
    type.remove_prefix(kMediaType.size());
  }
  // JOSE is what SPIFFE's may have.
  for (const absl::string_view known : {"JWT", "at+jwt", "JOSE"}) {
    if (absl::EqualsIgnoreCase(ToAbsl(type), known)) return true;
  }
  return false;
}

// The member as text.
absl::StatusOr<std::string> Text(JsonValue& value, std::string_view problem) {
  if (!value.IsString()) return Malformed(problem);
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  return std::string(text);
}

absl::Status ReadHeader(std::string_view header, Jws* jws) {
  if (!CheckMembersOnce(header).ok()) {
    return Malformed("the header is no JSON object, or has a member twice");
  }
  std::optional<JwsAlgorithm> algorithm;
  const auto read = [&](std::string_view name, JsonValue& value) {
    if (name == "crit") return Refused("the header has `crit`");
    if (name == "b64") return Refused("the header has `b64`");
    if (name == "cty") return Refused("the header has `cty`");
    if (name == "alg") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string alg,
                               Text(value, "`alg` is no text"));
      algorithm = JwsAlgorithmOf(alg);
    } else if (name == "kid") {
      GATEWAY_ASSIGN_OR_RETURN(jws->kid, Text(value, "`kid` is no text"));
      if (jws->kid->size() > kKeyIdBytesMax) return Malformed("a long `kid`");
    } else if (name == "typ") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string type,
                               Text(value, "`typ` is no text"));
      if (!IsForCallers(type)) return Refused("a `typ` that is not accepted");
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(
      ReadJson(header, [&](JsonValue& root) { return root.EachField(read); }));
  if (!algorithm.has_value()) return Refused("an `alg` that is not accepted");
  jws->algorithm = *algorithm;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Jws> ParseJws(std::string_view text) {
  if (text.size() > kJwsBytesMax) return Malformed("longer than 16 KiB");
  const size_t first = text.find('.');
  const size_t last = text.rfind('.');
  if (first == last || text.substr(first + 1, last - first - 1).find('.') !=
                           std::string_view::npos) {
    return Malformed("not three texts with dots between them");
  }
  std::optional<std::string> header = DecodeBase64Url(text.substr(0, first));
  std::optional<std::string> payload =
      DecodeBase64Url(text.substr(first + 1, last - first - 1));
  std::optional<std::string> signature = DecodeBase64Url(text.substr(last + 1));
  if (!header.has_value() || !payload.has_value() || !signature.has_value()) {
    return Malformed("not base64url without padding");
  }
  Jws jws;
  GATEWAY_RETURN_IF_ERROR(ReadHeader(*header, &jws));
  jws.signed_text = text.substr(0, last);
  jws.signature = *std::move(signature);
  jws.payload = *std::move(payload);
  return jws;
}

}  // namespace gateway
