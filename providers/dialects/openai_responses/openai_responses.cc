#include "providers/dialects/openai_responses/openai_responses.h"

#include "providers/dialects/named_signature.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_responses/event_reader.h"
#include "providers/dialects/openai_responses/event_writer.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/request_reader.h"
#include "providers/dialects/openai_responses/request_writer.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/dialects/openai_responses/scan.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway {
namespace {

constexpr MediaField kMediaFields[] = {
    {.path = "input.content.image_url", .is_data_url = true},
    {.path = "input.content.file_data"},
    {.path = "input.content.input_audio.data"},
    // What tools gave back.
    {.path = "input.output.image_url", .is_data_url = true},
    {.path = "input.output.file_data"},
    {.path = "input.result", .type = "image_generation_call"},
    // Of answers.
    {.path = "output.result", .type = "image_generation_call"},
};

}  // namespace

std::string_view OpenAiResponses::name() const { return responses::kDialect; }

absl::Status OpenAiResponses::ReadRequest(std::string_view body,
                                          v1::GenerateRequest* request,
                                          bool* stream,
                                          bool* stream_usage) const {
  // Usage is part of every stream of this format.
  *stream_usage = true;
  return responses::ReadRequest(body, request, stream);
}

absl::Status OpenAiResponses::WriteRequest(
    const v1::GenerateRequest& request, const WriteRequestOptions& options,
    std::string* body, std::vector<v1::Warning>* warnings) const {
  return responses::WriteRequest(request, options, body, warnings);
}

absl::Status OpenAiResponses::ReadResponse(
    std::string_view body, v1::GenerateResponse* response) const {
  return responses::ReadResponse(body, response);
}

absl::Status OpenAiResponses::WriteResponse(
    const v1::GenerateResponse& response, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  return responses::WriteResponse(response, body, warnings);
}

std::unique_ptr<EventReader> OpenAiResponses::NewEventReader() const {
  return std::make_unique<responses::ResponsesEventReader>();
}

std::unique_ptr<EventWriter> OpenAiResponses::NewEventWriter(
    const EventWriter::Options& options) const {
  return std::make_unique<responses::ResponsesEventWriter>(options);
}

absl::Status OpenAiResponses::ScanRequest(std::string_view body,
                                          RequestScan* scan) const {
  return responses::ScanRequest(body, scan);
}

bool OpenAiResponses::CanForward(const RequestScan&,
                                 std::string_view body) const {
  return !HasStringWithMark(body, responses::kForeignSignature) &&
         !HasStringWithMark(body, responses::kForeignData);
}

absl::Status OpenAiResponses::ScanResponse(std::string_view body,
                                           ResponseFacts* facts) const {
  return responses::ScanResponse(body, facts);
}

std::unique_ptr<StreamTap> OpenAiResponses::NewStreamTap() const {
  return std::make_unique<responses::ResponsesTap>();
}

absl::Span<const MediaField> OpenAiResponses::MediaFields() const {
  return kMediaFields;
}

WireError OpenAiResponses::WriteError(const absl::Status& status,
                                      std::string_view) const {
  return chat::WriteError(status);
}

absl::Status OpenAiResponses::ReadCountRequest(
    std::string_view body, v1::GenerateRequest* request) const {
  bool stream = false;
  return responses::ReadRequest(body, request, &stream);
}

absl::Status OpenAiResponses::WriteCountRequest(
    const v1::GenerateRequest& request, std::string_view model,
    std::string* body) const {
  return responses::WriteCountRequest(request, model, body);
}

absl::StatusOr<int64_t> OpenAiResponses::ReadCountResponse(
    std::string_view body) const {
  return responses::ReadCountResponse(body);
}

absl::Status OpenAiResponses::WriteCountResponse(int64_t tokens,
                                                 std::string* body) const {
  responses::WriteCountResponse(tokens, body);
  return absl::OkStatus();
}

}  // namespace gateway
