#include "service/pipeline/answer_cache.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "proto/proto_time.h"
#include "service/identity/star_glob.h"
#include "service/pipeline/provider_policy.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// The name of requests by gRPC, as of a dialect.
constexpr std::string_view kNeutralApi = "grpc";

// So many times as fast as a request is read its key is found, at least.
constexpr size_t kKeysPerReading = 4;

CachePolicy PolicyFrom(const configv1::CacheConfig& config) {
  return {.tools = config.tools(),
          .streams = config.streams(),
          .stored = config.stored(),
          .on_request = config.on_request()};
}

// What never tells requests apart: `stream` is in the scope of their keys.
std::vector<std::string_view> LeftOutFrom(const configv1::CacheConfig& config) {
  std::vector<std::string_view> names = {"stream"};
  names.insert(names.end(), config.ignored_fields().begin(),
               config.ignored_fields().end());
  return names;
}

ResponseCache::Limits LimitsFrom(const configv1::CacheConfig& config) {
  return {.ttl = ToAbsl(config.ttl()),
          .entries = static_cast<size_t>(config.entries_limit()),
          .size_bytes = static_cast<size_t>(config.size_bytes_limit()),
          .answer_bytes = static_cast<size_t>(config.answer_bytes_limit())};
}

// Another cache keeps otherwise, and other providers answer otherwise.
Sha256Digest FingerprintOf(const configv1::GatewayConfig& config) {
  std::string text = config.cache().SerializeAsString();
  for (const auto& provider : config.providers()) {
    text += std::to_string(text.size());
    text += provider.SerializeAsString();
  }
  return Sha256(text);
}

CacheControl ControlOf(const Call& call) {
  if (call.raw != nullptr || call.request == nullptr) {
    return ParseCacheControl(call.facts.cache_control);
  }
  const v1::CacheControl& said = call.request->cache_control();
  CacheControl control;
  control.no_cache = said.no_cache();
  control.no_store = said.no_store();
  control.only_if_cached = said.only_if_cached();
  if (said.has_max_age()) {
    control.age_max = std::max(ToAbsl(said.max_age()), absl::ZeroDuration());
  }
  return control;
}

// Who may get each other's answers, and how they are told from others who may.
std::pair<std::string_view, std::string_view> SharersOf(
    configv1::CacheConfig::Scope scope, const Caller& caller) {
  if (scope == configv1::CacheConfig::SCOPE_ALL) return {"all", ""};
  // Who belongs to nobody shares with nobody.
  if (scope == configv1::CacheConfig::SCOPE_OWNER && !caller.owner.empty()) {
    return {"owner", caller.owner};
  }
  return {"caller", caller.id};
}

bool StopsWell(const v1::GenerateResponse& response, v1::FinishReason* reason) {
  *reason = v1::FINISH_REASON_UNSPECIFIED;
  for (const v1::Choice& choice : response.choices()) {
    *reason = choice.finish_reason();
    if (*reason != v1::FINISH_REASON_STOP &&
        *reason != v1::FINISH_REASON_TOOL_CALLS) {
      return false;
    }
  }
  return true;
}

CacheableAnswer AnswerOf(const Attempt& attempt) {
  const v1::GenerateResponse* const response = attempt.answer.response;
  CacheableAnswer answer = {.ok = attempt.status.ok(), .complete = true};
  if (response == nullptr) {
    answer.finish_reason = attempt.answer.facts.finish_reason;
    return answer;
  }
  answer.complete = StopsWell(*response, &answer.finish_reason);
  answer.output_invalid =
      response->has_output_valid() && !response->output_valid();
  return answer;
}

