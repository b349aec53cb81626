#include "base/redis/redis_error.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kErrorBytesMax = 256;

struct ErrorCode {
  std::string_view name;
  absl::StatusCode code;
};

constexpr ErrorCode kErrorCodes[] = {
    {"ASK", absl::StatusCode::kUnavailable},
    {"BUSY", absl::StatusCode::kUnavailable},
    {"CLUSTERDOWN", absl::StatusCode::kUnavailable},
    {"LOADING", absl::StatusCode::kUnavailable},
    {"MASTERDOWN", absl::StatusCode::kUnavailable},
    {"MISCONF", absl::StatusCode::kUnavailable},
    {"MOVED", absl::StatusCode::kUnavailable},
    {"NOREPLICAS", absl::StatusCode::kUnavailable},
    {"READONLY", absl::StatusCode::kUnavailable},
    {"TRYAGAIN", absl::StatusCode::kUnavailable},
    {"OOM", absl::StatusCode::kResourceExhausted},
    {"NOAUTH", absl::StatusCode::kUnauthenticated},
    {"WRONGPASS", absl::StatusCode::kUnauthenticated},
    {"NOPERM", absl::StatusCode::kPermissionDenied},
};

absl::StatusCode CodeOf(std::string_view error) {
  const std::string_view name = RedisErrorCode(ToAbsl(error));
  for (const ErrorCode& each : kErrorCodes) {
    if (each.name == name) return each.code;
  }
  if (error.starts_with("ERR max number of clients")) {
    return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kFailedPrecondition;
}

}  // namespace

std::string_view RedisErrorCode(absl::string_view error) {
  const std::string_view text = ToStd(error);
  return text.substr(0, text.find(' '));
}

absl::Status RedisErrorStatus(std::string_view error) {
  // "ERR unknown command 'X', with args beginning with: 'a' 'b'"
  error = error.substr(0, error.find(", with args"));
  return absl::Status(CodeOf(error), ToAbsl(error.substr(0, kErrorBytesMax)));
}

absl::StatusOr<RedisReply> CheckRedisReply(absl::StatusOr<RedisReply> reply) {
  if (reply.ok() && reply->is_error()) return RedisErrorStatus(reply->text());
  return reply;
}

absl::Status AtRedisServer(std::string_view address, const absl::Status& why) {
  const std::string name = absl::StrCat("redis ", ToAbsl(address), ": ");
  if (why.ok() || ToStd(why.message()).starts_with(name)) return why;
  return absl::Status(why.code(), absl::StrCat(name, why.message()));
}

}  // namespace gateway
