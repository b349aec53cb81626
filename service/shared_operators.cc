#include "service/shared_operators.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/async/task.h"
#include "llmgateway/v1/admin.pb.h"
#include "proto/proto_time.h"
#include "service/loop_redis.h"
#include "service/postgres/postgres_database.h"
#include "service/postgres/postgres_record_store.h"
#include "service/store/redis_record_store.h"

namespace gateway {
namespace {

// Less than the ledger may have, whose calls wait for it: a gateway that ends
// waits for no more, and what fails is tried again each second.
constexpr absl::Duration kRecordsTimeoutMax = absl::Seconds(2);

PostgresDatabase DatabaseOfLedger(
    const ConfigSnapshot& config,
    const std::shared_ptr<LatestValue<Secret>>& password) {
  const auto& postgres = config.config().ledger().postgres();
  return {.connection = {.conninfo = postgres.connection()},
          .password = [password] { return password->Get(); },
          .schema = postgres.schema(),
          .timeout = std::min(ToAbsl(postgres.timeout()), kRecordsTimeoutMax)};
}

void FillApart(llmgateway::v1::ComponentHealth* health) {
  health->set_state(llmgateway::v1::ComponentHealth::STATE_DEGRADED);
  health->set_problem(
      "what operators say holds at this replica alone, and is told to the "
      "others later: see whether PostgreSQL at ledger.postgres.connection can "
      "be reached, and its user make tables in ledger.postgres.schema; the log "
      "says why");
}

}  // namespace

void SharedOperators::Open(const ConfigSnapshot& config,
                           ComponentBoard* board) {
  if (config.config().has_redis()) {
    records_ = std::make_unique<RedisRecordStore>(
        RedisRecordStore::Options{.prefix = config.config().redis().prefix()},
        &LoopRedis::OfThisLoop);
  } else if (config.config().ledger().has_postgres()) {
    password_ = std::make_shared<LatestValue<Secret>>(config.ledger_password());
    auto records = std::make_unique<PostgresRecordStore>(
        DatabaseOfLedger(config, password_));
    board->Add("operators", [store = records.get()](
                                llmgateway::v1::ComponentHealth* health) {
      if (store->fails()) FillApart(health);
    });
    records_ = std::move(records);
  }
}

std::function<void()> SharedOperators::Prepare(const ConfigSnapshot& next) {
  return [latest = password_, password = next.ledger_password()] {
    if (latest != nullptr) latest->Set(password);
  };
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
