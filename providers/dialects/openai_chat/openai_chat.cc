#include "providers/dialects/openai_chat/openai_chat.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/event_reader.h"
#include "providers/dialects/openai_chat/event_writer.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/request_reader.h"
#include "providers/dialects/openai_chat/request_writer.h"
#include "providers/dialects/openai_chat/response.h"
#include "providers/dialects/openai_chat/scan.h"
#include "providers/dialects/openai_chat/stream_tap.h"

namespace gateway {
namespace {

constexpr MediaField kMediaFields[] = {
    {.path = "messages.content.image_url.url", .is_data_url = true},
    {.path = "messages.content.input_audio.data"},
    {.path = "messages.content.file.file_data"},
    // Of answers.
    {.path = "choices.message.audio.data"},
    {.path = "choices.message.images.image_url.url", .is_data_url = true},
};

}  // namespace

OpenAiChat::OpenAiChat(OpenAiChatQuirks quirks) : quirks_(std::move(quirks)) {}

std::string_view OpenAiChat::name() const { return chat::kDialect; }

absl::Status OpenAiChat::ReadRequest(std::string_view body,
                                     v1::GenerateRequest* request, bool* stream,
                                     bool* stream_usage) const {
  return chat::ReadRequest(body, request, stream, stream_usage);
}

absl::Status OpenAiChat::WriteRequest(
    const v1::GenerateRequest& request, const WriteRequestOptions& options,
    std::string* body, std::vector<v1::Warning>* warnings) const {
  return chat::WriteRequest(request, options, body, warnings, quirks_);
}

absl::Status OpenAiChat::ReadResponse(std::string_view body,
                                      v1::GenerateResponse* response) const {
  return chat::ReadResponse(body, response);
}

absl::Status OpenAiChat::WriteResponse(
    const v1::GenerateResponse& response, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  return chat::WriteResponse(response, body, warnings);
}

std::unique_ptr<EventReader> OpenAiChat::NewEventReader() const {
  return chat::NewEventReader(quirks_.done_marker);
}

std::unique_ptr<EventWriter> OpenAiChat::NewEventWriter(
    const EventWriter::Options& options) const {
  return chat::NewEventWriter(options);
}

absl::Status OpenAiChat::ScanRequest(std::string_view body,
                                     RequestScan* scan) const {
  return chat::ScanRequest(body, scan);
}

bool OpenAiChat::CanForward(const RequestScan& scan,
                            std::string_view body) const {
  return chat::CanForward(scan, body, quirks_);
}

void OpenAiChat::PlanEdits(const RequestScan& scan, std::string_view model,
                           EditPlan* plan) const {
  chat::PlanEdits(scan, model, plan, quirks_);
}

absl::Status OpenAiChat::ScanResponse(std::string_view body,
                                      ResponseFacts* facts) const {
  return chat::ScanResponse(body, facts);
}

std::unique_ptr<StreamTap> OpenAiChat::NewStreamTap() const {
  return chat::NewStreamTap(quirks_.done_marker);
}

absl::Span<const MediaField> OpenAiChat::MediaFields() const {
  return kMediaFields;
}

WireError OpenAiChat::WriteError(const absl::Status& status,
                                 std::string_view /*request_id*/) const {
  // Without the request's id: OpenAI tells it in a header only.
  return chat::WriteError(status);
}

}  // namespace gateway
