// Whatever a caller or a provider says in the Responses format, its readers
// neither crash nor hang, and what they have read once they read again from
// what they write.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/sse_parser.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_responses/openai_responses.h"

namespace gateway {
namespace {

// A text with just the room behind it that readers may look at.
struct Padded {
  explicit Padded(std::string_view body)
      : text(std::string(body) + std::string(kJsonPaddingBytes, '\0')),
        view(std::string_view(text).substr(0, body.size())) {}

  const std::string text;
  const std::string_view view;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

void ReadAsRequest(const OpenAiResponses& dialect, std::string_view body) {
  const Padded padded(body);
  RequestScan scan;
  static_cast<void>(dialect.ScanRequest(padded.view, &scan));
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  if (!dialect.ReadRequest(body, &request, &stream, &stream_usage).ok()) return;
  std::string written;
  std::vector<v1::Warning> warnings;
  if (!dialect
           .WriteRequest(request, {.model = request.model()}, &written,
                         &warnings)
           .ok()) {
    return;
  }
  const absl::Status again =
      dialect.ReadRequest(written, &request, &stream, &stream_usage);
  // A stored prompt may be all there was.
  Require(again.ok() || request.messages().empty());
}

void ReadAsAnswer(const OpenAiResponses& dialect, std::string_view body) {
  const Padded padded(body);
  ResponseFacts facts;
  static_cast<void>(dialect.ScanResponse(padded.view, &facts));
  v1::GenerateResponse response;
  if (!dialect.ReadResponse(body, &response).ok()) return;
  std::string written;
  if (!dialect.WriteResponse(response, &written).ok()) return;
  v1::GenerateResponse again;
  // A failure reads back as the fault that it is.
  static_cast<void>(dialect.ReadResponse(written, &again));
}

void ReadAsStream(const OpenAiResponses& dialect, std::string_view bytes) {
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const std::unique_ptr<EventWriter> writer = dialect.NewEventWriter({});
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  SseParser parser(1 << 20);
  const Padded padded(bytes);
  if (!parser.Feed(padded.view).ok()) return;
  SseEvent event;
  std::string written;
  while (parser.Next(&event)) {
    if (event.comment) continue;
    static_cast<void>(tap->OnEvent(event.name, event.data));
    std::vector<v1::GenerateEvent> events;
    if (!reader->Read(event.name, event.data, &events).ok()) break;
    for (const v1::GenerateEvent& each : events) {
      static_cast<void>(writer->Write(each, &written));
    }
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  static_cast<void>(writer->Write(end, &written));
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const gateway::OpenAiResponses dialect;
  gateway::ReadAsRequest(dialect, text);
  gateway::ReadAsAnswer(dialect, text);
  gateway::ReadAsStream(dialect, text);
  return 0;
}
