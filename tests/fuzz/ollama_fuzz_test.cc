// Whatever a server says in the place of Ollama, its readers understand it or
// refuse it, and understand the same however the stream is cut.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "providers/dialects/error_reason.h"
#include "providers/dialects/ollama/embeddings.h"
#include "providers/dialects/ollama/model_list.h"
#include "providers/dialects/ollama/ollama.h"
#include "tests/fuzz/dialect_fuzz.h"

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1,
                              size - 1);
  const gateway::Ollama dialect("");
  gateway::FuzzStream(dialect, text, data[0] % 64 + 1);
  gateway::FuzzAnswer(dialect, text);
  gateway::FuzzError(dialect, text);
  gateway::FuzzEmbeddings(gateway::OllamaEmbeddings(""), text);
  gateway::FuzzModels(gateway::OllamaModelList(), text);
  gateway::Require(!gateway::ReadErrorReport(text).ok());
  return 0;
}
