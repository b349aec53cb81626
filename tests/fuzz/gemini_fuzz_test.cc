// Whatever comes over the wire as Gemini's, its readers refuse it or understand
// it; and what they understood is written so that it reads the same again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/sse_parser.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/embedding_dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/gemini/gemini_embeddings.h"
#include "providers/dialects/gemini/gemini_models.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// A copy with the bytes behind it that the raw path promises.
class Padded {
 public:
  explicit Padded(std::string_view text) : size_(text.size()), bytes_(text) {
    bytes_.append(kJsonPaddingBytes, '\0');
  }
  std::string_view view() const {
    return std::string_view(bytes_).substr(0, size_);
  }

 private:
  size_t size_;
  std::string bytes_;
};

// Reads and writes a request; empty if either refuses it.
std::string AgainRequest(std::string_view body) {
  const Gemini dialect;
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  std::string written;
  std::vector<v1::Warning> warnings;
  if (!dialect.ReadRequest(body, &request, &stream, &stream_usage).ok() ||
      !dialect.WriteRequest(request, {.model = "m"}, &written, &warnings)
           .ok()) {
    written.clear();
  }
  return written;
}

std::string AgainResponse(std::string_view body) {
  const Gemini dialect;
  v1::GenerateResponse response;
  std::string written;
  if (!dialect.ReadResponse(body, &response).ok() ||
      !dialect.WriteResponse(response, &written).ok()) {
    written.clear();
  }
  return written;
}

void TryRequest(std::string_view body) {
  const std::string once = AgainRequest(body);
  if (!once.empty()) Require(AgainRequest(once) == once);
  const Padded padded(body);
  RequestScan scan;
  Gemini().ScanRequest(padded.view(), &scan).IgnoreError();
}

void TryResponse(std::string_view body) {
  const std::string once = AgainResponse(body);
  if (!once.empty()) Require(AgainResponse(once) == once);
  const Padded padded(body);
  ResponseFacts facts;
  Gemini().ScanResponse(padded.view(), &facts).IgnoreError();
}

// What is read of a stream can be written.
void TryStream(std::string_view stream, size_t piece_bytes) {
  const Gemini dialect;
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  const std::unique_ptr<EventWriter> writer = dialect.NewEventWriter({});
  SseParser parser(1 << 20);
  std::string out;
  for (size_t begin = 0; begin < stream.size(); begin += piece_bytes) {
    const Padded piece(stream.substr(begin, piece_bytes));
    if (!parser.Feed(piece.view()).ok()) return;
    SseEvent event;
    while (parser.Next(&event)) {
      if (event.comment) continue;
      const Padded data(event.data);
      const bool tapped = tap->OnEvent(event.name, data.view()).ok();
      std::vector<v1::GenerateEvent> events;
      if (!reader->Read(event.name, data.view(), &events).ok()) return;
      Require(tapped);
      for (const v1::GenerateEvent& each : events) {
        if (!writer->Write(each, &out).ok()) return;
      }
    }
  }
}

void TryTheRest(std::string_view body) {
  const Gemini dialect;
  Require(!dialect.ReadError({.status = 400, .body = body}).ok());
  v1::GenerateRequest request;
  dialect.ReadCountRequest(body, &request).IgnoreError();
  dialect.ReadCountResponse(body).IgnoreError();
  const GeminiEmbeddings embeddings;
  v1::EmbedRequest embed;
  EmbeddingEncoding encoding;
  embeddings.ReadRequest(body, &embed, &encoding).IgnoreError();
  v1::EmbedResponse vectors;
  embeddings.ReadResponse(body, &vectors).IgnoreError();
  std::vector<v1::Model> models;
  GeminiModels().ReadModels(body, &models).IgnoreError();
}

}  // namespace
}  // namespace gateway

// The first byte says what the rest is: a request, an answer, a stream in
// pieces of a size that the second byte tells, or anything else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1,
                              size - 1);
  switch (data[0]) {
    case 'q':
      gateway::TryRequest(text);
      break;
    case 'a':
      gateway::TryResponse(text);
      break;
    case 's':
      gateway::TryStream(text.substr(1), data[1] % 64 + 1);
      break;
    default:
      gateway::TryTheRest(text);
  }
  return 0;
}
