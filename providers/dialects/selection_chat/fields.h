// Names that all of the dialect `selection_chat` shares.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_FIELDS_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_FIELDS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/object_fields.h"

namespace gateway::selection_chat {

namespace v1 = ::llmgateway::v1;

inline constexpr std::string_view kDialect = "selection_chat";

inline constexpr wire::ObjectFormat kFormat = {.dialect = kDialect};

// Why the model stopped, as answers say it; empty if that is not known.
constexpr std::string_view FinishReasonWord(v1::FinishReason reason) {
  switch (reason) {
    case v1::FINISH_REASON_STOP:
      return "stop";
    case v1::FINISH_REASON_LENGTH:
      return "length";
    case v1::FINISH_REASON_TOOL_CALLS:
      return "tool_calls";
    case v1::FINISH_REASON_CONTENT_FILTER:
      return "content_filter";
    case v1::FINISH_REASON_PAUSE:
      return "pause";
    case v1::FINISH_REASON_ERROR:
      return "error";
    default:
      return "";
  }
}

// Money is told in dollars.
constexpr double DollarsOf(int64_t usd_nanos) {
  return static_cast<double>(usd_nanos) / 1e9;
}

// The names of one object's fields, none of which may come twice: two readers
// could see two different objects.
class SeenFields {
 public:
  static constexpr size_t kFieldsMax = 256;

  // Fails naming the field.
  absl::Status Add(std::string_view key, const JsonValue& value) {
    if (std::find(seen_.begin(), seen_.end(), key) != seen_.end()) {
      return value.Error("given twice");
    }
    if (seen_.size() == kFieldsMax) return value.Error("too many fields");
    seen_.emplace_back(key);
    return absl::OkStatus();
  }

 private:
  std::vector<std::string> seen_;
};

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_FIELDS_H_
