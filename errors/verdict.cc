#include "errors/verdict.h"

#include <cassert>
#include <string>

#include "errors/fault.h"
#include "errors/size_limit.h"
#include "errors/time_limit.h"

namespace gateway {
namespace {

// Returns whether the provider, or what stands before it, answered with the
// failure.
bool WasAnswered(const absl::Status& failure) {
  return !FaultMetadata(failure, kHttpStatusKey).empty() ||
         !FaultMetadata(failure, kProviderErrorFormKey).empty();
}

// Whether its share of the caller's time has passed, which was less than the
// target usually takes.
bool WasCutShort(const absl::Status& failure) {
  return FaultMetadata(failure, kTimeLimitKey) == kDeadlineShare &&
         FaultMetadata(failure, kUsualTimeKey).empty();
}

bool IsOfOutput(const absl::Status& failure) {
  return !FaultMetadata(failure, kOutputFaultKey).empty();
}

}  // namespace

bool IsOfCallersCredential(const absl::Status& failure) {
  return FaultMetadata(failure, kCredentialKey) == kCallersCredential;
}

bool ForbidsRetry(const absl::Status& failure) {
  const std::string told = FaultMetadata(failure, kProviderShouldRetryKey);
  if (!told.empty()) return told == "false";
  return FaultMetadata(failure, kHttpStatusKey) == "501";
}

Verdict ClassifyFailure(const absl::Status& failure, bool abandoned) {
  assert(!failure.ok());
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
      if (IsOfOutput(failure)) return Verdict::kOutputFailed;
      return ForbidsRetry(failure) ? Verdict::kGoElsewhere
                                   : Verdict::kRetryHere;
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
      if (WasCutShort(failure)) return Verdict::kOutOfTime;
      // Only an attempt whose request never reached the target is safe to
      // repeat there: the target may be at work on any other.
      return abandoned || WasAnswered(failure) ? Verdict::kGoElsewhere
                                               : Verdict::kRetryHere;
    case v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
      return FaultMetadata(failure, kSizeLimitKey).empty()
                 ? Verdict::kGoElsewhere
                 : Verdict::kTooLarge;
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return IsOfOutput(failure) ? Verdict::kOutputFailed
                                 : Verdict::kGoElsewhere;
    case v1::ERROR_REASON_CIRCUIT_OPEN:
    case v1::ERROR_REASON_MODEL_DISABLED:
      return Verdict::kGoElsewhere;
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      return Verdict::kRateLimited;
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      if (IsOfCallersCredential(failure)) return Verdict::kCallersFault;
      return FaultMetadata(failure, kRefusedKey) == kAccess
                 ? Verdict::kAccessRefused
                 : Verdict::kCredentialRefused;
    case v1::ERROR_REASON_UNSPECIFIED:
    case v1::ERROR_REASON_CANCELLED:
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
    case v1::ERROR_REASON_DRAINING:
    case v1::ERROR_REASON_OVERLOADED:
    case v1::ERROR_REASON_RESPONSE_VALIDATION:
    case v1::ERROR_REASON_LEDGER_UNAVAILABLE:
    case v1::ERROR_REASON_STATE_NOT_KEPT:
    case v1::ERROR_REASON_IDENTITY_UNAVAILABLE:
    case v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
    case v1::ERROR_REASON_INTERNAL:
      return Verdict::kSaysNothing;
    default:
      return Verdict::kCallersFault;
  }
}

bool WaitsForOperator(const absl::Status& refusal) {
  switch (FaultReason(refusal)) {
    case v1::ERROR_REASON_MODEL_DISABLED:
      return true;
    case v1::ERROR_REASON_CIRCUIT_OPEN:
      // One that has opened by itself tells when it may be asked.
      return !RetryDelay(refusal).has_value();
    default:
      return false;
  }
}

bool MayAskAgain(const absl::Status& failure, bool abandoned) {
  if (ForbidsRetry(failure)) return false;
  const Verdict verdict = ClassifyFailure(failure, abandoned);
  return verdict == Verdict::kRetryHere || verdict == Verdict::kRateLimited ||
         verdict == Verdict::kOutputFailed;
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRetryHere:
      return "retry_here";
    case Verdict::kGoElsewhere:
      return "go_elsewhere";
    case Verdict::kOutOfTime:
      return "out_of_time";
    case Verdict::kTooLarge:
      return "too_large";
    case Verdict::kRateLimited:
      return "cool_credential";
    case Verdict::kCredentialRefused:
      return "take_out_credential";
    case Verdict::kAccessRefused:
      return "access_refused";
    case Verdict::kOutputFailed:
      return "output_failed";
    case Verdict::kCallersFault:
      return "callers_fault";
    case Verdict::kSaysNothing:
      return "says_nothing";
  }
  return "";
}

}  // namespace gateway
