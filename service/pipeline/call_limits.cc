#include "service/pipeline/call_limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/identity/caller.h"
#include "service/identity/peer_address.h"
#include "service/limits/key_limit_rules.h"
#include "service/observability/charged_cost.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/token_estimate.h"
#include "service/pipeline/usage_estimate.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

LimitAmounts AmountsOf(const v1::Usage* usage) {
  if (usage == nullptr) return {};
  return {.input_tokens = usage->input_tokens(),
          .output_tokens = usage->output_tokens(),
          .cost_usd_nanos = usage->cost_usd_nanos()};
}

const std::optional<LimitStatus>& Fuller(const std::optional<LimitStatus>& a,
                                         const std::optional<LimitStatus>& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  // What is left, as a share of the limit.
  const auto left = [](const LimitStatus& status) {
    return static_cast<double>(status.remaining) /
           static_cast<double>(status.rule->limit());
  };
  return left(*b) < left(*a) ? b : a;
}

// Operators are shown it.
std::string ShownModelOf(const PlannedTarget& target) {
  if (target.recorded_model == target.upstream_model) {
    return std::string(target.recorded_model);
  }
  return ToldApart(target.recorded_model, target.upstream_model);
}

FullestLimits Fuller(const FullestLimits& a, const FullestLimits& b) {
  return {.requests = Fuller(a.requests, b.requests),
          .tokens = Fuller(a.tokens, b.tokens)};
}

}  // namespace

std::unique_ptr<CallLimits> CallLimits::Of(const PlannedCall& call) {
  const Caller& caller = *call.caller;
  if (call.runtime->limits().empty() && caller.limits.empty()) return nullptr;
  const bool takes_anothers = TakesAnothers(call);
  const Asked asked = {
      .runtime = *call.runtime,
      .api = call.facts.head.api,
      .peer = call.facts.peer,
      .caller = caller,
      .scope = call.admitted.scope,
      .reason = call.planned.reason,
      .input_tokens = takes_anothers ? 0 : GuessedInputTokens(call),
      .charged = takes_anothers ? LimitCharges::Scope::kCallOnly
                                : LimitCharges::Scope::kAll};
  std::unique_ptr<CallLimits> limits(new CallLimits(asked));
  limits->AskForAll(asked);
  return limits;
}

std::unique_ptr<CallLimits> CallLimits::OfTargets(const IncomingCall& call,
                                                  const Caller& caller,
                                                  const CallScope& scope,
                                                  std::string_view reason) {
  if (!call.runtime->limits().has_target_rules()) return nullptr;
  return std::unique_ptr<CallLimits>(
      new CallLimits(Asked{.runtime = *call.runtime,
                           .api = call.facts.head.api,
                           .peer = call.facts.peer,
                           .caller = caller,
                           .scope = scope,
                           .reason = reason,
                           .input_tokens = GuessedInputTokens(call)}));
}

std::unique_ptr<CallLimits> CallLimits::OfRequest(
    const RuntimeSnapshot& runtime, ScopedApi api, std::string_view peer,
    const Caller& caller, const CallScope& scope) {
  if (runtime.limits().empty() && caller.limits.empty()) return nullptr;
  const Asked asked = {.runtime = runtime,
                       .api = api,
                       .peer = peer,
                       .caller = caller,
                       .scope = scope,
                       .charged = LimitCharges::Scope::kCallOnly};
  std::unique_ptr<CallLimits> limits(new CallLimits(asked));
  limits->AskForAll(asked);
  return limits;
}

CallLimits::CallLimits(const Asked& asked)
    : rules_(asked.runtime.limits()),
      subject_(rules_.NewSubject()),
      estimate_{.input_tokens = asked.input_tokens},
      charges_(asked.runtime.counter_stores(), asked.charged) {
  DescribeCaller(asked.api, asked.caller, asked.scope, asked.reason, &subject_);
  // To read and write an address takes as long as two limits do.
  if (rules_.tells_peers_apart()) {
    peer_ = PeerAddressOf(asked.peer);
    subject_.Set(configv1::LIMIT_DIMENSION_PEER, peer_);
  }
}

void CallLimits::AskForAll(const Asked& asked) {
  rules_.AskForCall(subject_, estimate_, charges_);
  for (const configv1::KeyLimit& limit : asked.caller.limits) {
    charges_.Ask(asked.runtime.key_limits().RuleOf(limit), subject_, estimate_);
  }
}

std::unique_ptr<LimitCharges> CallLimits::ForTarget(
    const PlannedTarget& target, std::string_view credential) {
  if (!rules_.has_target_rules()) return nullptr;
  shown_model_ = ShownModelOf(target);
  subject_.Set(configv1::LIMIT_DIMENSION_MODEL, target.upstream_model,
               shown_model_);
  subject_.Set(configv1::LIMIT_DIMENSION_PROVIDER, target.provider->name);
  subject_.Set(configv1::LIMIT_DIMENSION_CREDENTIAL, credential);
  auto charges = std::make_unique<LimitCharges>(charges_.stores());
  rules_.AskForTarget(subject_, estimate_, *charges);
  return charges;
}

