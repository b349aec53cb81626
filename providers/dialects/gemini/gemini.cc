#include "providers/dialects/gemini/gemini.h"

#include "providers/dialects/gemini/errors.h"
#include "providers/dialects/gemini/event_reader.h"
#include "providers/dialects/gemini/event_writer.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/request_reader.h"
#include "providers/dialects/gemini/request_writer.h"
#include "providers/dialects/gemini/response.h"
#include "providers/dialects/gemini/scan.h"

namespace gateway {
namespace {

// Callers may write fields in either way.
constexpr MediaField kMediaFields[] = {
    {.path = "contents.parts.inlineData.data"},
    {.path = "contents.parts.inline_data.data"},
    {.path = "contents.parts.functionResponse.parts.inlineData.data"},
    {.path = "contents.parts.function_response.parts.inline_data.data"},
    // Of requests to count.
    {.path = "generateContentRequest.contents.parts.inlineData.data"},
    {.path = "generate_content_request.contents.parts.inline_data.data"},
    // Of answers.
    {.path = "candidates.content.parts.inlineData.data"},
};

}  // namespace

std::string_view Gemini::name() const { return gemini::kDialect; }

absl::Status Gemini::ReadRequest(std::string_view body,
                                 v1::GenerateRequest* request, bool* stream,
                                 bool* stream_usage) const {
  // The path says whether it is a stream; usage is part of every stream.
  *stream = false;
  *stream_usage = true;
  return gemini::ReadRequest(body, request);
}

absl::Status Gemini::WriteRequest(const v1::GenerateRequest& request,
                                  const WriteRequestOptions& options,
                                  std::string* body,
                                  std::vector<v1::Warning>* warnings) const {
  return gemini::WriteRequest(request, options.model, body, warnings);
}

absl::Status Gemini::ReadResponse(std::string_view body,
                                  v1::GenerateResponse* response) const {
  return gemini::ReadResponse(body, response);
}

absl::Status Gemini::WriteResponse(
    const v1::GenerateResponse& response, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  return gemini::WriteResponse(response, body, warnings);
}

std::unique_ptr<EventReader> Gemini::NewEventReader() const {
  return std::make_unique<gemini::ChunkReader>();
}

std::unique_ptr<EventWriter> Gemini::NewEventWriter(
    const EventWriter::Options& options) const {
  return std::make_unique<gemini::ChunkWriter>(options);
}

absl::Status Gemini::ReadCountRequest(std::string_view body,
                                      v1::GenerateRequest* request) const {
  return gemini::ReadCountRequest(body, request);
}

absl::Status Gemini::WriteCountRequest(const v1::GenerateRequest& request,
                                       std::string_view model,
                                       std::string* body) const {
  return gemini::WriteCountRequest(request, model, body);
}

absl::StatusOr<int64_t> Gemini::ReadCountResponse(std::string_view body) const {
  return gemini::ReadCountResponse(body);
}

absl::Status Gemini::WriteCountResponse(int64_t tokens,
                                        std::string* body) const {
  gemini::WriteCountResponse(tokens, body);
  return absl::OkStatus();
}

bool Gemini::CanForwardCount(std::string_view body, bool renamed) const {
  // A whole request inside names its model, too, which the edits do not change.
  return !renamed ||
         (body.find("generateContentRequest") == std::string_view::npos &&
          body.find("generate_content_request") == std::string_view::npos);
}

absl::Status Gemini::ScanRequest(std::string_view body,
                                 RequestScan* scan) const {
  return gemini::ScanRequest(body, scan);
}

void Gemini::PlanEdits(const RequestScan&, std::string_view, EditPlan*) const {}

absl::Status Gemini::ScanResponse(std::string_view body,
                                  ResponseFacts* facts) const {
  return gemini::ScanResponse(body, facts);
}

std::unique_ptr<StreamTap> Gemini::NewStreamTap() const {
  return std::make_unique<gemini::ChunkTap>();
}

absl::Span<const MediaField> Gemini::MediaFields() const {
  return kMediaFields;
}

WireError Gemini::WriteError(const absl::Status& status,
                             std::string_view) const {
  // Without the request's id: the format has no place for it but a header.
  return gemini::WriteError(status);
}

}  // namespace gateway
