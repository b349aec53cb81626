#include "service/rpc/call_trailers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text/percent.h"
#include "service/api/status_trailers.h"
#include "service/rpc/binary_metadata.h"

namespace gateway {
namespace {

// Writes `grpc-message`: UTF-8 whose bytes outside of printable ASCII, and the
// percent sign, stand as %XX. So does a space at either end, because no value
// of a field may begin or end with one (RFC 9113, section 8.2.1).
std::string EncodeMessage(std::string_view text) {
  std::string encoded = PercentEncode(
      text, [](char c) { return c >= 0x20 && c <= 0x7e && c != '%'; });
  constexpr char kSpace[] = "%20";
  if (encoded.starts_with(' ')) encoded.replace(0, 1, kSpace);
  if (encoded.ends_with(' ')) encoded.replace(encoded.size() - 1, 1, kSpace);
  return encoded;
}

}  // namespace

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
                           const absl::Status& status, bool head_too,
                           ClientRetry retry) {
  if (head_too) {
    Add(":status", "200");
    Add("content-type", kGrpcContentType);
    Add("grpc-accept-encoding", kAcceptedMessageEncodings);
  }
  AddStatus(status, retry);
  Add(kRequestIdHeader, request_id);
  metadata_.AppendTo(fields_, own);
}

void CallTrailers::AddStatus(const absl::Status& status, ClientRetry retry) {
  if (status.ok()) return Add("grpc-status", "0");
  StatusTrailers trailers = ToStatusTrailers(status, retry);
  code_ = absl::StrCat(trailers.code);
  Add("grpc-status", code_);
  if (!trailers.message.empty()) {
    message_ = EncodeMessage(trailers.message);
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
