// Whatever comes over the wire as Anthropic's, its readers refuse it or
// understand it, and understand what they then write.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/anthropic_messages/model_list.h"
#include "tests/fuzz/dialect_fuzz.h"

// What is no request, answer or stream is anything else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const gateway::AnthropicMessages dialect;
  if (size < 2 || gateway::FuzzDialect(dialect, input)) return 0;
  const std::string_view text = input.substr(1);
  gateway::FuzzError(dialect, text);
  gateway::FuzzCounting(dialect, text);
  gateway::FuzzModels(gateway::AnthropicModelList(), text);
  return 0;
}
