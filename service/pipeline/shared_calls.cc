#include "service/pipeline/shared_calls.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/cache/cache_policy.h"
#include "service/cache/request_key.h"
#include "service/identity/star_glob.h"
#include "service/pipeline/call_key.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// Of the statuses by which a provider refuses.
constexpr int kFirstRefusal = 400;

// So many times as fast as a request is read its key is found, at least.
constexpr size_t kKeysPerReading = 4;

// So many groups of calls that are the same at most.
constexpr size_t kInFlightGroupsMax = 100'000;

// What a caller says is where, for errors.
std::string_view FieldOfKey(const Call& call) {
  const bool is_beside = call.facts.directives != nullptr &&
                         !call.facts.directives->idempotency_key.empty();
  return is_beside ? call.facts.directives->idempotency_field
                   : std::string_view("idempotency_key");
}

// How soon Redis is asked again whether another replica's call has ended, and
// how soon at last, each time after half as long again.
constexpr absl::Duration kFirstLook = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);

// A part in an answer that is there already.
AnswerShare ShareOf(std::string_view request_id, SharedOutcome outcome) {
  auto answer = std::make_shared<SharedAnswer>(request_id);
  answer->Finish(std::move(outcome));
  return *SharedAnswer::Join(std::move(answer));
}

IdempotencyTable::Limits IdempotencyLimitsOf(
    const configv1::IdempotencyConfig& config) {
  return {.ttl = ToAbsl(config.ttl()),
          .entries = static_cast<size_t>(config.entries_limit()),
          .size_bytes = static_cast<size_t>(config.size_bytes_limit())};
}

}  // namespace

std::string_view IdempotencyKeyOf(const Call& call) {
  if (call.facts.directives != nullptr &&
      !call.facts.directives->idempotency_key.empty()) {
    return call.facts.directives->idempotency_key;
  }
  return call.raw == nullptr && call.request != nullptr
             ? std::string_view(call.request->idempotency_key())
             : std::string_view();
}

bool HasDoneNothing(const Call& call) {
  for (const Attempt& each : call.attempts) {
    if (each.replaced || each.progress.dispatched == kNotCome) continue;
    // Whoever has begun to answer, or said nothing, may have done the work.
    if (each.progress.http_status < kFirstRefusal) return false;
  }
  return true;
}

std::shared_ptr<const SharedCalls> SharedCalls::Make(
    const configv1::GatewayConfig& config, Clock& clock, KeyClaims* claims,
    const SharedCalls* previous) {
  std::shared_ptr<SharedCalls> made(new SharedCalls(
      config, config.idempotency().shared() ? claims : nullptr));
  if (previous != nullptr) {
    made->table_ = previous->table_;
    made->in_flight_ = previous->in_flight_;
  }
  if (made->has_idempotency_ && made->table_ == nullptr) {
    made->table_ = std::make_shared<IdempotencyTable>(made->limits_, clock);
  }
  if (made->has_coalescing_ && made->in_flight_ == nullptr) {
    made->in_flight_ = std::make_shared<InFlightCalls>(kInFlightGroupsMax);
  }
  return made;
}

SharedCalls::SharedCalls(const configv1::GatewayConfig& config,
                         KeyClaims* claims)
    : has_idempotency_(config.has_idempotency()),
      has_coalescing_(config.has_coalescing()),
      coalescing_(config.coalescing()),
      limits_(IdempotencyLimitsOf(config.idempotency())),
      claims_(claims) {}

void SharedCalls::PutIntoUse() const {
  if (has_idempotency_) table_->SetLimits(limits_);
}

void SharedCalls::BeginDrain() const {
  if (claims_ == nullptr) Close();
}

void SharedCalls::Close() const {
  if (table_ != nullptr) table_->Close();
}

bool SharedCalls::MayJoin(const Call& call) const {
  return has_coalescing_ || !IdempotencyKeyOf(call).empty();
}

size_t SharedCalls::answer_bytes_max() const {
  const size_t bytes = IdempotencyTable::AnswerBytesMax(limits_);
  return claims_ == nullptr ? bytes
                            : std::min(bytes, KeyClaims::kAnswerBytesMax);
}

size_t SharedCalls::BytesToJoin(const Call& call) const {
  return call.facts.request_bytes / kKeysPerReading;
}

absl::Status SharedCalls::CheckKey(const Call& call) const {
  const std::string_view key = IdempotencyKeyOf(call);
  if (!has_idempotency_) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_NOT_CONFIGURED,
        "idempotency keys need the section idempotency of the configuration; "
        "leave the key out");
    AddFaultMetadata(fault, "field", "idempotency");
    return fault;
  }
  const std::string_view field = FieldOfKey(call);
  if (call.raw == nullptr && call.request != nullptr &&
      !call.request->idempotency_key().empty() &&
      call.request->idempotency_key() != key) {
    return InvalidField(field, "contradicts the request; say it in one place");
  }
  GATEWAY_RETURN_IF_ERROR(CheckIdempotencyKey(field, key));
  const CacheableRequest request = CacheableRequestOf(call);
  if (!request.generates || request.background) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_UNIMPLEMENTED,
        "idempotency keys are served for generated answers alone, and not for "
        "those in the background; leave the key out");
    AddFaultMetadata(fault, "field", field);
    return fault;
  }
  return absl::OkStatus();
}

