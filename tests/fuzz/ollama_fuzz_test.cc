// Whatever a server says in the place of Ollama, its readers understand it or
// refuse it, and understand the same however the stream is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/json_lines.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/ollama/embeddings.h"
#include "providers/dialects/ollama/errors.h"
#include "providers/dialects/ollama/event_reader.h"
#include "providers/dialects/ollama/model_list.h"
#include "providers/dialects/ollama/response.h"

namespace gateway {
namespace {

struct Outcome {
  absl::Status status;
  bool done = false;
  std::string events;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

Outcome ReadStream(std::string_view stream, size_t piece_bytes) {
  Outcome outcome;
  JsonLines lines(stream.size() + 1);
  ollama::ChatEventReader reader;
  std::vector<v1::GenerateEvent> events;
  for (size_t begin = 0; begin < stream.size() && outcome.status.ok();
       begin += piece_bytes) {
    // A copy of the exact size, so that reading past it is noticed.
    const std::vector<char> piece(
        stream.begin() + begin,
        stream.begin() + begin + std::min(piece_bytes, stream.size() - begin));
    Require(lines.Feed({piece.data(), piece.size()}).ok());
    std::string_view line;
    while (outcome.status.ok() && lines.Next(&line)) {
      outcome.status = reader.Read("", line, &events);
    }
  }
  outcome.done = reader.done();
  for (const v1::GenerateEvent& event : events) {
    outcome.events += event.SerializeAsString();
  }
  return outcome;
}

}  // namespace
}  // namespace gateway

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1,
                              size - 1);
  const gateway::Outcome whole = gateway::ReadStream(text, size);
  const gateway::Outcome cut = gateway::ReadStream(text, data[0] % 64 + 1);
  gateway::Require(whole.status == cut.status);
  gateway::Require(whole.done == cut.done);
  gateway::Require(whole.events == cut.events);

  gateway::v1::GenerateResponse response;
  gateway::ollama::ReadResponse(text, &response).IgnoreError();
  gateway::v1::EmbedResponse vectors;
  gateway::OllamaEmbeddings("").ReadResponse(text, &vectors).IgnoreError();
  std::vector<gateway::v1::Model> models;
  gateway::OllamaModelList().ReadModels(text, &models).IgnoreError();
  gateway::Require(!gateway::ollama::ReadErrorLine(text).ok());
  return 0;
}
