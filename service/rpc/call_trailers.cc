#include "service/rpc/call_trailers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/api/call_context.h"
#include "service/api/status_details.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/message_encoding.h"
#include "service/rpc/percent_encoding.h"

namespace gateway {

CallTrailers::CallTrailers(std::string_view request_id, MetadataSpan own,
                           const absl::Status& status, bool head_too) {
  if (head_too) {
    Add(":status", "200");
    Add("content-type", kGrpcContentType);
    Add("grpc-accept-encoding", kAcceptedMessageEncodings);
  }
  AddStatus(status);
  Add(kRequestIdHeader, request_id);
  binary_.reserve(own.size());  // The fields point at its elements.
  for (const auto& [name, value] : own) {
    if (std::string_view(name).ends_with("-bin")) {
      std::string& encoded = binary_.emplace_back();
      AppendBase64(value, &encoded);
      Add(name, encoded);
    } else {
      Add(name, value);
    }
  }
}

void CallTrailers::AddStatus(const absl::Status& status) {
  if (status.ok()) return Add("grpc-status", "0");
  StatusTrailers trailers = ToStatusTrailers(status);
  code_ = absl::StrCat(trailers.code);
  Add("grpc-status", code_);
  if (!trailers.message.empty()) {
    AppendPercentEncoded(trailers.message, &message_);
    Add("grpc-message", message_);
  }
  if (!trailers.details.empty()) {
    AppendBase64(trailers.details, &details_);
    Add(kStatusDetailsTrailer, details_);
  }
  if (!trailers.pushback_ms.empty()) {
    pushback_ms_ = std::move(trailers.pushback_ms);
    Add(kRetryPushbackTrailer, pushback_ms_);
  }
}

}  // namespace gateway
