// KeptLedger is the ledger of a process, where the configuration asks for one:
// its file, or the database that it shares with other replicas, what was left
// open in it, who writes it, and what finds its entries.
//
//   KeptLedger ledger(SystemClock());
//   GATEWAY_RETURN_IF_ERROR(
//       ledger.Open(config, "/etc/llm-gateway/gateway.yaml", password));
//   ... Ports{.ledger = ledger.writer()} ...
//
// Closed after the loops, whose calls have ended by then: what is kept is
// written first.
//
// Thread contract: one thread, which is none of the loops'; what is returned is
// as its class says.

#ifndef SERVICE_KEPT_LEDGER_H_
#define SERVICE_KEPT_LEDGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/postgres/conninfo.h"
#include "base/secret.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/budgets/budget_book.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/budgets/budget_sharer.h"
#include "service/budgets/budget_table.h"
#include "service/latest_value.h"
#include "service/ledger/background_check.h"
#include "service/ledger/ledger_chains.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/ledger/postgres_keeper.h"
#include "service/ledger/postgres_ledger.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/recorded_budgets.h"

namespace gateway {

class KeptLedger {
 public:
  // Borrows `clock`.
  explicit KeptLedger(Clock& clock) : clock_(clock) {}

  // Opens the ledger, checks what is behind its last checkpoint, and closes
  // what a process before has left open. Blocks. Errors name the field at
  // fault. `config_file` is the configuration file's path,
  // `postgres_password` what `ledger.postgres.password` names. REQUIRES: the
  // configuration has passed validation, and `runtime.state_dir`, if there is
  // one, is a folder.
  absl::Status Open(const llmgateway::config::v1::GatewayConfig& config,
                    const std::string& config_file,
                    const Secret& postgres_password);

  // What has sessions that begin from then on show what
  // `ledger.postgres.password` names in another configuration. Those that stand
  // stay.
  std::function<void()> Prepare(const Secret& postgres_password);

  // What keeps others from what is sent to its database: the worst of what the
  // configuration says and of all sessions. kVerified for a file. Any thread.
  ServerTrust trust() const;

  // What is wrong with what was written: the check that runs beside the gateway
  // has found an entry that is not or, of a database, a binding of its chains
  // is gone, or a chain that a replica has left is not what was written; or its
  // chains are not joined, or those of replicas that have gone not closed. Any
  // thread, before Close.
  enum class Trouble : uint8_t { kNone, kUnjoined, kBroken };
  Trouble trouble() const;

  // Writes what is kept, and lets nobody read any more. DATA_LOSS tells how
  // many entries could not be written. Once; nothing else is called from then
  // on, but what the writer has is counted until this goes.
  absl::Status Close();

  // All null where there is no ledger.
  LedgerWriter* writer() const { return writer_.get(); }
  // Has the table know what was spent before, by the ledger; nothing without
  // one. What other replicas have spent is left out if they tell it themselves
  // (`budgets.shared`). Before calls begin.
  void LoadBudgets(BudgetTable& table) const;
  // Where they do, has the runtime's table, which is shared by then, know what
  // the ledger says of those that do not run, from now until Close. Before
  // calls begin.
  absl::Status FollowBudgets(const CurrentRuntime& runtime);
  // What the ledger has said of budgets since it was asked last, for who tells
  // the others. Any thread.
  BudgetSharer::LedgerNews TakeBudgetNews() LOCKS_EXCLUDED(moves_mu_);

  // The file, and the chain in a database, that are written: empty, and 0,
  // where there is none.
  const std::string& path() const { return path_; }
  int64_t chain() const { return chain_; }

  // What can be read of it.
  const LedgerChains* chains() const {
    return chains_.has_value() ? &*chains_ : nullptr;
  }

  // Adds metrics of the ledger, if there is one, which must outlive the
  // registry's use.
  void AddMetrics(MetricRegistry& registry) const;

 private:
  using GatewayConfig = llmgateway::config::v1::GatewayConfig;

  absl::Status OpenFile(const GatewayConfig& config,
                        const std::string& config_file);
  absl::Status OpenPostgres(const GatewayConfig& config,
                            const std::string& config_file,
                            const Secret& password);
  // Closes what was left open, and has the log be written. Returns how many
  // dispatches that were.
  absl::StatusOr<int64_t> Write(
      const llmgateway::config::v1::LedgerConfig& config,
      std::unique_ptr<LedgerLog> log);
  // What the chains of others say of budgets, where they do not tell it
  // themselves.
  absl::Status ReadOthersBudgets(int64_t own_chain);
  // The chain says so much of budgets, and is left. The writer's thread.
  void RecordMove(const BudgetBook& left) LOCKS_EXCLUDED(moves_mu_);
  void AddPostgresChain(const std::string& folder, int64_t chain);

  Clock& clock_;
  std::string path_;
  int64_t chain_ = 0;
  absl::Duration budgets_retention_;
  // Null where the ledger is no database.
  std::shared_ptr<LatestValue<Secret>> postgres_password_;
  // Where the ledger is a database.
  std::optional<PostgresLedger> postgres_;
  // What the ledger says of budgets; the writer's, once that is there.
  std::optional<BudgetLedgerState> budgets_;
  BudgetBook budgets_of_others_;
  Mutex moves_mu_;
  int64_t moved_to_ GUARDED_BY(moves_mu_) = 0;  // The chain; 0 before.
  std::vector<BudgetSharer::LedgerNews::Move> moves_ GUARDED_BY(moves_mu_);
  std::unique_ptr<LedgerWriter> writer_;
  // The writer's, of a database.
  const PostgresCommitStore* store_ = nullptr;
  // Null where replicas do not tell each other what they have spent.
  std::unique_ptr<RecordedBudgets> recorded_;
  // Of the chains of a database, which the keeper finds.
  std::vector<std::unique_ptr<PostgresCommitSource>> sources_;
  std::vector<std::unique_ptr<LedgerIndex>> indexes_;  // Behind what they read.
  std::optional<LedgerChains> chains_;
  std::unique_ptr<PostgresKeeper> keeper_;  // Uses all of the above.
  std::unique_ptr<BackgroundCheck> check_;  // Of a file.
};

}  // namespace gateway

#endif  // SERVICE_KEPT_LEDGER_H_
