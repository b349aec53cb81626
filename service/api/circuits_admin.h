// The handlers of llmgateway.v1.AdminService that are about targets:
// ListCircuits shows what has been learned of them, ResetCircuit forgets it,
// ForceCircuit and SetModelEnabled say what becomes of them whatever happens.
//
//   CircuitsAdmin circuits({.runtime = runtime, .state = store,
//                           .worker = worker});
//   circuits.AddTo(table);  // Who may call, AdminService says.
//
// What operators have forced or disabled is kept in the store, and put into
// force again at the start:
//
//   RestoreCircuits(store, *runtime.Get());
//
// Thread-safe once added; handlers run on the loops of their calls, and write
// to the store on the worker.

#ifndef SERVICE_API_CIRCUITS_ADMIN_H_
#define SERVICE_API_CIRCUITS_ADMIN_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"

namespace gateway {

// Puts into force what operators had said before the process began. One line of
// the log tells if that cannot be read: then nothing is in force.
void RestoreCircuits(const StateStore& state, const RuntimeSnapshot& runtime);

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
  template <typename Request, typename Response>
  using Handler = Task<absl::Status> (CircuitsAdmin::*)(CallContext&,
                                                        const Request&,
                                                        Response*);

  template <typename Request, typename Response>
  void Add(MethodTable& table, const char* method,
           Handler<Request, Response> handler);

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

  // Keeps what operators have said; returns once it is on disk.
  Task<absl::Status> Keep(CallContext& call);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_CIRCUITS_ADMIN_H_
