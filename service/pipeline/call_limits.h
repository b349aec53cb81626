// CallLimits is how a call stands with the limits that it is counted against
// (service/limits): those of the call, taken before anybody is asked, and those
// of each target, taken by each attempt.
//
//   call.limits = CallLimits::Of(call);       // Null if nothing limits it.
//   const bool taken = co_await call.limits->Take(call.loop.Now());
//   if (!taken) outcome = call.limits->Refusal();
//   ...
//   ChargeOutput(call, attempt, delivered, *stream);  // As a stream goes.
//   FinishLimits(call);                       // Before the answer's end is
//   sent.
//
// A call is charged what its answer has, an attempt what its provider has
// billed, and a limit of cost all that was billed for the call.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_CALL_LIMITS_H_
#define SERVICE_PIPELINE_CALL_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/identity/scopes.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rules.h"
#include "service/limits/limit_subject.h"

namespace gateway {

class Call;
class DeliveredTokens;
class IncomingCall;
class PlannedCall;
class ProviderStream;
class RuntimeSnapshot;
struct Attempt;
struct CallScope;
struct Caller;
struct PlannedTarget;

class CallLimits {
 public:
  // Null if there is no limit that could be asked. REQUIRES: the call is
  // planned.
  static std::unique_ptr<CallLimits> Of(const PlannedCall& call);

  // As they would be of a call that nobody has planned, by the limits of
  // targets alone; null if there are none. Of what ForTarget returns, WouldTake
  // is to be asked. `reason` is that of the plan, borrowed as the others are.
  static std::unique_ptr<CallLimits> OfTargets(const IncomingCall& call,
                                               const Caller& caller,
                                               const CallScope& scope,
                                               std::string_view reason);

  // As of a call that consumes nothing, for a request that asks no model for
  // anything: one of the requests, and of those at once. Null if nothing limits
  // it. `peer` is as in CallFacts; all is borrowed.
  static std::unique_ptr<CallLimits> OfRequest(const RuntimeSnapshot& runtime,
                                               ScopedApi api,
                                               std::string_view peer,
                                               const Caller& caller,
                                               const CallScope& scope);

  CallLimits(const CallLimits&) = delete;
  CallLimits& operator=(const CallLimits&) = delete;

  LimitCharges::Taking Take(absl::Duration now) { return charges_.Take(now); }
  absl::Status Refusal() const { return charges_.Refusal(); }

  // What an attempt at the target is to take of the target's limits, which
  // nobody has been asked for yet; null if there are none. `credential` is
  // empty if none of the configured ones is sent. It borrows what this has of
  // one target at a time: to be taken before another is asked for.
  std::unique_ptr<LimitCharges> ForTarget(const PlannedTarget& target,
                                          std::string_view credential);
  // Keeps how full `charges` are: those of a target that was not let in, and of
  // which the caller is told unless another answers.
  void TellOfTarget(const LimitCharges& charges);

  LimitCharges& charges() { return charges_; }
  const LimitCharges& charges() const { return charges_; }

  // The fullest of the target that is told of, if one is.
  const FullestLimits& refused() const { return refused_; }

 private:
  // Who asks for what.
  struct Asked {
    const RuntimeSnapshot& runtime;
    ScopedApi api;
    std::string_view peer;
    const Caller& caller;
    const CallScope& scope;
    std::string_view reason;
    int64_t input_tokens = 0;
    LimitCharges::Scope charged = LimitCharges::Scope::kAll;
  };
  // Asks for none yet.
  explicit CallLimits(const Asked& asked);
  // Asks for those that hold whatever the target is.
  void AskForAll(const Asked& asked);

  const LimitRules& rules_;
  LimitSubject subject_;
  LimitAmounts estimate_;
  std::string peer_;  // Empty where no limit tells peers apart.
  // The model of the target that was asked for last, as operators see it.
  std::string shown_model_;
  LimitCharges charges_;
  FullestLimits refused_;
};

// The fault of an attempt at the target that was not let in by `charges`, the
// target's.
absl::Status RefusalByLimits(const PlannedTarget& target,
                             const LimitCharges& charges);

// Whether the answer is there already, or on its way to another call: nobody
// is asked for it.
bool TakesAnothers(const PlannedCall& call);

// Sets what a call is told apart by, but for its peer and its target. Borrows
// all of it.
void DescribeCaller(ScopedApi api, const Caller& caller, const CallScope& scope,
                    std::string_view reason, LimitSubject* subject);

// The address of a caller (CallFacts::peer), as limits tell callers apart:
// without the port, of IPv6 the first 64 bits.
std::string PeerAddressOf(std::string_view peer);

// Charges what has come of the stream that `attempt` delivers. Does nothing for
// a call without limits.
void ChargeOutput(Call& call, Attempt& attempt,
                  const DeliveredTokens& delivered,
                  const ProviderStream& stream);

// Makes what the call and its attempts have taken into what they really were,
// and ends the call among those at once. To be called before the end of the
// answer is sent, so that who has it may call again. Does nothing for a call
// without limits.
void FinishLimits(Call& call);

// The fullest of the limits that the call, or the attempt that decides, is
// counted against, or that keep it from being made.
FullestLimits FullestLimitsOf(const Call& call);

// The fullest of those that count the requests of each peer. Nothing if there
// is none.
std::optional<LimitStatus> PeerLimitOf(const Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_LIMITS_H_
