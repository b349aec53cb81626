#include "providers/dialects/token_count.h"

#include "base/status_macros.h"

namespace gateway {

absl::StatusOr<int64_t> ReadTokenCount(JsonValue& value) {
  if (value.IsNull()) return 0;
  GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, value.Int64());
  if (tokens < 0 || tokens > kTokensMax) {
    return value.Error("not a plausible number of tokens");
  }
  return tokens;
}

}  // namespace gateway
