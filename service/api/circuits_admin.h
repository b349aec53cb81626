// The handlers of llmgateway.v1.AdminService that are about targets:
// ListCircuits shows what has been learned of them, ResetCircuit forgets it,
// ForceCircuit and SetModelEnabled say what becomes of them whatever happens.
//
//   CircuitsAdmin circuits({.runtime = runtime, .state = store,
//                           .worker = worker});
//   circuits.AddTo(table);  // Who may call, AdminService says.
//
// What operators force or disable is kept in the store (circuit_document.h),
// and in force once it is there. What cannot be kept is not in force.
//
// Thread-safe once added; handlers run on the loops of their calls, and what
// they say is written, and put into force, on the worker.

#ifndef SERVICE_API_CIRCUITS_ADMIN_H_
#define SERVICE_API_CIRCUITS_ADMIN_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/api/call_context.h"
#include "service/api/circuit_document.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"

namespace gateway {

// What the log says of a change of a circuit, beside which one it is.
struct CircuitDeed {
  std::string done;
  std::string by;  // The operator.
  std::string detail;
};

class CircuitsAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    StateStore& state;
    BlockingWorker& worker;
  };

  explicit CircuitsAdmin(const Sources& sources) : sources_(sources) {}

  CircuitsAdmin(const CircuitsAdmin&) = delete;
  CircuitsAdmin& operator=(const CircuitsAdmin&) = delete;

  // Adds the handlers, which ask nobody who calls. Must outlive the table's
  // calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> ListCircuits(
      CallContext& call, const llmgateway::v1::ListCircuitsRequest& request,
      llmgateway::v1::ListCircuitsResponse* response);
  Task<absl::Status> ResetCircuit(
      CallContext& call, const llmgateway::v1::ResetCircuitRequest& request,
      llmgateway::v1::ResetCircuitResponse* response);
  Task<absl::Status> ForceCircuit(
      CallContext& call, const llmgateway::v1::ForceCircuitRequest& request,
      llmgateway::v1::ForceCircuitResponse* response);
  Task<absl::Status> SetModelEnabled(
      CallContext& call, const llmgateway::v1::SetModelEnabledRequest& request,
      llmgateway::v1::SetModelEnabledResponse* response);

  using Runtime = std::shared_ptr<const RuntimeSnapshot>;

  // Keeps what is said, then puts it into force by `apply`, and logs the deed.
  // A fault says that it is not.
  Task<absl::Status> Say(CallContext& call, Runtime runtime,
                         CircuitChange change, std::function<void()> apply,
                         CircuitDeed deed);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_CIRCUITS_ADMIN_H_