absl::Status SharedCalls::JoinByKey(Call& call) const {
  const std::string_view key = IdempotencyKeyOf(call);
  if (key.empty()) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckKey(call));
  GATEWAY_ASSIGN_OR_RETURN(
      IdempotencyTable::Call joined,
      table_->Begin(call.caller->id, key, FingerprintOf(call),
                    call.facts.request_id));
  call.shared = std::make_unique<SharedCall>(std::move(joined.share));
  if (joined.run) call.shared->run.emplace(*std::move(joined.run));
  return absl::OkStatus();
}

bool SharedCalls::AsksReplicas(const Call& call) const {
  return claims_ != nullptr && !IdempotencyKeyOf(call).empty();
}

absl::Status SharedCalls::JoinClaimed(Call& call, const RequestKey& fingerprint,
                                      KeyClaims::Claimed claim) const {
  absl::StatusOr<IdempotencyTable::Call> joined =
      table_->Begin(call.caller->id, IdempotencyKeyOf(call), fingerprint,
                    call.facts.request_id);
  // There is no room, or it runs here by a claim that Redis has lost.
  if (!joined.ok() || !joined->run) claim.Release();
  if (!joined.ok()) return joined.status();
  call.shared = std::make_unique<SharedCall>(std::move(joined->share));
  if (joined->run) {
    call.shared->run.emplace(*std::move(joined->run));
    call.shared->claim.emplace(std::move(claim));
  }
  return absl::OkStatus();
}

Task<absl::Status> SharedCalls::JoinReplicasByKey(Call& call) const {
  GATEWAY_CO_RETURN_IF_ERROR(CheckKey(call));
  const auto read = [&call] { return FingerprintOf(call); };
  const RequestKey fingerprint = co_await OffLoop(BytesToJoin(call), read);
  const KeyClaims::Ask ask = {.caller = call.caller->id,
                              .key = IdempotencyKeyOf(call),
                              .fingerprint = fingerprint,
                              .request_id = call.facts.request_id,
                              .ttl = limits_.ttl,
                              .answer_bytes_max = answer_bytes_max()};
  std::optional<KeyClaims::Waiting> waiting;
  absl::Duration pause = kFirstLook;
  for (;;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(std::optional<AnswerShare> here,
                                table_->Join(ask.caller, ask.key, fingerprint));
    if (here) {
      call.shared = std::make_unique<SharedCall>(*std::move(here));
      co_return absl::OkStatus();
    }
    GATEWAY_CO_ASSIGN_OR_RETURN(KeyClaims::Found found,
                                co_await claims_->Claim(ask, call.cancel));
    if (found.claim) {
      co_return JoinClaimed(call, fingerprint, *std::move(found.claim));
    }
    if (found.end) {
      call.shared = std::make_unique<SharedCall>(
          ShareOf(found.request_id, *std::move(found.end)));
      co_return absl::OkStatus();
    }
    if (!waiting) waiting.emplace(*claims_);
    GATEWAY_CO_RETURN_IF_ERROR(co_await Sleep(call.loop, pause, call.cancel));
    pause = std::min(pause * 3 / 2, kLongestPause);
  }
}

void SharedCalls::JoinTheSame(Call& call) const {
  if (!has_coalescing_) return;
  const bool is_named =
      coalescing_.models().empty() ||
      std::any_of(coalescing_.models().begin(), coalescing_.models().end(),
                  [&call](const std::string& pattern) {
                    return MatchesStarGlob(pattern, call.facts.model);
                  });
  if (!is_named) return;
  // What has come at the same time is as fresh as can be, so that only who
  // wants to be asked for by himself is.
  const CacheUse use = UseOfCache({.tools = true}, CacheableRequestOf(call),
                                  CacheControlOf(call));
  if (use.bypass != CacheBypass::kNone || !use.reads) return;
  static constexpr std::string_view kMembers[] = {"stream"};
  const std::vector<int> fields = LeftOutOfGenerateRequest({});
  bool stored = false;
  const std::optional<RequestKey> key =
      KeyOfCall(call, call.caller->id, "in flight",
                {.members = kMembers, .fields = fields}, &stored);
  if (!key || stored) return;
  InFlightCalls::Joined joined = in_flight_->Join(*key, call.facts.request_id);
  if (!joined.share) return;
  call.shared = std::make_unique<SharedCall>(*std::move(joined.share));
  if (joined.lead) call.shared->lead.emplace(*std::move(joined.lead));
}

}  // namespace gateway
