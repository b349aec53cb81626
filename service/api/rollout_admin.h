// The handler of llmgateway.v1.AdminService that changes which share of the
// callers the rules are for, UpdateRollout.
//
//   RolloutAdmin rollout({.runtime = runtime, .state = store,
//                         .worker = worker});
//   rollout.AddTo(table);  // Who may call, AdminService says.
//
// What an operator has said is kept in the store, and put into force again at
// the start, unless `routing.rollout` says something else by then:
//
//   RestoreRollout(store, *runtime.Get());
//
// Thread-safe once added; the handler runs on the loop of its call, and writes
// to the store on the worker.

#ifndef SERVICE_API_ROLLOUT_ADMIN_H_
#define SERVICE_API_ROLLOUT_ADMIN_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/rollout_switch.h"
#include "service/state/state_store.h"

namespace gateway {

// What was said of a rollout that was configured so, as a text, and back.
// ReadRollout fails for all that WriteRollout does not write: what is passed
// over unread would be lost without a word.
std::string WriteRollout(const std::string& configured,
                         const RolloutSwitch::Said& said);
absl::Status ReadRollout(std::string_view text, std::string* configured,
                         RolloutSwitch::Said* said);

// Puts into force what operators had said before the process began. What is not
// what was written, or cannot be said, is damage (StateStore::Restore): then
// the configuration counts.
void RestoreRollout(StateStore& state, const RuntimeSnapshot& runtime);

// Keeps what is in force now, for RestoreRollout. Blocks on the file system.
absl::Status KeepRollout(StateStore& state, const RolloutSwitch& rollout);

class RolloutAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    StateStore& state;
    BlockingWorker& worker;
  };

  explicit RolloutAdmin(const Sources& sources) : sources_(sources) {}

  RolloutAdmin(const RolloutAdmin&) = delete;
  RolloutAdmin& operator=(const RolloutAdmin&) = delete;

  // Adds the handler, which asks nobody who calls. Must outlive the table's
  // calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> Update(CallContext& call,
                            const llmgateway::v1::UpdateRolloutRequest& request,
                            llmgateway::v1::UpdateRolloutResponse* response);
  // Puts what is said on disk, then into force; takes all back if `said` says
  // nothing. A fault says that nothing has changed.
  Task<absl::Status> Say(CallContext& call, RolloutSwitch::Said said);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_ROLLOUT_ADMIN_H_
