// Any bytes are cut into events of which nothing is lost, wherever they are cut
// on the way; and any text is the id of an event or is refused.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "service/http/sse_cutter.h"
#include "service/http/stream_resumption.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

// The events, and what is left, of bytes that come in two pieces.
std::vector<std::string> Cut(std::string_view first, std::string_view second) {
  SseCutter cutter;
  std::vector<std::string> events;
  for (const std::string_view piece : {first, second}) {
    cutter.Add(piece);
    std::string_view event;
    while (cutter.Next(&event)) {
      Expect(WithSseId(event, "r:1").size() > event.size());
      IsSseComment(event);
      events.emplace_back(event);
    }
  }
  events.emplace_back(cutter.rest());
  return events;
}

void Check(std::string_view text) {
  const std::vector<std::string> whole = Cut(text, "");
  std::string all;
  for (const std::string& event : whole) all += event;
  Expect(all == text);
  Expect(Cut(text.substr(0, text.size() / 2), text.substr(text.size() / 2)) ==
         whole);
  const absl::StatusOr<EventId> id = ReadEventId(text);
  if (!id.ok()) {
    Expect(FaultReason(id.status()) == v1::ERROR_REASON_INVALID_REQUEST);
  } else {
    Expect(!id->request_id.empty() && text.starts_with(id->request_id));
  }
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gateway::ExactCopy copy(
      std::string_view(reinterpret_cast<const char*>(data), size));
  gateway::Check(copy.view());
  return 0;
}
