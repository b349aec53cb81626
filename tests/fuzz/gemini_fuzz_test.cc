// Whatever comes over the wire as Gemini's, its readers refuse it or understand
// it, and understand what they then write.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/gemini/gemini_embeddings.h"
#include "providers/dialects/gemini/gemini_models.h"
#include "tests/fuzz/dialect_fuzz.h"

// What is no request, answer or stream is anything else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const gateway::Gemini dialect;
  if (size < 2 || gateway::FuzzDialect(dialect, input)) return 0;
  const std::string_view text = input.substr(1);
  gateway::FuzzError(dialect, text);
  gateway::FuzzCounting(dialect, text);
  gateway::FuzzEmbeddings(gateway::GeminiEmbeddings(), text);
  gateway::FuzzModels(gateway::GeminiModels(), text);
  return 0;
}
