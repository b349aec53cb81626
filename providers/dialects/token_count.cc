#include "providers/dialects/token_count.h"

#include <string_view>

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

absl::Status EachCount(JsonValue& counts, JsonValue::FieldVisitor visit) {
  absl::Status first;
  GATEWAY_RETURN_IF_ERROR(
      counts.EachField([&](std::string_view key, JsonValue& value) {
        first.Update(visit(key, value));
        return absl::OkStatus();
      }));
  return first;
}

}  // namespace gateway
