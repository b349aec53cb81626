// The handlers of AdminService for prices: ListPricing shows what models cost,
// and SetPricing says so.
//
//   PricingAdmin pricing({.runtime = runtime, .state = store,
//                         .worker = worker});
//   pricing.AddTo(table);  // Before AdminService, which says who may call.
//
// What an operator sets is in force for every call that begins after the
// answer, and by then it is on disk, if anything is kept there. What cannot be
// kept is not in force. A call that had begun keeps the prices that it began
// with. Each change is a line of the log.
//
// Thread-safe once added; handlers run on the loops of their calls, and what
// they say is written, and put into force, on the worker.

#ifndef SERVICE_API_PRICING_ADMIN_H_
#define SERVICE_API_PRICING_ADMIN_H_

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/pricing.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"

namespace gateway {

class PricingAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    StateStore& state;
    BlockingWorker& worker;
  };

  explicit PricingAdmin(const Sources& sources) : sources_(sources) {}

  PricingAdmin(const PricingAdmin&) = delete;
  PricingAdmin& operator=(const PricingAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListPricingRequest& request,
                          llmgateway::v1::ListPricingResponse* response);
  Task<absl::Status> Set(CallContext& call,
                         const llmgateway::v1::SetPricingRequest& request,
                         llmgateway::v1::SetPricingResponse* response);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_PRICING_ADMIN_H_
