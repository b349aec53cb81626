#include "service/shared_operators.h"

#include "base/async/task.h"
#include "service/loop_redis.h"
#include "service/store/redis_record_store.h"

namespace gateway {

void SharedOperators::Open(const ConfigSnapshot& config) {
  if (!config.config().has_redis()) return;
  records_ = std::make_unique<RedisRecordStore>(
      RedisRecordStore::Options{.prefix = config.config().redis().prefix()},
      &LoopRedis::OfThisLoop);
}

void SharedOperators::Follow(EventLoop& loop, const CurrentRuntime& runtime,
                             StateStore& state, BlockingWorker& worker) {
  if (records_ == nullptr) return;
  share_ = std::make_unique<OperatorStateShare>(
      OperatorStateShare::Sources{.store = *records_,
                                  .current = runtime,
                                  .state = state,
                                  .worker = worker});
  follows_on_ = &loop;
  loop.Post([this, &loop] { Spawn(share_->Run(loop)); });
}

void SharedOperators::Stop() {
  if (follows_on_ == nullptr) return;
  share_->Stop(*follows_on_);
  follows_on_ = nullptr;
}

}  // namespace gateway
