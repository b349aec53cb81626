#include "providers/dialects/ollama/errors.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/retry_after.h"

namespace gateway::ollama {
namespace {

// The format has no codes: what a failure is about, its words tell.
struct MessageMeaning {
  std::string_view words;  // Lower case.
  v1::ErrorReason reason;
};

constexpr MessageMeaning kMessageMeanings[] = {
    {"does not support", v1::ERROR_REASON_CAPABILITY_UNSUPPORTED},
    {"context length", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"context window", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"exceeds the available context", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"not found, try pulling it", v1::ERROR_REASON_MODEL_NOT_FOUND},
};

constexpr int kCanceledStatus = 499;

std::optional<v1::ErrorReason> ReasonOfMessage(std::string_view message) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(message));
  for (const MessageMeaning& meaning : kMessageMeanings) {
    if (absl::StrContains(lower, ToAbsl(meaning.words))) return meaning.reason;
  }
  return std::nullopt;
}

v1::ErrorReason ReasonOfStatus(int status, std::string_view message) {
  // It gave up a request that nobody here has given up.
  if (status == kCanceledStatus) return v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  const v1::ErrorReason reason = ReasonOfHttpStatus(status);
  // A prompt that is too long is reported as a failure of the server, too.
  if (reason != v1::ERROR_REASON_INVALID_REQUEST && status != 500) {
    return reason;
  }
  return ReasonOfMessage(message).value_or(reason);
}

bool HelpsToWait(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
         reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
}

std::string MessageOf(const ErrorBody& body) {
  return body.message.empty() ? "no reason was given" : body.message;
}

}  // namespace

absl::Status ReadError(const HttpFailure& failure, absl::Time now) {
  const ErrorBody body = ReadErrorBody(failure.body);
  const v1::ErrorReason reason = ReasonOfStatus(failure.status, body.message);
  absl::Status status =
      MakeFault(reason, absl::StrCat(failure.status, ": ", MessageOf(body)));
  AddFaultMetadata(status, "http_status", absl::StrCat(failure.status));
  std::optional<absl::Duration> wait =
      ReadRetryAfter(failure.retry_after_ms, failure.retry_after, now);
  if (wait.has_value() && HelpsToWait(reason)) SetRetryDelay(status, *wait);
  return status;
}

absl::Status ReadErrorLine(std::string_view line) {
  const ErrorBody body = ReadErrorBody(line);
  return MakeFault(ReasonOfMessage(body.message)
                       .value_or(v1::ERROR_REASON_PROVIDER_UNAVAILABLE),
                   MessageOf(body));
}

}  // namespace gateway::ollama
