#include "providers/dialects/error_reason.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/verdict.h"
#include "providers/dialects/account_refusal.h"
#include "providers/dialects/retry_after.h"

namespace gateway {
namespace {

using Form = ErrorBody::Form;

constexpr v1::ErrorReason kInvalid = v1::ERROR_REASON_INVALID_REQUEST;
constexpr v1::ErrorReason kTooLong = v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED;
constexpr v1::ErrorReason kTooLarge = v1::ERROR_REASON_REQUEST_TOO_LARGE;
constexpr v1::ErrorReason kPolicy = v1::ERROR_REASON_CONTENT_POLICY;
constexpr v1::ErrorReason kUnsupported =
    v1::ERROR_REASON_CAPABILITY_UNSUPPORTED;
constexpr v1::ErrorReason kNoModel = v1::ERROR_REASON_MODEL_NOT_FOUND;
constexpr v1::ErrorReason kRate = v1::ERROR_REASON_PROVIDER_RATE_LIMITED;
constexpr v1::ErrorReason kQuota = v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
constexpr v1::ErrorReason kAuth = v1::ERROR_REASON_PROVIDER_AUTH_FAILED;
constexpr v1::ErrorReason kDown = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
constexpr v1::ErrorReason kTimeout = v1::ERROR_REASON_PROVIDER_TIMEOUT;
constexpr v1::ErrorReason kConflict = v1::ERROR_REASON_PROVIDER_CONFLICT;

// Codes and types by which vendors say that they are overloaded.
constexpr std::string_view kOverloadNames[] = {
    "overloaded_error", "provider_overloaded", "server_is_overloaded",
    "service_unavailable_error", "slow_down"};

// Words for why an answer ended, of what the model has written or what it was
// given. None is of the service's own health.
constexpr std::string_view kOutputWords[] = {
    "IMAGE_OTHER",         "LANGUAGE",
    "NO_IMAGE",            "MALFORMED_FUNCTION_CALL",
    "OTHER",               "MISSING_THOUGHT_SIGNATURE",
    "TOO_MANY_TOOL_CALLS", "UNEXPECTED_TOOL_CALL"};

// What a code or a type of a vendor means.
struct Meaning {
  std::string_view word;
  v1::ErrorReason reason;
};

// Names that say more than a status below 500.
constexpr Meaning kSpecificNames[] = {
    {"ACCESS_TOKEN_EXPIRED", kAuth},
    {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", kAuth},
    {"ACCESS_TOKEN_TYPE_UNSUPPORTED", kAuth},
    {"ACCOUNT_STATE_INVALID", kAuth},
    {"API_KEY_ANDROID_APP_BLOCKED", kAuth},
    {"API_KEY_EXPIRED", kAuth},
    {"API_KEY_HTTP_REFERRER_BLOCKED", kAuth},
    {"API_KEY_INVALID", kAuth},
    {"API_KEY_IOS_APP_BLOCKED", kAuth},
    {"API_KEY_IP_ADDRESS_BLOCKED", kAuth},
    {"API_KEY_SERVICE_BLOCKED", kAuth},
    {"CONSUMER_INVALID", kAuth},
    {"CONSUMER_SUSPENDED", kAuth},
    {"CREDENTIALS_MISSING", kAuth},
    {"SERVICE_DISABLED", kAuth},
    {"USER_PROJECT_DENIED", kAuth},
    {"account_deactivated", kAuth},
    {"authentication", kAuth},
    {"authentication_error", kAuth},
    {"invalid_api_key", kAuth},
    {"organization_restricted", kAuth},
    {"unsupported_country_region_territory", kAuth},
    {"BILLING_DISABLED", kQuota},
    {"billing_error", kQuota},
    {"billing_hard_limit_reached", kQuota},
    {"billing_not_active", kQuota},
    {"credit_balance_exhausted", kQuota},
    {"insufficient_quota", kQuota},
    {"payment_required", kQuota},
    {"ResponsibleAIPolicyViolation", kPolicy},
    {"bio_policy", kPolicy},
    {"content_filter", kPolicy},
    {"content_policy_violation", kPolicy},
    {"image_content_policy_violation", kPolicy},
    {"refusal", kPolicy},
    {"context_length_exceeded", kTooLong},
    {"exceed_context_size_error", kTooLong},
    {"token_limit_exceeded", kTooLong},
    {"DeploymentNotFound", kNoModel},
    {"model_deprecated", kNoModel},
    {"model_not_found", kNoModel},
};

// Names that count only where there is no status.
constexpr Meaning kGenericNames[] = {
    {"permission_denied", kAuth},
    {"permission_error", kAuth},
    {"not_found", kNoModel},
    {"not_found_error", kNoModel},
    {"conflict_error", kConflict},
    {"payload_too_large", kTooLarge},
    {"request_too_large", kTooLarge},
    {"rate_limit_error", kRate},
    {"rate_limit_exceeded", kRate},
    {"timeout", kTimeout},
    {"timeout_error", kTimeout},
    {"invalid_prompt", kInvalid},
    {"invalid_request", kInvalid},
    {"invalid_request_error", kInvalid},
    {"max_tokens_exceeded", kInvalid},
    {"string_too_long", kInvalid},
    {"unprocessable", kInvalid},
    {"api_error", kDown},
    {"overloaded_error", kDown},
    {"provider_overloaded", kDown},
    {"provider_unavailable", kDown},
    {"server", kDown},
    {"server_error", kDown},
    {"server_is_overloaded", kDown},
    {"slow_down", kDown},
};

// The HTTP status that a canonical code of Gemini's goes with.
struct CanonicalName {
  std::string_view word;
  int http_status;
};

constexpr CanonicalName kCanonicalNames[] = {
    {"INVALID_ARGUMENT", 400},
    {"FAILED_PRECONDITION", 400},
    {"OUT_OF_RANGE", 400},
    {"UNAUTHENTICATED", 401},
    {"PERMISSION_DENIED", 403},
    {"NOT_FOUND", 404},
    {"ABORTED", 409},
    {"ALREADY_EXISTS", 409},
    {"RESOURCE_EXHAUSTED", 429},
    {"CANCELLED", 499},
    {"INTERNAL", 500},
    {"UNKNOWN", 500},
    {"DATA_LOSS", 500},
    {"UNIMPLEMENTED", 501},
    {"UNAVAILABLE", 503},
    {"DEADLINE_EXCEEDED", 504},
};

// A phrase of a message, for failures that have no code.
struct Phrase {
  std::string_view text;  // In lower case.
  v1::ErrorReason reason;
  std::optional<Form> form;  // Whose phrase it is; anybody's if not set.
};

constexpr Phrase kPhrases[] = {
    {"context length", kTooLong, std::nullopt},
    {"context limit", kTooLong, std::nullopt},
    {"context window", kTooLong, std::nullopt},
    {"exceeds the available context", kTooLong, std::nullopt},
    {"prompt is too long", kTooLong, std::nullopt},
    {"reduce the length of the messages", kTooLong, std::nullopt},
    {"input token count", kTooLong, Form::kGemini},
    {"maximum number of tokens", kTooLong, Form::kGemini},
    {"content filtering policy", kPolicy, std::nullopt},
    {"content management policy", kPolicy, std::nullopt},
    {"does not support", kUnsupported, Form::kOllama},
    {"not found, try pulling it", kNoModel, Form::kOllama},
};

// How Anthropic says by 429 that the money of the month is spent.
constexpr std::string_view kSpendLimit = "spend limit";

template <size_t kCount>
std::optional<v1::ErrorReason> Find(const Meaning (&meanings)[kCount],
                                    const ErrorBody& error) {
  // The most specific name comes first.
  for (const std::string* word :
       {&error.inner_code, &error.code, &error.error_type, &error.type}) {
    for (const Meaning& meaning : meanings) {
      if (meaning.word == *word) return meaning.reason;
    }
  }
  return std::nullopt;
}

std::optional<v1::ErrorReason> ReasonOfMessage(const ErrorBody& error) {
  const std::string lower = absl::AsciiStrToLower(error.message);
  for (const Phrase& phrase : kPhrases) {
    if (phrase.form.has_value() && *phrase.form != error.form) continue;
    if (absl::StrContains(lower, ToAbsl(phrase.text))) return phrase.reason;
  }
  return std::nullopt;
}

// Reads the number that follows a word of the message; nothing if none does.
std::optional<int64_t> NumberAfter(absl::string_view word,
                                   absl::string_view message) {
  const size_t begin = message.find(word);
  if (begin == absl::string_view::npos) return std::nullopt;
  absl::string_view digits = message.substr(begin + word.size());
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) return std::nullopt;
  return number;
}

// Returns whether a limit of rates refuses a request that is more than it lets
// pass in all of its time, as OpenAI and its kin say it, so that no wait helps:
// "Request too large for gpt-4o ...: Limit 30000, Requested 52000."
bool ExceedsLimitAlone(const ErrorBody& error) {
  if (!absl::StartsWith(error.message, "Request too large for ")) return false;
  const std::optional<int64_t> limit = NumberAfter(" Limit ", error.message);
  const std::optional<int64_t> asked =
      NumberAfter(" Requested ", error.message);
  return limit.has_value() && asked.has_value() && *asked > *limit;
}

// Returns the reason that an HTTP status alone stands for.
v1::ErrorReason ReasonOfHttpStatus(int status) {
  switch (status) {
    case 401:
    case 403:
      return v1::ERROR_REASON_PROVIDER_AUTH_FAILED;
    case 402:
      return v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
    case 404:
      return v1::ERROR_REASON_MODEL_NOT_FOUND;
    case 408:
    case 504:
    case 524:
      return v1::ERROR_REASON_PROVIDER_TIMEOUT;
    case 424:  // The model behind it failed.
    case 499:  // Somebody gave up, and not the caller.
      return kDown;
    case 409:
      return v1::ERROR_REASON_PROVIDER_CONFLICT;
    case 413:
      return v1::ERROR_REASON_REQUEST_TOO_LARGE;
    case 429:
      return v1::ERROR_REASON_PROVIDER_RATE_LIMITED;
    default:
      break;
  }
  if (status >= 500) return v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  if (status >= 400) return v1::ERROR_REASON_INVALID_REQUEST;
  // No failure of the API has a status below 400: something else answered.
  return v1::ERROR_REASON_PROVIDER_BAD_RESPONSE;
}

// Returns the reason by status and codes, before the message is looked at.
v1::ErrorReason FirstReason(int status, const ErrorBody& error) {
  const bool of_the_server = status >= 500;
  if (!of_the_server) {
    if (const auto told = Find(kSpecificNames, error)) return *told;
    if (error.moderated) return kPolicy;
  }
  if (status == 0) return Find(kGenericNames, error).value_or(kDown);
  // A spent daily quota is not back in a minute, so it is no rate limit.
  if (status == 429 && error.is_daily_quota) return kQuota;
  if (status == 429 && ExceedsLimitAlone(error)) return kTooLarge;
  return ReasonOfHttpStatus(status);
}

v1::ErrorReason ReasonOfError(int status, const ErrorBody& error) {
  const v1::ErrorReason reason = FirstReason(status, error);
  // Ollama's runner reports a prompt that is too long as a failure of its own.
  const bool asks = reason == kInvalid || (error.form == Form::kOllama &&
                                           (status == 0 || status == 500));
  if (asks) {
    // An account that is refused comes with 400, too.
    const std::optional<v1::ErrorReason> account = ReasonOfAccount(error);
    return account.has_value() ? *account
                               : ReasonOfMessage(error).value_or(reason);
  }
  if (status != 429 || reason != kRate) return reason;
  // And a spent quota with 429.
  const bool is_spent =
      error.form == Form::kAnthropic &&
      absl::StrContains(absl::AsciiStrToLower(error.message),
                        ToAbsl(kSpendLimit));
  return is_spent ? kQuota : ReasonOfAccount(error).value_or(reason);
}

// Returns whether a refusal says nothing of the credential as such, but that it
// may not have what was asked for. REQUIRES: the reason is kAuth.
bool IsOfAccess(int status, const ErrorBody& error) {
  if (status != 403 && status != 0) return false;
  if (Find(kSpecificNames, error).has_value()) return false;
  return !ReasonOfAccount(error).has_value();
}

// Returns whether every API has a name for the reason, which then stands for
// all codes that are known to mean it.
bool HasNameOfItsOwn(v1::ErrorReason reason) {
  return reason != kInvalid && reason != kTooLarge && reason != kConflict;
}

// Returns whether a code adds nothing to the reason: a known name, or a status
// in place of a code. Other numbers are codes.
bool IsKnown(const std::string& code) {
  const ErrorBody asked = {.code = code};
  int number = 0;
  const bool is_status =
      code.empty() || (absl::SimpleAtoi(code, &number) && IsHttpStatus(number));
  return is_status || Find(kSpecificNames, asked).has_value() ||
         Find(kGenericNames, asked).has_value();
}

bool HelpsToWait(v1::ErrorReason reason) {
  return reason == kRate || reason == kDown || reason == kTimeout;
}

absl::Status MakeError(int status, const ErrorBody& error,
                       std::optional<absl::Duration> delay) {
  const v1::ErrorReason reason = ReasonOfError(status, error);
  std::string message =
      error.message.empty() ? "no reason was given" : error.message;
  const std::string words = message;
  if (status != 0) message = absl::StrCat(status, ": ", message);
  absl::Status fault = MakeFault(reason, message);
  MarkForeignWords(fault, ForeignWords::kOfProvider, words);
  if (reason == kAuth && IsOfAccess(status, error)) {
    AddFaultMetadata(fault, kRefusedKey, kAccess);
  }
  if (status != 0) {
    AddFaultMetadata(fault, kHttpStatusKey, absl::StrCat(status));
  }
  for (const std::string* code :
       {&error.code, &error.error_type, &error.inner_code}) {
    if (code->empty()) continue;
    AddFaultMetadata(fault, kProviderCodeKey, *code);
    break;
  }
  if (!error.type.empty()) {
    AddFaultMetadata(fault, kProviderErrorTypeKey, error.type);
  }
  if (!error.param.empty()) {
    AddFaultMetadata(fault, kProviderParamKey, error.param);
  }
  if (!error.quota_id.empty()) {
    AddFaultMetadata(fault, kProviderQuotaIdKey, error.quota_id);
  }
  if (const std::string_view form = NameOfForm(error.form); !form.empty()) {
    AddFaultMetadata(fault, kProviderErrorFormKey, form);
  }
  if (!error.param.empty() && reason == kInvalid) {
    AddFieldViolation(fault, error.param, error.message);
  }
  // No delay for other reasons: waiting does not pay a bill or mend a request.
  if (delay.has_value() && HelpsToWait(reason)) SetRetryDelay(fault, *delay);
  return fault;
}

}  // namespace

absl::Status ReadHttpFailure(const HttpFailure& failure, absl::Time now) {
  ErrorBody error = ReadErrorBody(failure.body);
  // The text is no answer of the API: it is a proxy's, or another service's.
  if (error.form == Form::kText &&
      absl::StrContains(ToAbsl(failure.content_type), "html")) {
    error.message = absl::StrCat("a page of HTML: ", error.message);
  }
  std::optional<absl::Duration> delay =
      ReadRetryAfter(failure.retry_after_ms, failure.retry_after, now);
  if (!delay.has_value()) delay = error.retry_after;
  absl::Status fault = MakeError(failure.status, error, delay);
  if (failure.should_retry == "true" || failure.should_retry == "false") {
    AddFaultMetadata(fault, kProviderShouldRetryKey, failure.should_retry);
  }
  return fault;
}

absl::Status ReadErrorReport(std::string_view body) {
  return FaultOfReport(ReadErrorBody(body));
}

absl::Status FaultOfReport(const ErrorBody& error) {
  int status = error.number.value_or(0);
  for (const CanonicalName& canonical : kCanonicalNames) {
    if (status == 0 && canonical.word == error.status) {
      status = canonical.http_status;
    }
  }
  return MakeError(status, error, error.retry_after);
}

bool IsOfOutput(std::string_view finish_word) {
  return std::find(std::begin(kOutputWords), std::end(kOutputWords),
                   finish_word) != std::end(kOutputWords);
}

bool IsOverload(const absl::Status& fault) {
  const v1::ErrorReason reason = FaultReason(fault);
  const bool down =
      reason == kDown || (reason == v1::ERROR_REASON_STREAM_INTERRUPTED &&
                          FaultMetadata(fault, "cause") == ReasonName(kDown));
  if (!down) return false;
  const std::string status = FaultMetadata(fault, kHttpStatusKey);
  if (status == "503" || status == "529") return true;
  for (const std::string_view key : {kProviderCodeKey, kProviderErrorTypeKey}) {
    const std::string word = FaultMetadata(fault, key);
    if (std::find(std::begin(kOverloadNames), std::end(kOverloadNames), word) !=
        std::end(kOverloadNames)) {
      return true;
    }
  }
  return false;
}

v1::ErrorReason ToldReason(const absl::Status& fault) {
  const v1::ErrorReason reason = FaultReason(fault);
  if (!IsOfCallersCredential(fault)) return reason;
  if (reason == kQuota) return v1::ERROR_REASON_BUDGET_EXCEEDED;
  if (reason != kAuth) return reason;
  return FaultMetadata(fault, kHttpStatusKey) == "403"
             ? v1::ERROR_REASON_FORBIDDEN
             : v1::ERROR_REASON_API_KEY_INVALID;
}

VendorError VendorErrorOf(const absl::Status& fault, ErrorBody::Form form) {
  const v1::ErrorReason reason = FaultReason(fault);
  const bool is_ours =
      (reason == kAuth || reason == kQuota) && !IsOfCallersCredential(fault);
  if (is_ours ||
      FaultMetadata(fault, kProviderErrorFormKey) != NameOfForm(form))
    return {};
  VendorError said = {.type = FaultMetadata(fault, kProviderErrorTypeKey),
                      .code = FaultMetadata(fault, kProviderCodeKey),
                      .param = FaultMetadata(fault, kProviderParamKey)};
  if (HasNameOfItsOwn(reason) && IsKnown(said.code)) said.code.clear();
  return said;
}

}  // namespace gateway
