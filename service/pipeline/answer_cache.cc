#include "service/pipeline/answer_cache.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "base/async/worker_pool.h"
#include "errors/fault.h"
#include "google/protobuf/message_lite.h"
#include "proto/proto_time.h"
#include "service/identity/star_glob.h"
#include "service/overload/memory_gate.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/call_key.h"
#include "service/pipeline/reused_answer.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

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

// Appends the same bytes at each replica, and how many.
void AppendCounted(const google::protobuf::MessageLite& message,
                   std::string* text) {
  const size_t before = text->size();
  const bool appended = AppendMessage(message, text);
  assert(appended);
  static_cast<void>(appended);
  *text += std::to_string(text->size() - before);
}

// Other providers answer otherwise.
Sha256Digest ProvidersFingerprint(const configv1::GatewayConfig& config) {
  std::string text;
  for (const auto& provider : config.providers()) {
    AppendCounted(provider, &text);
  }
  return Sha256(text);
}

// Another cache keeps otherwise, too.
Sha256Digest CacheFingerprint(const configv1::CacheConfig& config,
                              const Sha256Digest& providers) {
  std::string text(providers.begin(), providers.end());
  AppendCounted(config, &text);
  return Sha256(text);
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

CacheableAnswer AnswerOf(const Call& call, const Attempt& attempt) {
  CacheableAnswer answer = {.ok = attempt.status.ok()};
  answer.finish_reason = FinishReasonOfAll(attempt, &answer.complete);
  answer.output_invalid = call.output.validated() && !call.output.valid();
  return answer;
}

absl::Status NoneIsKept() {
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   "no answer to this request is kept, and its caller wants "
                   "none but a kept one (only-if-cached)");
}

}  // namespace

absl::Status FindInNoCache(const Call& call) {
  return CacheControlOf(call).only_if_cached ? NoneIsKept() : absl::OkStatus();
}

std::shared_ptr<const AnswerCache> AnswerCache::Make(
    const configv1::GatewayConfig& config, Clock& clock,
    RedisAnswers* of_replicas, const AnswerCache* previous) {
  if (!config.has_cache()) return nullptr;
  const Sha256Digest providers = ProvidersFingerprint(config);
  const Sha256Digest fingerprint = CacheFingerprint(config.cache(), providers);
  auto answers =
      previous != nullptr && previous->fingerprint_ == fingerprint
          ? previous->answers_
          : std::make_shared<ResponseCache>(LimitsFrom(config.cache()), clock);
  return std::shared_ptr<const AnswerCache>(new AnswerCache(
      config.cache(), std::move(answers),
      config.cache().shared() ? of_replicas : nullptr, fingerprint, providers));
}

AnswerCache::AnswerCache(const configv1::CacheConfig& config,
                         std::shared_ptr<ResponseCache> answers,
                         RedisAnswers* of_replicas,
                         const Sha256Digest& fingerprint,
                         const Sha256Digest& providers)
    : config_(config),
      policy_(PolicyFrom(config_)),
      left_out_(LeftOutFrom(config_)),
      left_out_of_messages_(LeftOutOfGenerateRequest(left_out_)),
      answers_(std::move(answers)),
      of_replicas_(of_replicas),
      fingerprint_(fingerprint),
      providers_(providers) {}

bool AnswerCache::KeepsModel(std::string_view model) const {
  return config_.models().empty() ||
         std::any_of(config_.models().begin(), config_.models().end(),
                     [model](const std::string& pattern) {
                       return MatchesStarGlob(pattern, model);
                     });
}

std::optional<RequestKey> AnswerCache::KeyOf(const Call& call,
                                             CacheBypass* bypass) const {
  const auto [whose, sharer] = SharersOf(config_.scope(), *call.caller);
  LeftOut left_out = {.members = left_out_, .fields = left_out_of_messages_};
  // `stream` alone.
  if (AnswersRepeatRequests(call.facts.dialect)) {
    left_out.members = left_out.members.first(1);
  }
  bool stored = false;
  std::optional<RequestKey> key =
      KeyOfCall(call, sharer, whose, left_out, &stored);
  if (!key) *bypass = CacheBypass::kNotCertain;
  if (stored && !policy_.stored) *bypass = CacheBypass::kStored;
  return *bypass == CacheBypass::kNone ? key : std::nullopt;
}

