#include "service/rpc/call_trailers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/api/status_trailers.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/percent_encoding.h"

namespace gateway {

std::string_view MetadataFields::Encoded(std::string_view name,
                                         std::string_view value) {
  if (!name.ends_with("-bin")) return value;
  AppendBase64(value, &encoded_.emplace_front());
  return encoded_.front();
}

CallHead::CallHead(MessageEncoding encoding, const FieldBlock& metadata) {
  fields_.push_back({":status", "200"});
  fields_.push_back({"content-type", kGrpcContentType});
  fields_.push_back({"grpc-accept-encoding", kAcceptedMessageEncodings});
  if (encoding == MessageEncoding::kGzip) {
    fields_.push_back({"grpc-encoding", "gzip"});
  }
  metadata_.AppendTo(fields_, metadata.View(views_));
}

CallTrailers::CallTrailers(std::string_view request_id, MetadataSpan own,
                           const absl::Status& status, bool head_too) {
  if (head_too) {
    Add(":status", "200");
    Add("content-type", kGrpcContentType);
    Add("grpc-accept-encoding", kAcceptedMessageEncodings);
  }
  AddStatus(status);
  Add(kRequestIdHeader, request_id);
  metadata_.AppendTo(fields_, own);
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
