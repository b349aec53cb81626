// The dialect `selection_chat`: chat of which the caller says what its model
// must be able to do, and for which node of its pipeline it is, and not which
// model it is. It is an API only; no provider speaks it.
//
//   const SelectionChat dialect;
//   GATEWAY_RETURN_IF_ERROR(
//       dialect.ReadRequest(body, &request, &stream, &stream_usage));
//
// Thread-safe and immutable, as every dialect.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_CHAT_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_CHAT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway {

class SelectionChat final : public Dialect {
 public:
  std::string_view name() const override;

  absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                           bool* stream, bool* stream_usage) const override;
  absl::Status WriteResponse(const v1::GenerateResponse& response,
                             std::string* body,
                             std::vector<v1::Warning>* warnings) const override;
  std::unique_ptr<EventWriter> NewEventWriter(
      const EventWriter::Options& options) const override;
  WireError WriteError(const absl::Status& status,
                       std::string_view request_id) const override;

  // UNIMPLEMENTED, since no provider speaks it.
  absl::Status WriteRequest(const v1::GenerateRequest& request,
                            const WriteRequestOptions& options,
                            std::string* body,
                            std::vector<v1::Warning>* warnings) const override;
  absl::Status ReadResponse(std::string_view body,
                            v1::GenerateResponse* response) const override;
  // Of which each event is an error.
  std::unique_ptr<EventReader> NewEventReader() const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_CHAT_H_
