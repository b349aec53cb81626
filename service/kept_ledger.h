// KeptLedger is the ledger of a process, where the configuration asks for one:
// its file, what was left open in it, who writes it, and what finds its
// entries.
//
//   KeptLedger ledger(SystemClock());
//   GATEWAY_RETURN_IF_ERROR(
//       ledger.Open(config, "/etc/llm-gateway/gateway.yaml"));
//   ... Ports{.ledger = ledger.writer()} ...
//
// Destroyed after the loops, whose calls have ended by then: what is queued or
// kept is written first.
//
// Thread contract: one thread, which is none of the loops'; what is returned is
// as its class says.

#ifndef SERVICE_KEPT_LEDGER_H_
#define SERVICE_KEPT_LEDGER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/os/clock.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "service/observability/metrics.h"

namespace gateway {

class KeptLedger {
 public:
  // Borrows `clock`.
  explicit KeptLedger(Clock& clock) : clock_(clock) {}

  // Opens the ledger, checks what is behind its last checkpoint, and closes
  // what a process before has left open. Blocks. Errors name the field at
  // fault. `config_file` is the configuration file's path. REQUIRES: the
  // configuration has passed validation, and `runtime.state_dir`, if there is
  // one, is a folder.
  absl::Status Open(const llmgateway::config::v1::GatewayConfig& config,
                    const std::string& config_file);

  // All null where there is no ledger.
  LedgerWriter* writer() const { return writer_.get(); }
  // Has the table know what was spent before, by the ledger; nothing without
  // one. Before calls begin.
  void LoadBudgets(BudgetTable& table) const;

  // For Read alone: the writer appends.
  const LedgerLog* log() const { return log_; }
  LedgerIndex* index() const { return index_.get(); }
  const std::string& path() const { return path_; }

  // Adds metrics of the ledger, if there is one, which must outlive the
  // registry's use.
  void AddMetrics(MetricRegistry& registry) const;

 private:
  Clock& clock_;
  std::string path_;
  // What the ledger says of budgets; the writer's, once that is there.
  std::optional<BudgetLedgerState> budgets_;
  const LedgerLog* log_ = nullptr;
  std::unique_ptr<LedgerWriter> writer_;
  std::unique_ptr<LedgerIndex> index_;  // Behind the writer, who has the log.
};

}  // namespace gateway

#endif  // SERVICE_KEPT_LEDGER_H_
