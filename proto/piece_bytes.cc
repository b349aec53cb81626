#include "proto/piece_bytes.h"

namespace gateway {

using ::llmgateway::v1::Delta;

size_t PieceBytes(const Delta& delta) {
  switch (delta.piece_case()) {
    case Delta::kText:
      return delta.text().size();
    case Delta::kRefusal:
      return delta.refusal().size();
    case Delta::kReasoning:
      return delta.reasoning().size();
    case Delta::kToolCall:
      return delta.tool_call().id().size() + delta.tool_call().name().size() +
             delta.tool_call().arguments().size();
    default:
      return delta.ByteSizeLong();
  }
}

}  // namespace gateway