void CallLimits::TellOfTarget(const LimitCharges& charges) {
  refused_ = charges.Fullest();
}

bool TakesAnothers(const PlannedCall& call) {
  return (call.cache != nullptr && call.cache->hit) ||
         (call.shared != nullptr && !call.shared->leads());
}

void DescribeCaller(ScopedApi api, const Caller& caller, const CallScope& scope,
                    std::string_view reason, LimitSubject* subject) {
  subject->Set(configv1::LIMIT_DIMENSION_CALLER, caller.id);
  subject->Set(configv1::LIMIT_DIMENSION_OWNER, caller.owner);
  subject->Set(configv1::LIMIT_DIMENSION_USER, scope.user_id);
  subject->Set(configv1::LIMIT_DIMENSION_AGENT,
               scope.agent_id.empty() ? scope.agent_type : scope.agent_id);
  subject->Set(configv1::LIMIT_DIMENSION_SESSION, scope.session_id);
  subject->Set(configv1::LIMIT_DIMENSION_WORK_ORDER, scope.work_order_id);
  subject->Set(configv1::LIMIT_DIMENSION_PROJECT, scope.project_id);
  subject->Set(configv1::LIMIT_DIMENSION_ROUTE, reason);
  subject->Set(configv1::LIMIT_DIMENSION_API, ScopedApiName(api));
  subject->SetLabels(&caller.labels);
}

absl::Status RefusalByLimits(const PlannedTarget& target,
                             const LimitCharges& charges) {
  absl::Status refusal = charges.Refusal();
  AddFaultMetadata(refusal, "provider", target.provider->name);
  AddFaultMetadata(refusal, "model", target.recorded_model);
  return refusal;
}

std::string PeerAddressOf(std::string_view peer) {
  constexpr size_t kKeptBytes = 8;
  const std::string_view text = AddressOfPeer(peer);
  std::optional<IpBytes> address = ParseIpAddress(text);
  if (!address.has_value()) return std::string(text);
  std::array<char, INET6_ADDRSTRLEN> out;
  if (IsIpv4(*address)) {
    inet_ntop(AF_INET, &(*address)[kIpv4PrefixBytes], out.data(), out.size());
    return out.data();
  }
  std::fill(address->begin() + kKeptBytes, address->end(), uint8_t{0});
  inet_ntop(AF_INET6, address->data(), out.data(), out.size());
  return out.data();
}

void ChargeOutput(Call& call, Attempt& attempt,
                  const DeliveredTokens& delivered,
                  const ProviderStream& stream) {
  if (call.limits == nullptr) return;
  const int64_t tokens = delivered.Estimate(stream);
  const absl::Duration now = call.loop.Now();
  call.limits->charges().AddOutput(tokens, now);
  if (attempt.limits != nullptr) attempt.limits->AddOutput(tokens, now);
}

void FinishLimits(Call& call) {
  if (call.limits == nullptr) return;
  const absl::Duration now = call.loop.Now();
  LimitCharges& charges = call.limits->charges();
  int64_t cost_usd_nanos = 0;
  for (Attempt& attempt : call.attempts) {
    const LimitAmounts amounts = AmountsOf(attempt.usage);
    cost_usd_nanos = AddCharges(cost_usd_nanos, amounts.cost_usd_nanos);
    if (attempt.limits == nullptr) continue;
    // The provider never saw one on a connection that it had given up.
    if (attempt.replaced) {
      attempt.limits->Withdraw(now);
    } else {
      attempt.limits->Settle(amounts, now);
    }
    attempt.limits->Leave();
  }
  const Attempt* const deciding = call.DecidingAttempt();
  const bool takes_anothers = TakesAnothers(call);
  if (deciding == nullptr && !takes_anothers && !call.facts.counts) {
    charges.Withdraw(now);
  } else {
    LimitAmounts amounts;
    if (deciding != nullptr && !takes_anothers) {
      amounts = AmountsOf(deciding->usage);
    }
    amounts.cost_usd_nanos = cost_usd_nanos;
    charges.Settle(amounts, now);
  }
  charges.Leave();
}

FullestLimits FullestLimitsOf(const Call& call) {
  if (call.limits == nullptr) return {};
  const FullestLimits own = call.limits->charges().Fullest();
  const Attempt* const deciding = call.DecidingAttempt();
  if (deciding == nullptr) return Fuller(own, call.limits->refused());
  if (deciding->limits == nullptr) return own;
  return Fuller(own, deciding->limits->Fullest());
}

std::optional<LimitStatus> PeerLimitOf(const Call& call) {
  if (call.limits == nullptr || !call.runtime->limits().tells_peers_apart()) {
    return std::nullopt;
  }
  return call.limits->charges().PeerRequests();
}

}  // namespace gateway
