#include "providers/delta_size.h"

#include "providers/dialects/event_text.h"

namespace gateway {

int64_t SaidIn(const llmgateway::v1::Delta& delta) {
  const auto bytes = static_cast<int64_t>(
      delta.text().size() + delta.refusal().size() + delta.reasoning().size() +
      delta.tool_call().name().size() + delta.tool_call().arguments().size());
  return delta.has_opaque() ? bytes + SaidIn(delta.opaque().json()) : bytes;
}

}  // namespace gateway
