// Reads which service tier served a call, as an answer of whichever vendor says
// so. The price goes by it, and so there is one rule: what is told last counts,
// and what is null, empty or no text tells nothing.
//
//   if (key == "service_tier") return ReadServiceTier(value, &service_tier_);
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_SERVICE_TIER_H_
#define PROVIDERS_DIALECTS_SERVICE_TIER_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {

// Replaces `tier`, a std::string or a ShortText, by what the value tells.
template <typename Text>
absl::Status ReadServiceTier(JsonValue& value, Text* tier) {
  if (!value.IsString()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view told, value.String());
  if (!told.empty()) *tier = told;
  return absl::OkStatus();
}

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_SERVICE_TIER_H_
