// StatusTrailers is how a call's status goes over the wire: gRPC's code and
// message, the details as bytes of google.rpc.Status, and the push-back that
// tells a client's retry policy when to try again, or not to.
//
//   const StatusTrailers trailers = ToStatusTrailers(status);
//   Send("grpc-status", trailers.code);
//   Send("grpc-message", PercentEncode(trailers.message));
//   if (!trailers.details.empty()) SendBinary(kStatusDetailsTrailer, ...);
//
// A client must not try again on top of what the gateway has tried: where a
// provider has been asked, the push-back is `-1`.
//
// Every error leaves with one ErrorInfo, whoever made it. Both texts are
// bounded (errors/fault.h), since clients limit their trailers to 8 KiB.
//
// Thread-compatible.

#ifndef SERVICE_API_STATUS_TRAILERS_H_
#define SERVICE_API_STATUS_TRAILERS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// A binary trailer, in base64 on the wire.
inline constexpr std::string_view kStatusDetailsTrailer =
    "grpc-status-details-bin";
inline constexpr std::string_view kRetryPushbackTrailer =
    "grpc-retry-pushback-ms";

struct StatusTrailers {
  int code = 0;             // By google.rpc.Code.
  std::string message;      // UTF-8, not yet percent-encoded.
  std::string details;      // Empty if OK.
  std::string pushback_ms;  // Digits or `-1`; empty if there is none.
};

// Whether a client's retry policy may try the call again.
enum class ClientRetry { kAsStatusSays, kForbidden };

StatusTrailers ToStatusTrailers(const absl::Status& status,
                                ClientRetry retry = ClientRetry::kAsStatusSays);

}  // namespace gateway

#endif  // SERVICE_API_STATUS_TRAILERS_H_
