// The Messages format of Anthropic, `POST /v1/messages`, as upstream and as
// API.
//
//   anthropic_messages.h            the Dialect, over the rooms below
//     _request_reader, _request_writer, _turns    requests
//     _response, _event_reader, _event_writer     answers, whole and streamed
//     _content_reader, _content_writer            what both are made of
//     _scan                                       the raw path
//     _errors                                     failures
//     _fields, _vendor_names, _dropped_fields     what all of them share
//
// What is special: the output limit is required; instructions stand beside the
// conversation; results of tools are the user's words; input is counted without
// what the cache served; a stream's blocks follow one another.
//
// Thread-safe and stateless.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway {

// A keep-alive event, which may stand between any two events of a stream.
inline constexpr std::string_view kAnthropicMessagesPing =
    "event: ping\ndata: {\"type\":\"ping\"}\n\n";

class AnthropicMessages final : public Dialect {
 public:
  std::string_view name() const override;

  absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                           bool* stream, bool* stream_usage) const override;
  absl::Status WriteRequest(const v1::GenerateRequest& request,
                            const WriteRequestOptions& options,
                            std::string* body,
                            std::vector<v1::Warning>* warnings) const override;
  absl::Status ReadResponse(std::string_view body,
                            v1::GenerateResponse* response) const override;
  absl::Status WriteResponse(
      const v1::GenerateResponse& response, std::string* body,
      std::vector<v1::Warning>* warnings) const override;
  std::unique_ptr<EventReader> NewEventReader() const override;
  std::unique_ptr<EventWriter> NewEventWriter(
      const EventWriter::Options& options) const override;

  // Counting, `POST /v1/messages/count_tokens`. Its answer has the same errors.
  absl::Status ReadCountRequest(std::string_view body,
                                v1::GenerateRequest* request) const override;
  absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                                 std::string_view model,
                                 std::string* body) const override;
  absl::StatusOr<int64_t> ReadCountResponse(
      std::string_view body) const override;
  absl::Status WriteCountResponse(int64_t tokens,
                                  std::string* body) const override;

  absl::Status ScanRequest(std::string_view body,
                           RequestScan* scan) const override;
  // False if the request holds thoughts that the provider has not signed, which
  // it would refuse.
  bool CanForward(const RequestScan& scan,
                  std::string_view body) const override;
  absl::Status ScanResponse(std::string_view body,
                            ResponseFacts* facts) const override;
  std::unique_ptr<StreamTap> NewStreamTap() const override;
  absl::Span<const MediaField> MediaFields() const override;

  WireError WriteError(const absl::Status& status,
                       std::string_view request_id) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_
