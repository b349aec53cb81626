// The handlers of AdminService that are about models which are chosen by what a
// call needs: the policies and nodes, and what operators give to nodes.
//
//   PoliciesAdmin policies({.runtime = runtime, .store = store,
//                           .worker = worker});
//   policies.AddTo(table);  // Before AdminService, which says who may call.
//
// An override is in force for every call that begins after the answer, and by
// then it is on disk, if anything is kept there. One that cannot be kept is not
// in force.
//
// Thread-safe once added; handlers run on the loops of their calls, except that
// overrides are written, and then put into force, by the worker, and that what
// takes long to compute is done by the pool of worker_pool.h.

#ifndef SERVICE_API_POLICIES_ADMIN_H_
#define SERVICE_API_POLICIES_ADMIN_H_

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/policies.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/selection/node_overrides.h"
#include "service/state/state_store.h"

namespace gateway {

class PoliciesAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    StateStore& store;
    BlockingWorker& worker;
  };

  explicit PoliciesAdmin(const Sources& sources) : sources_(sources) {}

  PoliciesAdmin(const PoliciesAdmin&) = delete;
  PoliciesAdmin& operator=(const PoliciesAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  using Runtime = std::shared_ptr<const RuntimeSnapshot>;

  // Answers a method that changes nothing; `work` says how much it is to answer
  // it, as WorkForNodes does.
  template <typename Request, typename Response>
  void AddView(MethodTable& table, std::string_view method,
               absl::Status (*view)(const RuntimeSnapshot&, const Request&,
                                    Response*),
               size_t (*work)(const RuntimeSnapshot&));

  Task<absl::Status> UpdateNodePolicy(
      CallContext& call, const llmgateway::v1::UpdateNodePolicyRequest& request,
      llmgateway::v1::UpdateNodePolicyResponse* response);
  Task<absl::Status> BulkUpdateNodePolicies(
      CallContext& call,
      const llmgateway::v1::BulkUpdateNodePoliciesRequest& request,
      llmgateway::v1::BulkUpdateNodePoliciesResponse* response);

  // Returns what an update means; one without a model takes an override back.
  static absl::StatusOr<NodeOverride> OverrideOf(
      const llmgateway::v1::UpdateNodePolicyRequest& update,
      std::string_view operator_name, absl::Time now);
  // Puts overrides on disk, then into force. Returns what is wrong with each; a
  // fault says that none is in force.
  Task<absl::StatusOr<std::vector<absl::Status>>> Set(
      CallContext& call, Runtime runtime, std::vector<NodeOverride> given);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_POLICIES_ADMIN_H_
