// The handlers of AdminService for the ledger: QueryLedger, GetLedgerEntry,
// VerifyLedger and ExportLedger.
//
//   LedgerAdmin ledger({.chains = chains});
//   ledger.AddTo(table);  // Before AdminService, which says who may call.
//
// What they read they read on a thread of their own, in pieces: a check of all
// of a large ledger lets others have their turn, waits for a client that takes
// its time, and ends when he has gone.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_LEDGER_ADMIN_H_
#define SERVICE_API_LEDGER_ADMIN_H_

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/ledger/ledger_chains.h"

namespace gateway {

class LedgerAdmin {
 public:
  struct Sources {
    // Borrowed, and null where there is no `ledger`.
    const LedgerChains* chains = nullptr;
  };

  explicit LedgerAdmin(const Sources& sources);

  LedgerAdmin(const LedgerAdmin&) = delete;
  LedgerAdmin& operator=(const LedgerAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> Query(CallContext& call,
                           const llmgateway::v1::QueryLedgerRequest& request,
                           llmgateway::v1::QueryLedgerResponse* response);
  Task<absl::Status> Get(CallContext& call,
                         const llmgateway::v1::GetLedgerEntryRequest& request,
                         llmgateway::v1::LedgerEntry* response);
  Task<absl::Status> Verify(CallContext& call,
                            const llmgateway::v1::VerifyLedgerRequest& request,
                            MessageWriter& writer);
  Task<absl::Status> Export(CallContext& call,
                            const llmgateway::v1::ExportLedgerRequest& request,
                            MessageWriter& writer);

  // Has the log and the metrics say what a verification has found.
  void TellBroken(const llmgateway::v1::VerifyLedgerResponse& found) const;

  // NOT_CONFIGURED where there is no ledger.
  absl::Status CheckConfigured() const;
  // The chains of this name, or all; new ones, too. `field` is named where
  // there is none.
  Task<absl::StatusOr<std::vector<LedgerChains::Chain>>> FindChains(
      CallContext& call, const std::string& name, std::string_view field);
  // What `work`, on the worker, has come to; LEDGER_UNAVAILABLE if it failed.
  template <typename Work>
  Task<std::invoke_result_t<Work&>> OnWorker(CallContext& call, Work work);

  const Sources sources_;
  // Null where there is no ledger.
  const std::unique_ptr<BlockingWorker> worker_;
};

}  // namespace gateway

#endif  // SERVICE_API_LEDGER_ADMIN_H_
