#include "service/pipeline/allowed_origins.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// An origin as browsers write it: in lower case, without its scheme's port.
std::string Normalized(std::string origin) {
  absl::AsciiStrToLower(&origin);
  const bool https = origin.rfind("https://", 0) == 0;
  return std::string(absl::StripSuffix(origin, https ? ":443" : ":80"));
}

}  // namespace

bool IsSameOrigin(std::string_view origin, std::string_view authority) {
  const size_t scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;  // As `null`.
  return absl::EqualsIgnoreCase(ToAbsl(origin.substr(scheme_end + 3)),
                                ToAbsl(authority));
}

AllowedOrigins::AllowedOrigins(
    const llmgateway::config::v1::CorsConfig& config) {
  for (const std::string& origin : config.allowed_origins()) {
    if (origin == "*") {
      all_ = true;
    } else {
      origins_.insert(Normalized(origin));
    }
  }
}

std::string_view AllowedOrigins::Find(std::string_view origin) const {
  const auto found = origins_.find(std::string(origin));
  if (found == origins_.end()) return {};
  return *found;
}

}  // namespace gateway
