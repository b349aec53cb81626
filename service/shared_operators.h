// SharedOperators has what an operator says at one replica hold at all of them,
// by way of what they share: a Redis or, without one, the PostgreSQL that their
// ledger is in.
//
//   SharedOperators shared;
//   shared.Open(config, &components);
//   shared.Follow(loop, runtime, state, worker);
//   ...
//   shared.Stop();  // While the loop runs.
//
// Thread contract: one thread, which is none of the loops'.

#ifndef SERVICE_SHARED_OPERATORS_H_
#define SERVICE_SHARED_OPERATORS_H_

#include <functional>
#include <memory>

#include "base/async/blocking_worker.h"
#include "base/async/event_loop.h"
#include "base/secret.h"
#include "service/api/component_board.h"
#include "service/api/operator_state_share.h"
#include "service/config/snapshot.h"
#include "service/latest_value.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "service/store/record_store.h"

namespace gateway {

class SharedOperators {
 public:
  SharedOperators() = default;

  // Nothing is asked before it is followed. Where that is PostgreSQL, `board`
  // has `operators` from now on, DEGRADED while it cannot be asked; what
  // becomes of a Redis is told by `redis`. The board is not asked once this has
  // gone.
  void Open(const ConfigSnapshot& config, ComponentBoard* board);

  // What has sessions of PostgreSQL that begin from then on show the password
  // of another configuration.
  std::function<void()> Prepare(const ConfigSnapshot& next);

  // Keeps what operators say in step with the others, if something is shared,
  // on that loop, until Stop. All are borrowed; it is kept in `state`, by
  // `worker`. REQUIRES: the loop has a LoopRedis where there is a Redis.
  void Follow(EventLoop& loop, const CurrentRuntime& runtime, StateStore& state,
              BlockingWorker& worker);
  // REQUIRES: the loop runs, if it was followed.
  void Stop();

 private:
  // Null where that is no PostgreSQL.
  std::shared_ptr<LatestValue<Secret>> password_;
  std::unique_ptr<RecordStore> records_;  // Null where nothing is shared.
  std::unique_ptr<OperatorStateShare> share_;
  EventLoop* follows_on_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_SHARED_OPERATORS_H_
