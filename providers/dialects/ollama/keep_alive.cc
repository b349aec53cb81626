#include "providers/dialects/ollama/keep_alive.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "base/string_view.h"

namespace gateway::ollama {

void WriteKeepAlive(std::string_view keep_alive, ObjectWriter& object) {
  constexpr std::string_view kKey = "keep_alive";
  if (keep_alive.empty() || object.Has(kKey)) return;
  // Bare seconds are written as a number: as a text they would lack a unit.
  int64_t seconds = 0;
  if (absl::SimpleAtoi(ToAbsl(keep_alive), &seconds)) {
    object.Int64(kKey, seconds);
  } else {
    object.Text(kKey, keep_alive);
  }
}

}  // namespace gateway::ollama
