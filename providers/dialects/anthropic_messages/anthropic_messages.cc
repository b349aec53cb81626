#include "providers/dialects/anthropic_messages/anthropic_messages.h"

#include "providers/dialects/anthropic_messages/errors.h"
#include "providers/dialects/anthropic_messages/event_reader.h"
#include "providers/dialects/anthropic_messages/event_writer.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/request_reader.h"
#include "providers/dialects/anthropic_messages/request_writer.h"
#include "providers/dialects/anthropic_messages/response.h"
#include "providers/dialects/anthropic_messages/scan.h"
#include "providers/dialects/named_signature.h"

namespace gateway {
namespace {

// Of a source of the type `text`, `data` is a text.
constexpr MediaField kMediaFields[] = {
    {.path = "messages.content.source.data", .type = "base64"},
    // In a document's own blocks.
    {.path = "messages.content.source.content.source.data", .type = "base64"},
    // In a tool's result.
    {.path = "messages.content.content.source.data", .type = "base64"},
};

}  // namespace

std::string_view AnthropicMessages::name() const { return anthropic::kDialect; }

absl::Status AnthropicMessages::ReadRequest(std::string_view body,
                                            v1::GenerateRequest* request,
                                            bool* stream,
                                            bool* stream_usage) const {
  // Usage is part of every stream of this format.
  *stream_usage = true;
  return anthropic::ReadRequest(body, request, stream);
}

absl::Status AnthropicMessages::WriteRequest(
    const v1::GenerateRequest& request, const WriteRequestOptions& options,
    std::string* body, std::vector<v1::Warning>* warnings) const {
  return anthropic::WriteRequest(request, options, body, warnings);
}

absl::Status AnthropicMessages::ReadResponse(
    std::string_view body, v1::GenerateResponse* response) const {
  return anthropic::ReadResponse(body, response);
}

absl::Status AnthropicMessages::WriteResponse(
    const v1::GenerateResponse& response, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  return anthropic::WriteResponse(response, body, warnings);
}

std::unique_ptr<EventReader> AnthropicMessages::NewEventReader() const {
  return std::make_unique<anthropic::MessagesEventReader>();
}

std::unique_ptr<EventWriter> AnthropicMessages::NewEventWriter(
    const EventWriter::Options& options) const {
  return std::make_unique<anthropic::MessagesEventWriter>(options);
}

absl::Status AnthropicMessages::ScanRequest(std::string_view body,
                                            RequestScan* scan) const {
  return anthropic::ScanRequest(body, scan);
}

bool AnthropicMessages::CanForward(const RequestScan&,
                                   std::string_view body) const {
  return !HasStringWithMark(body, kNamedSignaturePrefix);
}

absl::Status AnthropicMessages::ScanResponse(std::string_view body,
                                             ResponseFacts* facts) const {
  return anthropic::ScanResponse(body, facts);
}

std::unique_ptr<StreamTap> AnthropicMessages::NewStreamTap() const {
  return std::make_unique<anthropic::MessagesTap>();
}

absl::Span<const MediaField> AnthropicMessages::MediaFields() const {
  return kMediaFields;
}

WireError AnthropicMessages::WriteError(const absl::Status& status,
                                        std::string_view request_id) const {
  return anthropic::WriteError(status, request_id);
}

absl::Status AnthropicMessages::ReadCountRequest(
    std::string_view body, v1::GenerateRequest* request) const {
  return anthropic::ReadCountTokensRequest(body, request);
}

absl::Status AnthropicMessages::WriteCountRequest(
    const v1::GenerateRequest& request, std::string_view model,
    std::string* body) const {
  return anthropic::WriteCountTokensRequest(request, model, body);
}

absl::StatusOr<int64_t> AnthropicMessages::ReadCountResponse(
    std::string_view body) const {
  return anthropic::ReadCountTokensResponse(body);
}

absl::Status AnthropicMessages::WriteCountResponse(int64_t tokens,
                                                   std::string* body) const {
  anthropic::WriteCountTokensResponse(tokens, body);
  return absl::OkStatus();
}

}  // namespace gateway
