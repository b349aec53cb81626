#include "service/cache/kept_answer.h"

#include <cstddef>
#include <string>

namespace gateway {
namespace {

// Of std::make_shared, before the object.
constexpr size_t kControlBlockBytes = 16;

}  // namespace

size_t HeldBytes(const std::string& text) {
  const bool is_inside = text.capacity() <= std::string().capacity();
  return is_inside ? 0 : text.capacity() + 1 + kAllocationBytes;
}

size_t HeldBytes(const KeptAnswer& answer) {
  size_t bytes = sizeof(KeptAnswer) + kControlBlockBytes + kAllocationBytes;
  bytes += HeldBytes(answer.body) + HeldBytes(answer.kept_id) +
           HeldBytes(answer.exchange_entry_id) + HeldBytes(answer.request_id) +
           HeldBytes(answer.provider) + HeldBytes(answer.credential) +
           HeldBytes(answer.model);
  if (answer.caller.has_value()) bytes += HeldBytes(*answer.caller);
  if (answer.event_ends.capacity() > 0) {
    bytes += answer.event_ends.capacity() * sizeof(size_t) + kAllocationBytes;
  }
  if (answer.warnings.capacity() > 0) bytes += kAllocationBytes;
  bytes += (answer.warnings.capacity() - answer.warnings.size()) *
           sizeof(::llmgateway::v1::Warning);
  for (const ::llmgateway::v1::Warning& warning : answer.warnings) {
    bytes += warning.SpaceUsedLong();
  }
  return bytes + answer.usage.SpaceUsedLong() - sizeof(answer.usage);
}

}  // namespace gateway
