// Whatever comes over the wire as OpenAI's chat or embeddings, its readers
// refuse it or understand it, and understand what they then write.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "tests/fuzz/dialect_fuzz.h"

// What is no request, answer or stream is anything else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const gateway::OpenAiChat dialect;
  if (size < 2 || gateway::FuzzDialect(dialect, input)) return 0;
  const std::string_view text = input.substr(1);
  gateway::FuzzError(dialect, text);
  gateway::FuzzEmbeddings(gateway::OpenAiEmbeddings(/*ask_base64=*/true), text);
  gateway::FuzzModels(gateway::OpenAiModelList(), text);
  return 0;
}
