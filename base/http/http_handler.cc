#include "base/http/http_handler.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

void HttpRequest::SetTarget(std::string_view target) {
  const size_t scheme = target.find("://");
  if (scheme != std::string_view::npos && target.front() != '/') {
    const size_t begin = target.find_first_of("/?", scheme + 3);
    target_authority = target.substr(scheme + 3, begin - (scheme + 3));
    target = begin == std::string_view::npos ? "/" : target.substr(begin);
  }
  const size_t mark = target.find('?');
  path = mark == 0 ? "/" : target.substr(0, mark);
  query = mark == std::string_view::npos ? std::string_view()
                                         : target.substr(mark + 1);
}

absl::Duration HttpServerLimits::BodyPatience(absl::Duration age,
                                              uint64_t received) const {
  const absl::Duration earned =
      absl::Milliseconds(received * 1000 / kBodyBytesPerSecondMin);
  return std::clamp(std::min(body_timeout + earned, body_time_max) - age,
                    absl::ZeroDuration(), body_timeout);
}

int StatusOfRefusal(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kResourceExhausted:
      return 431;
    case absl::StatusCode::kOutOfRange:
      return 413;
    case absl::StatusCode::kDeadlineExceeded:
      return 408;
    case absl::StatusCode::kInternal:
      return 500;
    case absl::StatusCode::kAborted:
      return 503;
    default:
      return 400;
  }
}

HttpAdmission HttpHandler::Admit(const HttpRequest&, HttpResponder&) {
  return true;
}

HttpHandler::Refusal HttpHandler::Refuse(int, std::string_view,
                                         std::string_view message) {
  return {"text/plain; charset=utf-8", absl::StrCat(ToAbsl(message), "\n")};
}

}  // namespace gateway