// Puts what was found in the place of an attempt's answer.
absl::Status PutInPlace(Call& call, const KeptAnswer& kept, CallCache* cache) {
  Attempt& attempt = cache->attempt;
  const PlannedTarget& target = call.planned.first;
  attempt.provider = target.provider->name;
  attempt.model = target.upstream_model;
  attempt.answered = true;
  attempt.start_time = call.start_time;
  attempt.forwards = !kept.is_message;
  ResponseFacts& facts = attempt.answer.facts;
  facts.usage = kept.usage;
  facts.usage.set_cost_usd_nanos(0);
  facts.usage.set_cost_known(true);
  facts.has_usage = true;
  facts.usage_is_final = true;
  facts.finish_reason = kept.finish_reason;
  facts.kept_id = kept.kept_id;
  attempt.usage = &facts.usage;
  if (attempt.forwards) {
    attempt.answer.raw = kept.body;
    return absl::OkStatus();
  }
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&call.arena);
  if (!response->ParseFromString(kept.body)) {
    return MakeFault(v1::ERROR_REASON_INTERNAL,
                     "a kept answer could not be read");
  }
  attempt.warnings.assign(response->warnings().begin(),
                          response->warnings().end());
  // Of this call, and not of the one that brought the answer.
  response->clear_warnings();
  response->clear_attempts();
  response->clear_timings();
  response->clear_route();
  if (response->has_usage()) *response->mutable_usage() = facts.usage;
  attempt.answer.response = response;
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<const AnswerCache> AnswerCache::Make(
    const configv1::GatewayConfig& config, Clock& clock,
    const AnswerCache* previous) {
  if (!config.has_cache()) return nullptr;
  const Sha256Digest fingerprint = FingerprintOf(config);
  auto answers =
      previous != nullptr && previous->fingerprint_ == fingerprint
          ? previous->answers_
          : std::make_shared<ResponseCache>(LimitsFrom(config.cache()), clock);
  return std::shared_ptr<const AnswerCache>(
      new AnswerCache(config.cache(), std::move(answers), fingerprint));
}

AnswerCache::AnswerCache(const configv1::CacheConfig& config,
                         std::shared_ptr<ResponseCache> answers,
                         const Sha256Digest& fingerprint)
    : config_(config),
      policy_(PolicyFrom(config_)),
      left_out_(LeftOutFrom(config_)),
      left_out_of_messages_(LeftOutOfGenerateRequest(left_out_)),
      answers_(std::move(answers)),
      fingerprint_(fingerprint) {}

bool AnswerCache::KeepsModel(std::string_view model) const {
  return config_.models().empty() ||
         std::any_of(config_.models().begin(), config_.models().end(),
                     [model](const std::string& pattern) {
                       return MatchesStarGlob(pattern, model);
                     });
}

CacheableRequest AnswerCache::RequestOf(const Call& call) const {
  const CallFacts& facts = call.facts;
  CacheableRequest request;
  request.generates = call.embed == nullptr && call.stored_query == nullptr &&
                      !facts.counts &&
                      (call.raw != nullptr || call.request != nullptr);
  if (!request.generates) return request;
  request.model_is_kept = KeepsModel(facts.model);
  request.has_tools = call.raw != nullptr ? call.raw->scan.tool_count > 0
                                          : !call.request->tools().empty();
  request.stream = facts.stream;
  request.builds_on_stored =
      !facts.previous_response_id.empty() || !facts.stored_reference.empty();
  request.background = facts.background;
  request.callers_credential = call.BringsCredential(
      call.runtime->PolicyOf(*call.planned.first.provider));
  request.request_bytes = facts.request_bytes;
  return request;
}

