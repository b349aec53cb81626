// What a configured header may be called and hold.
//
//   absl::Status status = CheckExtraHeader(kinds, "x-team", "search");
//
// Thread-safe.

#ifndef SERVICE_CONFIG_HEADER_RULES_H_
#define SERVICE_CONFIG_HEADER_RULES_H_

#include <string_view>

#include "absl/status/status.h"
#include "providers/provider_kind.h"

namespace gateway {

// Refuses what no header's value may hold, such as line breaks. Does not repeat
// the value.
absl::Status CheckHeaderValue(std::string_view value);

// Also refuses what is not a header's name, headers that the gateway writes
// itself, and those that carry the credentials of any of `kinds`: for them
// there is `api_key`.
absl::Status CheckExtraHeader(const ProviderKinds& kinds, std::string_view name,
                              std::string_view value);

}  // namespace gateway

#endif  // SERVICE_CONFIG_HEADER_RULES_H_
