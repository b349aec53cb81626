// Reads how many tokens a provider says that there were, in whichever vendor's
// format. What it says is added up, for callers and in metrics, so a number
// that no call consumes is an error and not believed.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_TOKEN_COUNT_H_
#define PROVIDERS_DIALECTS_TOKEN_COUNT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"

namespace gateway {

// The largest count that is accepted.
inline constexpr int64_t kTokensMax = 1'000'000'000;

// Reads a count; null is 0. A negative number, or one beyond kTokensMax, is an
// error.
absl::StatusOr<int64_t> ReadTokenCount(JsonValue& value);

// Visits the fields of an object of counts as EachField does, but to its end:
// one that cannot be read does not lose the others. Returns the first error.
absl::Status EachCount(JsonValue& counts, JsonValue::FieldVisitor visit);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_TOKEN_COUNT_H_
