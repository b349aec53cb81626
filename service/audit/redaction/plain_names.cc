#include "service/audit/redaction/plain_names.h"

#include <string_view>

#include "absl/hash/hash.h"
#include "base/string_view.h"

namespace gateway {

PlainNames::PlainNames(Random& random) : seed_(random.Bits()) {}

bool PlainNames::Has(std::string_view name) const {
  const uint64_t mark = MarkOf(name);
  return marks_[mark % kNamesMax].load(std::memory_order_relaxed) == mark;
}

void PlainNames::Add(std::string_view name) {
  const uint64_t mark = MarkOf(name);
  marks_[mark % kNamesMax].store(mark, std::memory_order_relaxed);
}

uint64_t PlainNames::MarkOf(std::string_view name) const {
  const uint64_t mark = absl::HashOf(seed_, ToAbsl(name));
  return mark == 0 ? 1 : mark;
}

}  // namespace gateway
