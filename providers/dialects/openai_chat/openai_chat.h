// The dialect `openai_chat`: OpenAI's Chat Completions, as upstream and as
// API, and the base of the many compatible ones.
//
//   const OpenAiChat dialect;
//   v1::GenerateRequest request;
//   bool stream, stream_usage;
//   GATEWAY_RETURN_IF_ERROR(
//       dialect.ReadRequest(body, &request, &stream, &stream_usage));
//
// Reading and writing is done by the files openai_chat_*, one for each thing
// that can be said; this one joins them.
//
// Thread-safe and immutable, as every dialect.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_OPENAI_CHAT_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_OPENAI_CHAT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway {

class OpenAiChat : public Dialect {
 public:
  // Speaks to a service with `quirks`. What is read from callers, and written
  // for them, is OpenAI's own format whatever the quirks.
  explicit OpenAiChat(OpenAiChatQuirks quirks = OpenAiChatQuirks());

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

  absl::Status ScanRequest(std::string_view body,
                           RequestScan* scan) const override;
  bool CanForward(const RequestScan& scan,
                  std::string_view body) const override;
  void PlanEdits(const RequestScan& scan, std::string_view model,
                 EditPlan* plan) const override;
  absl::Status ScanResponse(std::string_view body,
                            ResponseFacts* facts) const override;
  std::unique_ptr<StreamTap> NewStreamTap() const override;
  absl::Span<const MediaField> MediaFields() const override;

  WireError WriteError(const absl::Status& status,
                       std::string_view request_id) const override;

 private:
  const OpenAiChatQuirks quirks_;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_OPENAI_CHAT_H_
