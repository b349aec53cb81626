// However a stream of server-sent events is cut, the parser finds the same
// events in it and loses no byte.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"

namespace gateway {
namespace {

struct Outcome {
  absl::Status status;
  std::vector<std::pair<std::string, std::string>> events;  // Name and data.
  std::string bytes;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

Outcome Parse(std::string_view stream, size_t piece_bytes,
              size_t event_bytes_limit) {
  Outcome outcome;
  SseParser parser(event_bytes_limit);
  for (size_t begin = 0; begin < stream.size() && outcome.status.ok();
       begin += piece_bytes) {
    // A copy of the exact size, so that reading past it is noticed.
    const std::vector<char> piece(
        stream.begin() + begin,
        stream.begin() + begin + std::min(piece_bytes, stream.size() - begin));
    outcome.status = parser.Feed({piece.data(), piece.size()});
    SseEvent event;
    while (parser.Next(&event)) {
      outcome.bytes += event.raw;
      if (!event.comment) outcome.events.emplace_back(event.name, event.data);
    }
  }
  outcome.bytes += parser.Rest();
  return outcome;
}

}  // namespace
}  // namespace gateway

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1,
                                size - 1);
  const size_t piece_bytes = data[0] % 64 + 1;

  const size_t ample = size + 1;
  const gateway::Outcome whole = gateway::Parse(stream, ample, ample);
  const gateway::Outcome cut = gateway::Parse(stream, piece_bytes, ample);
  gateway::Require(whole.status.ok() && cut.status.ok());
  gateway::Require(whole.bytes == stream && cut.bytes == stream);
  gateway::Require(whole.events == cut.events);

  // A tight limit may end the stream early, and does no more than that.
  gateway::Parse(stream, piece_bytes, /*event_bytes_limit=*/16);
  return 0;
}
