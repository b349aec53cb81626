// Reads what a provider says that it has charged: `usage.cost`, dollars as a
// JSON number, as OpenRouter and other services with the format of OpenAI tell
// it.
//
//   if (key == "cost") return ReadProviderCost(value, usage, &raw);
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_PROVIDER_COST_H_
#define PROVIDERS_DIALECTS_PROVIDER_COST_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// Returns the nano-dollars of a JSON number of dollars, such as `1.25e-05`,
// rounded half up, without a double between. Nothing if it is negative, a
// billion dollars or more, or no number.
std::optional<int64_t> NanosOfDollars(std::string_view number);

// Sets `provider_cost_usd_nanos` by the value; it is unset if that is anything
// but a plausible amount, of which the answer is as good as without. Returns
// the value's text; an error if it is no JSON.
absl::StatusOr<std::string_view> ReadProviderCost(JsonValue& value,
                                                  llmgateway::v1::Usage* usage);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_PROVIDER_COST_H_