absl::Status AnswerCache::Find(Call& call) const {
  call.cache = std::make_unique<CallCache>();
  CallCache& cache = *call.cache;
  CacheableRequest request = CacheableRequestOf(call);
  request.model_is_kept = KeepsModel(call.facts.model);
  cache.use = UseOfCache(policy_, request, CacheControlOf(call));
  CacheUse& use = cache.use;
  if (use.bypass == CacheBypass::kNone) {
    cache.key = KeyOf(call, &use.bypass);
  }
  if (cache.key) {
    cache.key_told = cache.key->Hex().substr(0, CallCache::kKeyDigitsTold);
    if (use.reads) {
      if (auto hit = answers_->Find(*cache.key, use.age_max)) {
        cache.hit = true;
        cache.age = hit->age;
        return ReuseAnswer(std::move(hit->answer), &call);
      }
    }
  }
  const bool may_be_there = AsksReplicas(call);
  return use.only_if_cached && !may_be_there ? NoneIsKept() : absl::OkStatus();
}

bool AnswerCache::AsksReplicas(const Call& call) const {
  const CallCache* const cache = call.cache.get();
  return of_replicas_ != nullptr && cache != nullptr && cache->key &&
         cache->use.reads && !cache->hit;
}

RequestKey AnswerCache::KeyOfReplicas(const RequestKey& key) const {
  std::string text(providers_.begin(), providers_.end());
  text.append(key.digest.begin(), key.digest.end());
  return {.digest = Sha256(text)};
}

Task<absl::Status> AnswerCache::FindOfReplicas(Call& call) const {
  CallCache& cache = *call.cache;
  std::optional<RedisAnswers::Hit> hit =
      co_await of_replicas_->Find(call.caller->id, KeyOfReplicas(*cache.key),
                                  ToAbsl(config_.ttl()), cache.use.age_max);
  if (hit && hit->answer->is_stream() == call.facts.stream) {
    const auto reuse = [&] { return ReuseAnswer(hit->answer, &call); };
    const absl::Status reused =
        co_await OffLoop(BytesToReuse(*hit->answer), reuse);
    if (reused.ok()) {
      PutInMemory(call, std::move(hit->answer), hit->age);
      cache.hit = true;
      cache.age = hit->age;
      co_return absl::OkStatus();
    }
    // Nothing that could be said again.
    call.reused = nullptr;
  }
  co_return cache.use.only_if_cached ? NoneIsKept() : absl::OkStatus();
}

void AnswerCache::Put(const Call& call, KeptAnswerPtr answer) const {
  const RequestKey& key = *call.cache->key;
  if (of_replicas_ != nullptr) {
    of_replicas_->Put(call.caller->id, KeyOfReplicas(key), answer,
                      ToAbsl(config_.ttl()));
  }
  PutInMemory(call, std::move(answer), absl::ZeroDuration());
}

void AnswerCache::PutInMemory(const Call& call, KeptAnswerPtr answer,
                              absl::Duration age) const {
  const RequestKey& key = *call.cache->key;
  const OverloadControl* const overload = call.runtime->overload();
  if (overload != nullptr &&
      overload->memory().pressure() != MemoryPressure::kNormal) {
    answers_->Refuse(key, ResponseCache::Refusal::kMemory);
    return;
  }
  answers_->Put(key, std::move(answer), absl::InfiniteDuration(), age);
}

bool AnswerCache::Keeps(const Call& call) const {
  const CallCache* const cache = call.cache.get();
  return cache != nullptr && cache->key && cache->use.keeps && !cache->hit;
}

bool AnswerCache::Keeps(const Call& call, const Attempt& attempt) const {
  // What somebody else has answered, since the target could not, is none of
  // the target's.
  const PlannedTarget& target = call.planned.first;
  return Keeps(call) && attempt.provider == target.provider->name &&
         attempt.upstream_model == target.upstream_model &&
         IsWorthKeeping(policy_, AnswerOf(call, attempt));
}

void AnswerCache::Keep(const Call& call, const Attempt& attempt) const {
  if (!Keeps(call, attempt)) return;
  if (BytesToKeep(attempt) > answers_->answer_bytes_max()) {
    answers_->Refuse(*call.cache->key, ResponseCache::Refusal::kTooLarge);
    return;
  }
  Put(call, KeepAnswer(call, attempt));
}

size_t AnswerCache::BytesToRecord(const Call& call) const {
  return Keeps(call) ? answers_->answer_bytes_max() : 0;
}

void AnswerCache::KeepStream(const Call& call, const Attempt& attempt,
                             KeptAnswerPtr answer) const {
  if (!Keeps(call, attempt)) return;
  if (answer == nullptr || answer->body.size() > answers_->answer_bytes_max()) {
    answers_->Refuse(*call.cache->key, ResponseCache::Refusal::kTooLarge);
    return;
  }
  Put(call, std::move(answer));
}

}  // namespace gateway
