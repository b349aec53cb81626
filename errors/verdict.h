// The one classification of failed attempts: what a failure says about the
// target that was asked, and so what may be done about it. Retry, the health of
// providers, and whoever else must know ask here, so that none counts against a
// target what another does not.
//
//   const Verdict verdict =
//       ClassifyFailure(outcome, progress.http.abandoned());
//   if (verdict == Verdict::kRetryHere) ...   // After a back-off.
//   if (BlamesTarget(verdict)) ...            // Counts as a failure in a row.
//
// Thread-safe: plain functions.

#ifndef ERRORS_VERDICT_H_
#define ERRORS_VERDICT_H_

#include <string_view>

#include "absl/status/status.h"

namespace gateway {

enum class Verdict {
  // The target could not be reached, was overloaded or broke down. It may have
  // recovered in a moment: ask it again, or another.
  kRetryHere,
  // The target failed, and asking it again would not help, or would repeat work
  // that it may still be doing and will bill: ask another only.
  kGoElsewhere,
  // The caller had left it less time than it usually takes, or than anybody
  // knows that it takes: the target may be well. Ask another only, which may
  // answer within what is left.
  kOutOfTime,
  // The answer is larger than the gateway takes, which may be what the caller
  // has asked for: the target may be well. Ask another only.
  kTooLarge,
  // The credential has used up what it may ask for now. The target is well: it
  // is asked again when the wait that it asks for is over. `cool_credential` in
  // the log.
  kRateLimited,
  // The target refuses the credential, or its account is out of money, which
  // only an operator can mend: it is not asked again for this call.
  // `take_out_credential` in the log.
  kCredentialRefused,
  // The provider does not let the credential have what is asked for, such as a
  // model or a file, and says no more of it: it may have all else. Ask with
  // another one, or another target. Nobody is at fault.
  kAccessRefused,
  // The model has written what its provider cannot go on from, such as a call
  // of a tool that cannot be read, by chance or since the request leads it
  // there: the target is well. Ask another, or the same once more.
  kOutputFailed,
  // The request is at fault and would fail anywhere, or the caller's own
  // credential for the provider.
  kCallersFault,
  // It ended for a reason that has nothing to do with the target: the caller
  // left, its deadline passed, or the gateway itself refused or failed.
  kSaysNothing,
};

// Metadata of a PROVIDER_AUTH_FAILED that is of what was asked for and not of
// the credential as such, for which nothing that the provider says speaks. Its
// value is kAccess.
inline constexpr std::string_view kRefusedKey = "refused";
inline constexpr std::string_view kAccess = "access";

// Metadata of an answer that was given up for what the model has written: the
// provider's word for that.
inline constexpr std::string_view kOutputFaultKey = "output_fault";

// Classifies how an attempt failed. `abandoned` tells that the request was sent
// whole and the gateway stopped waiting for the answer, so that the target may
// still be at work on it; so may one that tells of a time-out itself, since it
// is often a proxy before it that does. REQUIRES: !failure.ok().
Verdict ClassifyFailure(const absl::Status& failure, bool abandoned = false);

// Returns whether the provider was shown a credential of the caller's own, as
// the fault's metadata tells.
bool IsOfCallersCredential(const absl::Status& failure);

// Returns whether the provider says itself that the same request would fail
// again: by `x-should-retry: false`, which vendors' SDKs obey, or by 501, that
// it does not have what is asked. Whatever the verdict, it is not asked again
// then.
bool ForbidsRetry(const absl::Status& failure);

// Returns whether the target is not asked until an operator takes back what
// keeps it from that: its model is disabled, or its circuit forced open.
bool WaitsForOperator(const absl::Status& refusal);

// Returns whether to ask the same target again may help, and nothing forbids
// it.
bool MayAskAgain(const absl::Status& failure, bool abandoned);

// Returns whether the target itself is at fault, so that the failure counts as
// one in a row (service/observability/provider_health.h).
inline bool BlamesTarget(Verdict verdict) {
  return verdict == Verdict::kRetryHere || verdict == Verdict::kGoElsewhere;
}

// Returns whether the target, or the account that it is asked with, is at
// fault, and neither the caller nor the gateway: what an operator wants to know
// of.
inline bool ComesFromUpstream(Verdict verdict) {
  return BlamesTarget(verdict) || verdict == Verdict::kRateLimited ||
         verdict == Verdict::kCredentialRefused;
}

// Returns whether another target may do what this one has not done.
inline bool MayServeElsewhere(Verdict verdict) {
  return ComesFromUpstream(verdict) || verdict == Verdict::kOutOfTime ||
         verdict == Verdict::kTooLarge || verdict == Verdict::kAccessRefused ||
         verdict == Verdict::kOutputFailed;
}

// Returns the name for logs and metrics: `retry_here`, `go_elsewhere`, ...
std::string_view VerdictName(Verdict verdict);

}  // namespace gateway

#endif  // ERRORS_VERDICT_H_
