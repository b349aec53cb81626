#include "service/observability/call_words.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

std::string_view AttemptKindWord(v1::Attempt::Kind kind) {
  switch (kind) {
    case v1::Attempt::KIND_FIRST:
      return "first";
    case v1::Attempt::KIND_RETRY:
      return "retry";
    case v1::Attempt::KIND_FALLBACK:
      return "fallback";
    case v1::Attempt::KIND_HEDGE:
      return "hedge";
    case v1::Attempt::KIND_RECONNECT:
      return "reconnect";
    default:
      return {};
  }
}

std::string_view FinishReasonWord(v1::FinishReason reason) {
  switch (reason) {
    case v1::FINISH_REASON_STOP:
      return "stop";
    case v1::FINISH_REASON_LENGTH:
      return "length";
    case v1::FINISH_REASON_TOOL_CALLS:
      return "tool_calls";
    case v1::FINISH_REASON_CONTENT_FILTER:
      return "content_filter";
    case v1::FINISH_REASON_PAUSE:
      return "pause";
    case v1::FINISH_REASON_ERROR:
      return "error";
    default:
      return {};
  }
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
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
    case absl::StatusCode::kCancelled:
      return 499;
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
