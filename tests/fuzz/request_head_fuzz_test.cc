// Whatever the fields of a request say, a call that is not refused keeps its
// limits, and its metadata is what was sent.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/http1_codec.h"
#include "service/api/call_context.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/request_head.h"

namespace gateway {
namespace {

constexpr MetadataLimits kLimits{.values = 8, .bytes = 512};

void Require(bool condition) {
  if (!condition) std::abort();
}

// A call, and then a field of each line: its name, a colon and its value.
std::vector<HttpField> FieldsOf(std::string_view text) {
  std::vector<HttpField> fields = {{":method", "POST"},
                                   {":path", "/pkg.Service/Method"},
                                   {"te", "trailers"},
                                   {"content-type", "application/grpc"}};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // Pseudo fields begin with a colon.
    const size_t colon = line.find(':', 1);
    if (colon == std::string_view::npos) continue;
    fields.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  return fields;
}

void CheckMetadata(const std::vector<HttpField>& fields,
                   const RequestHead& head) {
  static const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  CallContext context(*loop, {});
  if (!AddMetadata(fields, head.metadata_bytes, context).ok()) return;
  Require(context.metadata().size() <= kLimits.values);
  size_t bytes = 0;
  for (const MetadataEntry& entry : context.metadata()) {
    Require(!IsReservedMetadataName(entry.name));
    bytes += entry.value.size();
  }
  Require(bytes <= kLimits.bytes);
}

void CheckBase64(std::string_view text) {
  // Of the exact size, so that writing past it is noticed.
  std::vector<char> bytes(text.size());
  const std::optional<size_t> size = DecodeBase64(text, bytes.data());
  if (size.has_value()) {
    std::string again;
    AppendBase64({bytes.data(), *size}, &again);
    Require(again == text.substr(0, text.find('=')));
  }
  std::string encoded;
  AppendBase64(text, &encoded);
  std::vector<char> decoded(encoded.size());
  const std::optional<size_t> back = DecodeBase64(encoded, decoded.data());
  Require(back.has_value() && std::string_view(decoded.data(), *back) == text);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<gateway::HttpField> fields = gateway::FieldsOf(text);
  const gateway::RequestHead head =
      gateway::ReadRequestHead(fields, gateway::kLimits);
  gateway::Require(head.timeout >= absl::ZeroDuration());
  if (head.status.ok()) gateway::CheckMetadata(fields, head);
  for (const gateway::HttpField& field : fields) {
    gateway::CheckBase64(field.value);
  }
  return 0;
}
