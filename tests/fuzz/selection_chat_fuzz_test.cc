// Whatever a caller says in the form of chat whose model is chosen for him, its
// readers refuse it or understand it, and a refusal is JSON of a bounded size.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/selection_chat/errors.h"
#include "providers/dialects/selection_chat/request_reader.h"
#include "providers/dialects/selection_chat/selection_chat.h"
#include "tests/fuzz/dialect_fuzz.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr size_t kRefusalBytesMax = 64 * 1024;

void RequireRefusal(const absl::Status& fault) {
  const WireError error = selection_chat::WriteError(fault, "id");
  Require(error.http_status == 422);
  Require(CheckJson(error.body).ok());
  Require(error.body.size() < kRefusalBytesMax);
}

void FuzzReader(decltype(selection_chat::ReadRequest)* read,
                std::string_view body) {
  const ExactCopy copy(body);
  v1::GenerateRequest request;
  selection_chat::RequestWishes wishes;
  const absl::Status status = read(copy.view(), &request, &wishes);
  if (!status.ok()) return RequireRefusal(status);
  Require(request.has_sampling());
  for (const v1::Message& message : request.messages()) {
    Require(message.role() != v1::ROLE_UNSPECIFIED);
    Require(message.parts_size() == 1);
  }
  for (const v1::Extension& extension : request.extensions()) {
    Require(CheckJson(extension.json()).ok());
  }
}

void FuzzPreview(std::string_view body) {
  const ExactCopy copy(body);
  v1::GenerateRequest request;
  const absl::Status status =
      selection_chat::ReadPreview(copy.view(), &request);
  if (!status.ok()) RequireRefusal(status);
}

// What is said, said as a piece of a stream, is one event.
void FuzzPiece(std::string_view text) {
  if (!IsUtf8(text)) return;
  v1::GenerateEvent event;
  event.mutable_delta()->set_text(std::string(text));
  std::string out;
  const auto writer = SelectionChat().NewEventWriter({});
  Require(writer->Write(event, &out).ok());
  if (text.empty()) return Require(out.empty());
  constexpr std::string_view kBegin = "event: content\ndata: ";
  Require(out.starts_with(kBegin) && out.ends_with("\n\n"));
  const std::string_view data = std::string_view(out).substr(
      kBegin.size(), out.size() - kBegin.size() - 2);
  Require(data.find('\n') == std::string_view::npos);
  Require(CheckJson(data).ok());
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gateway::FuzzReader(&gateway::selection_chat::ReadRequest, text);
  gateway::FuzzReader(&gateway::selection_chat::ReadLegacyRequest, text);
  gateway::FuzzPreview(text);
  gateway::FuzzPiece(text);
  return 0;
}
