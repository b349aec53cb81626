#include "providers/http_faults.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/http/http_timeout.h"
#include "base/string_view.h"
#include "base/text/repeated_secret.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/size_limit.h"
#include "errors/time_limit.h"
#include "errors/verdict.h"
#include "providers/body_form.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/error_reason.h"

namespace gateway {
namespace {

// How many bytes are shown of an answer that makes no sense.
constexpr size_t kShownBytes = 160;

// When a caller may try again for whose answer there was no room.
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::Status WithoutSecret(std::string_view secret,
                           const absl::Status& status) {
  absl::Status clean(status.code(),
                     BlotOut(secret, std::string(status.message())));
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        clean.SetPayload(type_url,
                         absl::Cord(BlotOut(secret, std::string(payload))));
      });
  return clean;
}

// Returns the field of the provider's configuration.
std::string_view NameOf(HttpTimeLimit limit, bool streams) {
  switch (limit) {
    case HttpTimeLimit::kConnect:
      return "timeouts.connect";
    case HttpTimeLimit::kFirstByte:
      return "timeouts.first_byte";
    case HttpTimeLimit::kCallFirstByte:
      return streams ? "timeouts.stream_first_byte" : "timeouts.first_byte";
    case HttpTimeLimit::kIdle:
      return "timeouts.idle";
    case HttpTimeLimit::kTotal:
      break;
  }
  return kTotalTimeout;
}

// Whether what came in place of an answer may hold one all the same: JSON in
// place of a stream, or a stream in place of JSON, whatever it says it is.
bool MayBeAnswer(std::string_view content_type, std::string_view body) {
  switch (FormOf(Framing::kServerSentEvents, body)) {
    case BodyForm::kBlank:
      return false;
    case BodyForm::kObject:
    case BodyForm::kList:
    case BodyForm::kEvents:
      return true;
    case BodyForm::kPage:
    case BodyForm::kText:
      break;
  }
  return !content_type.empty() &&
         (!absl::StartsWithIgnoreCase(ToAbsl(content_type), "text/") ||
          absl::StartsWithIgnoreCase(ToAbsl(content_type),
                                     "text/event-stream"));
}

absl::Status TooLargeFault(const absl::Status& status) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                absl::StrCat(status.message(), " (", ToAbsl(kAnswerSizeLimit),
                             ", or the provider's http.response_bytes_limit)"));
  AddFaultMetadata(fault, kSizeLimitKey, kAnswerSizeLimit);
  return fault;
}

}  // namespace

absl::Status NoRoomFault() {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_OVERLOADED,
                absl::StrCat(NoRoomForAnswer().message(),
                             " (runtime.answer_buffer_bytes_limit)"));
  SetRetryDelay(fault, kRetryDelay);
  return fault;
}

HttpFaults::HttpFaults(std::string provider, std::vector<Secret> credentials)
    : provider_(std::move(provider)), credentials_(std::move(credentials)) {}

absl::Status HttpFaults::OfTransport(const absl::Status& status,
                                     const AttemptProgress& progress,
                                     bool streams) const {
  // The gateway's own want of room says nothing of the provider.
  if (IsNoRoomForAnswer(status)) return NoRoomFault();
  if (absl::IsOutOfRange(status)) return WrapFault(TooLargeFault(status));
  v1::ErrorReason reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  if (progress.http.timed_out) {
    reason = v1::ERROR_REASON_PROVIDER_TIMEOUT;
  } else if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) {
    return status;  // The caller left, or its deadline passed.
  } else if (progress.http.answered && !absl::IsUnavailable(status)) {
    reason = v1::ERROR_REASON_PROVIDER_BAD_RESPONSE;
  }
  const std::optional<HttpTimeLimit> limit = TimeLimitOf(status);
  if (!limit.has_value()) {
    const std::string_view message = ToStd(status.message());
    absl::Status fault = MakeFault(reason, message);
    const size_t shown = message.find(kItBegins);
    if (shown != std::string_view::npos) {
      MarkForeignWords(fault, ForeignWords::kOfAnswer,
                       message.substr(shown + kItBegins.size()));
    }
    return WrapFault(fault);
  }
  const std::string_view field = NameOf(*limit, streams);
  absl::Status fault = MakeFault(
      reason, absl::StrCat(status.message(), " (", ToAbsl(field), ")"));
  AddTimeLimit(fault, field);
  return WrapFault(fault);
}

absl::Status HttpFaults::WrapFault(const absl::Status& status,
                                   std::string_view credential) const {
  if (status.ok()) return status;
  absl::Status fault = WithoutSecret(credential, AtPlace(provider_, status));
  for (const Secret& secret : credentials_) {
    fault = WithoutSecret(secret.Reveal(), fault);
  }
  AddFaultMetadata(fault, "provider", provider_);
  if (!credential.empty()) {
    AddFaultMetadata(fault, kCredentialKey, kCallersCredential);
  }
  return fault;
}

std::string HttpFaults::WithoutCredentials(std::string_view text,
                                           std::string_view credential) const {
  std::string clean = BlotOut(credential, std::string(text));
  for (const Secret& secret : credentials_) {
    clean = BlotOut(secret.Reveal(), std::move(clean));
  }
  return clean;
}

bool HttpFaults::Repeats(std::string_view text,
                         std::string_view credential) const {
  const auto repeats = [text](std::string_view secret) {
    return RepeatsSecret(secret, text);
  };
  return repeats(credential) ||
         std::any_of(
             credentials_.begin(), credentials_.end(),
             [&](const Secret& each) { return repeats(each.Reveal()); });
}

absl::Status HttpFaults::NotTheAnswer(std::string_view wanted,
                                      std::string_view content_type,
                                      std::string_view body,
                                      std::string_view size,
                                      std::string_view credential) const {
  const std::string begin = MayBeAnswer(content_type, body)
                                ? ""
                                : ScrubbedMessage(body.substr(0, kShownBytes));
  std::string why = absl::StrCat(
      "the answer is not ", ToAbsl(wanted), " but ",
      content_type.empty()
          ? "of no stated type"
          : ScrubbedMessage(content_type.substr(0, kShownBytes)));
  if (!begin.empty()) {
    absl::StrAppend(&why, ", and begins: ", begin);
  } else if (!size.empty()) {
    absl::StrAppend(&why, ", of ", ToAbsl(size), " bytes");
  }
  absl::Status fault = MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, why);
  MarkForeignWords(fault, ForeignWords::kOfAnswer, begin);
  return WrapFault(fault, credential);
}

absl::Status HttpFaults::GaveUp(std::string_view word,
                                std::string_view credential) const {
  const std::string shown = ScrubbedMessage(word.substr(0, kShownBytes));
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                shown.empty()
                    ? "the provider gave the answer up"
                    : absl::StrCat("the provider gave the answer up: ", shown));
  if (!shown.empty()) AddFaultMetadata(fault, kProviderCodeKey, shown);
  if (IsOfOutput(shown)) AddFaultMetadata(fault, kOutputFaultKey, shown);
  MarkForeignWords(fault, ForeignWords::kOfProvider, shown);
  return WrapFault(fault, credential);
}

absl::Status HttpFaults::BadResponse(std::string_view why) const {
  return WrapFault(MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, why));
}

}  // namespace gateway