std::optional<RequestKey> AnswerCache::KeyOf(const Call& call,
                                             CacheBypass* bypass) const {
  const CallFacts& facts = call.facts;
  const PlannedTarget& target = call.planned.first;
  const auto [whose, owner] = SharersOf(config_.scope(), *call.caller);
  absl::InlinedVector<std::string_view, 12> varies_by = {
      whose,
      target.provider->name,
      target.upstream_model,
      facts.model,
      facts.path,
      facts.strict_output ? "strict" : "",
      facts.stream_usage ? "usage" : ""};
  for (const HttpField& field : facts.forwarded_fields) {
    varies_by.push_back(field.name);
    varies_by.push_back(field.value);
  }
  RequestScope scope;
  scope.caller = owner;
  scope.api = facts.dialect.empty() ? kNeutralApi : facts.dialect;
  scope.operation = facts.operation;
  scope.stream = facts.stream;
  scope.varies_by = varies_by;
  std::optional<RequestKey> key;
  bool stored = false;
  if (call.raw != nullptr) {
    WatchedMember store = {.name = "store"};
    auto left_out = absl::MakeConstSpan(left_out_);
    // `stream` alone.
    if (AnswersRepeatRequests(facts.dialect)) left_out = left_out.first(1);
    key = KeyOfJson(scope, call.raw->body, left_out, &store);
    stored = store.value == WatchedMember::Value::kTrue ||
             (facts.remembered_unless_refused &&
              store.value != WatchedMember::Value::kFalse);
  } else {
    key = KeyOfMessage(scope, *call.request, left_out_of_messages_);
    stored = call.request->store();
  }
  if (!key) *bypass = CacheBypass::kNotCertain;
  if (stored && !policy_.stored) *bypass = CacheBypass::kStored;
  return *bypass == CacheBypass::kNone ? key : std::nullopt;
}

size_t AnswerCache::BytesToFind(const Call& call) const {
  return call.facts.request_bytes / kKeysPerReading;
}

absl::Status AnswerCache::Find(Call& call) const {
  call.cache = std::make_unique<CallCache>();
  CallCache& cache = *call.cache;
  cache.use = UseOfCache(policy_, RequestOf(call), ControlOf(call));
  CacheUse& use = cache.use;
  if (use.bypass == CacheBypass::kNone) {
    cache.key = KeyOf(call, &use.bypass);
  }
  if (cache.key) {
    cache.key_told = cache.key->Hex().substr(0, CallCache::kKeyDigitsTold);
    if (use.reads) {
      if (auto hit = answers_->Find(*cache.key, use.age_max)) {
        cache.answer = std::move(hit->answer);
        cache.age = hit->age;
        return PutInPlace(call, *cache.answer, &cache);
      }
    }
  }
  if (!use.only_if_cached) return absl::OkStatus();
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   "no answer to this request is kept, and its caller wants "
                   "none but a kept one (only-if-cached)");
}

void AnswerCache::Keep(const Call& call, const Attempt& attempt) const {
  const CallCache* const cache = call.cache.get();
  if (cache == nullptr || !cache->key || !cache->use.keeps || cache->hit()) {
    return;
  }
  // What somebody else has answered, since the target could not, is none of
  // the target's.
  const PlannedTarget& target = call.planned.first;
  if (attempt.provider != target.provider->name ||
      attempt.model != target.upstream_model) {
    return;
  }
  const CacheableAnswer answer = AnswerOf(attempt);
  if (!IsWorthKeeping(policy_, answer)) return;
  const v1::GenerateResponse* const response = attempt.answer.response;
  const size_t body_bytes = response == nullptr ? attempt.answer.raw.size()
                                                : response->ByteSizeLong();
  if (body_bytes > answers_->answer_bytes_max()) return;
  auto kept = std::make_shared<KeptAnswer>();
  if (response == nullptr) {
    kept->body = attempt.answer.raw;
  } else {
    response->SerializeToString(&kept->body);
    kept->is_message = true;
  }
  kept->request_id = call.facts.request_id;
  kept->kept_id = attempt.answer.facts.kept_id;
  kept->provider = attempt.provider;
  kept->model = attempt.model;
  kept->created = call.runtime->clock().WallTime();
  kept->usage = attempt.answer.facts.usage;
  kept->finish_reason = answer.finish_reason;
  answers_->Put(*cache->key, std::move(kept));
}

}  // namespace gateway
