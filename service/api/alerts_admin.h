// The handlers of AdminService for alerts: ListAlerts and SilenceAlert.
//
//   AlertsAdmin alerts({.runtime = runtime, .board = board, .state = store,
//                       .worker = worker});
//   alerts.AddTo(table);  // Who may call, AdminService says.
//
// A silence is kept in the store, and in force once it is there.
//
// Thread-safe once added; handlers run on the loops of their calls, and what is
// said is written on the worker.

#ifndef SERVICE_API_ALERTS_ADMIN_H_
#define SERVICE_API_ALERTS_ADMIN_H_

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/alerts.pb.h"
#include "service/alerts/alert_board.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"

namespace gateway {

class AlertsAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    AlertBoard& board;
    StateStore& state;
    BlockingWorker& worker;
  };

  explicit AlertsAdmin(const Sources& sources) : sources_(sources) {}

  AlertsAdmin(const AlertsAdmin&) = delete;
  AlertsAdmin& operator=(const AlertsAdmin&) = delete;

  // Adds the handlers, which ask nobody who calls. Must outlive the table's
  // calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListAlertsRequest& request,
                          llmgateway::v1::ListAlertsResponse* response);
  Task<absl::Status> Silence(CallContext& call,
                             const llmgateway::v1::SilenceAlertRequest& request,
                             llmgateway::v1::SilenceAlertResponse* response);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_ALERTS_ADMIN_H_
