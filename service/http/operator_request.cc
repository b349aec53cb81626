#include "service/http/operator_request.h"

#include <string_view>

#include "service/identity/trusted_proxies.h"

namespace gateway {

void AddHeadOf(const HttpRequest& request, CallContext* call) {
  for (const HttpField& field : request.fields) {
    for (const std::string_view name :
         {std::string_view("authorization"), std::string_view("x-api-key"),
          std::string_view("origin"), std::string_view("sec-fetch-site"),
          kForwardedForHeader, kRequestIdHeader}) {
      if (EqualsIgnoreCase(field.name, name)) {
        call->AddMetadata(name, field.value);
      }
    }
  }
  call->set_authority(request.target_authority.empty()
                          ? request.Find("host")
                          : request.target_authority);
}

int OperatorHttpStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace gateway
