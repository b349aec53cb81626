// Whatever a caller or a provider says in the Responses format, its readers
// refuse it or understand it, and understand what they then write.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "providers/dialects/openai_responses/openai_responses.h"
#include "tests/fuzz/dialect_fuzz.h"

// How it is cut as a stream is left to its size.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const gateway::OpenAiResponses dialect;
  gateway::FuzzRequest(dialect, text);
  gateway::FuzzAnswer(dialect, text);
  gateway::FuzzStream(dialect, text, size % 64 + 1);
  gateway::FuzzError(dialect, text);
  return 0;
}
