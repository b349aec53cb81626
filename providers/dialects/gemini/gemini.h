// Google's Gemini API, as upstream and as API.
//
//   gemini.h                                   the Dialect, over the rooms
//   below
//     _request_reader, _request_writer         requests
//     _generation_config, _tools, _turns       what they are made of
//     _response, _event_reader, _event_writer  answers, whole and streamed
//     _candidate                               what both are made of
//     _part_reader, _part_writer, _schema      what all of them are made of
//     _scan                                    the raw path
//     _errors                                  failures
//     _fields, _words                          what all of them share
//   gemini_embeddings.h, gemini_models.h       the API's other formats
//
// What is special: the path names the model and says whether the answer is a
// stream; calls need no ids and results name their tool; each part may be
// signed; a call ends a turn without a word for it; a blocked prompt is an
// answer without candidates; streams end with the connection.
//
// Thread-safe and stateless.

#ifndef PROVIDERS_DIALECTS_GEMINI_GEMINI_H_
#define PROVIDERS_DIALECTS_GEMINI_GEMINI_H_

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

class Gemini final : public Dialect {
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

  absl::Status ReadCountRequest(std::string_view body,
                                v1::GenerateRequest* request) const override;
  absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                                 std::string_view model,
                                 std::string* body) const override;
  absl::StatusOr<int64_t> ReadCountResponse(
      std::string_view body) const override;
  bool CanForwardCount(std::string_view body, bool renamed) const override;
  absl::Status WriteCountResponse(int64_t tokens,
                                  std::string* body) const override;

  absl::Status ScanRequest(std::string_view body,
                           RequestScan* scan) const override;
  void PlanEdits(const RequestScan& scan, std::string_view model,
                 EditPlan* plan) const override;
  absl::Status ScanResponse(std::string_view body,
                            ResponseFacts* facts) const override;
  std::unique_ptr<StreamTap> NewStreamTap() const override;
  absl::Span<const MediaField> MediaFields() const override;

  WireError WriteError(const absl::Status& status,
                       std::string_view request_id) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_GEMINI_GEMINI_H_
