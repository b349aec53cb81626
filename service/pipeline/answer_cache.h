// AnswerCache is the cache of answers of one configuration: which calls it has
// a part in, and under which keys (service/cache keeps them).
//
//   GATEWAY_RETURN_IF_ERROR(cache.Find(call));
//   if (cache.AsksReplicas(call)) {
//     GATEWAY_CO_RETURN_IF_ERROR(co_await cache.FindOfReplicas(call));
//   }
//   if (call.reused != nullptr) ... call.DecidingAttempt() has the answer
//   ...
//   cache.Keep(call, attempt);
//
// Answers are in memory, and with `cache.shared` in Redis, too, where those of
// all replicas whose providers are configured alike are one.
//
// A key (call_key.h) has all that an answer depends on, the target included, so
// that another configuration's answers are not taken for this one's.
//
// Thread contract: thread-safe; a call is for one thread at a time.

#ifndef SERVICE_PIPELINE_ANSWER_CACHE_H_
#define SERVICE_PIPELINE_ANSWER_CACHE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/sha256.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/cache/cache_policy.h"
#include "service/cache/redis_answers.h"
#include "service/cache/request_key.h"
#include "service/cache/response_cache.h"
#include "service/pipeline/call.h"

namespace gateway {

class AnswerCache {
 public:
  // Null if `config` has no cache. What `previous`, which may be null, has kept
  // is taken over if the cache and all providers are configured as before.
  // Borrows `clock` and `of_replicas`, which is null where there is no Redis.
  static std::shared_ptr<const AnswerCache> Make(
      const llmgateway::config::v1::GatewayConfig& config, Clock& clock,
      RedisAnswers* of_replicas, const AnswerCache* previous);

  // Sets call.cache, with the answer if there is one in memory. NOT_FOUND if
  // there is none anywhere, and the caller wants none but a kept one. REQUIRES:
  // the call is planned.
  absl::Status Find(Call& call) const;

  // Whether one that Find has not found may be in Redis.
  bool AsksReplicas(const Call& call) const;

  // Looks for it there, for no longer than Redis is waited for, and keeps it in
  // memory. As Find. On the call's loop. REQUIRES: AsksReplicas.
  Task<absl::Status> FindOfReplicas(Call& call) const;

  // Keeps the answer of `attempt`, which has been completed, if it may be. On
  // the call's loop, as KeepStream. While memory is short nothing new is kept
  // in it.
  void Keep(const Call& call, const Attempt& attempt) const;

  // How much of the call's stream is to be recorded, so that it can be kept: 0
  // if it is not to be.
  size_t BytesToRecord(const Call& call) const;

  // The same as Keep of a stream, which `answer` is; null if it was longer than
  // may be recorded.
  void KeepStream(const Call& call, const Attempt& attempt,
                  KeptAnswerPtr answer) const;

  // Thread-safe.
  ResponseCache& answers() const { return *answers_; }

 private:
  AnswerCache(const llmgateway::config::v1::CacheConfig& config,
              std::shared_ptr<ResponseCache> answers, RedisAnswers* of_replicas,
              const Sha256Digest& fingerprint, const Sha256Digest& providers);

  // Whether the call's answer may be kept, whatever it is.
  bool Keeps(const Call& call) const;
  // Whether that of `attempt` may be.
  bool Keeps(const Call& call, const Attempt& attempt) const;
  bool KeepsModel(std::string_view model) const;
  // Nothing if the call is none of the cache's; sets why.
  std::optional<RequestKey> KeyOf(const Call& call, CacheBypass* bypass) const;
  // What that is among all replicas, however their providers are configured.
  RequestKey KeyOfReplicas(const RequestKey& key) const;
  void Put(const Call& call, KeptAnswerPtr answer) const;
  // Nothing while memory is short. It is as old as `age`.
  void PutInMemory(const Call& call, KeptAnswerPtr answer,
                   absl::Duration age) const;

  // Constant after construction.
  const llmgateway::config::v1::CacheConfig config_;
  const CachePolicy policy_;
  const std::vector<std::string_view> left_out_;  // Of config_.
  const std::vector<int> left_out_of_messages_;
  const std::shared_ptr<ResponseCache> answers_;
  RedisAnswers* const of_replicas_;  // Null if answers are in memory alone.
  // Of what the answers depend on: the cache and its providers, and those
  // alone.
  const Sha256Digest fingerprint_;
  const Sha256Digest providers_;
};

// What AnswerCache::Find comes to where none is configured: NOT_FOUND if the
// caller wants none but a kept answer.
absl::Status FindInNoCache(const Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ANSWER_CACHE_H_
