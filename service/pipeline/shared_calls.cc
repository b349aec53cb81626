#include "service/pipeline/shared_calls.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    const configv1::GatewayConfig& config, Clock& clock,
    const SharedCalls* previous) {
  std::shared_ptr<SharedCalls> made(new SharedCalls(config));
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

SharedCalls::SharedCalls(const configv1::GatewayConfig& config)
    : has_idempotency_(config.has_idempotency()),
      has_coalescing_(config.has_coalescing()),
      coalescing_(config.coalescing()),
      limits_(IdempotencyLimitsOf(config.idempotency())) {}

void SharedCalls::PutIntoUse() const {
  if (has_idempotency_) table_->SetLimits(limits_);
}

void SharedCalls::Close() const {
  if (table_ != nullptr) table_->Close();
}

bool SharedCalls::MayJoin(const Call& call) const {
  return has_coalescing_ || !IdempotencyKeyOf(call).empty();
}

size_t SharedCalls::answer_bytes_max() const {
  return IdempotencyTable::AnswerBytesMax(limits_);
}

size_t SharedCalls::BytesToJoin(const Call& call) const {
  return call.facts.request_bytes / kKeysPerReading;
}

absl::Status SharedCalls::JoinByKey(Call& call) const {
  const std::string_view key = IdempotencyKeyOf(call);
  if (key.empty()) return absl::OkStatus();
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
  GATEWAY_ASSIGN_OR_RETURN(
      IdempotencyTable::Call joined,
      table_->Begin(call.caller->id, key, FingerprintOf(call),
                    call.facts.request_id));
  call.shared = std::make_unique<SharedCall>(std::move(joined.share));
  if (joined.run) call.shared->run.emplace(*std::move(joined.run));
  return absl::OkStatus();
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
  // Asks nobody, and so makes no answer for others.
  if (use.only_if_cached) return;
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
