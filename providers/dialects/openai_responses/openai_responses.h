// The Responses format of OpenAI, `POST /v1/responses`, as upstream and as
// API.
//
//   openai_responses.h              the Dialect, over the rooms below
//     request_reader, _writer       requests
//     response, event_reader, event_writer    answers, whole and streamed
//     item_reader, item_writer      the items that both are made of
//     content, tools                what the items and requests hold
//     scan                          the raw path
//     errors                        failures
//     fields, words                 what all of them share
//
// What is special: a conversation is a list of items, in which the words of a
// turn, its tool calls and its reasoning stand side by side; instructions
// stand apart; an answer that waits for tools is as complete as any other; a
// stream tells the beginning and the end of everything.
//
// Thread-safe and stateless.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_OPENAI_RESPONSES_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_OPENAI_RESPONSES_H_

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

class OpenAiResponses final : public Dialect {
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

  // Counting, `POST /v1/responses/input_tokens`. Its answer has the same
  // errors.
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

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_OPENAI_RESPONSES_H_
