#include "service/ledger/ledger_commit.h"

#include <algorithm>
#include <cstddef>

namespace gateway {

void ForEachEntry(std::string_view texts,
                  absl::FunctionRef<void(std::string_view entry)> visit) {
  while (!texts.empty()) {
    const size_t end = std::min(texts.find('\n'), texts.size());
    visit(texts.substr(0, end));
    texts.remove_prefix(std::min(end + 1, texts.size()));
  }
}

}  // namespace gateway
