// How each thing that the gateway keeps what it must not forget in is doing,
// for the ComponentBoard.
//
//   AddKeptHealth({.runtime = *runtime, .ledger = ledger.writer(),
//                  .audit = audit.get(), .redis = redis.health(),
//                  .store = kept.store(), .summary = summary.get(),
//                  .clock = SystemClock()},
//                 &board);
//
// No problem has a figure that changes by itself: who watches is told of each
// change. None tells a secret, or what a call said.
//
// Thread-safe: plain functions.

#ifndef SERVICE_KEPT_HEALTH_H_
#define SERVICE_KEPT_HEALTH_H_

#include <functional>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/postgres/conninfo.h"
#include "base/redis/redis_health.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/component_board.h"
#include "service/audit/audit_log.h"
#include "service/kept_ledger.h"
#include "service/ledger/ledger_chains.h"
#include "service/ledger/ledger_writer.h"
#include "service/pipeline/current_runtime.h"
#include "service/store/watched_record_store.h"
#include "service/summary/call_summary.h"

namespace gateway {

// The audit log and the ledger are degraded for so long after they have lost an
// entry.
inline constexpr absl::Duration kLostLately = absl::Minutes(1);

// All are borrowed, and outlive the board's use; null is what there is not.
struct KeptThings {
  const CurrentRuntime& runtime;
  const LedgerWriter* ledger = nullptr;
  const LedgerChains* chains = nullptr;  // What finds the ledger's entries.
  const AuditLog* audit = nullptr;
  const RedisHealth* redis = nullptr;
  const WatchedRecordStore* store = nullptr;
  const CallSummary* summary = nullptr;
  Clock& clock;
  // How safe the way to the ledger's database is; null for a file.
  std::function<ServerTrust()> ledger_trust = nullptr;
  // What is wrong with what was written (KeptLedger::trouble).
  std::function<KeptLedger::Trouble()> ledger_trouble = nullptr;
};

// Adds `audit`, `budgets`, `ledger`, `ledger_index`, `redis`, `store`
// and, of sums that are kept in a file, `summary`, as far as there are.
void AddKeptHealth(const KeptThings& things, ComponentBoard* board);

// FAILING where calls are refused because it cannot be written: it is tried
// again every second then. DEGRADED where they are served all the same
// (`rejects` is false), or the next call tries. `advice` says what to do.
void FillLedgerHealth(const LedgerWriter::Counts& counts, bool rejects,
                      std::string_view advice,
                      llmgateway::v1::ComponentHealth* health);

// DEGRADED unless something else is wrong with it: for one that is not what was
// written, one that has lost entries within kLostLately, and one whose chains
// are not joined or closed.
void FillBrokenLedger(llmgateway::v1::ComponentHealth* health);
void FillLostEntries(llmgateway::v1::ComponentHealth* health);
void FillUnjoinedLedger(llmgateway::v1::ComponentHealth* health);

// DEGRADED for a database that is written without TLS, perhaps, unless
// something else is wrong with it.
void FillClearLedger(llmgateway::v1::ComponentHealth* health);

// What to do about a ledger that cannot be written.
std::string_view LedgerAdvice(
    const llmgateway::config::v1::LedgerConfig& ledger);

// DEGRADED where an index stands still.
void FillIndexHealth(const std::vector<LedgerChains::Chain>& chains,
                     llmgateway::v1::ComponentHealth* health);

// What is spent is as safe as the ledger, of which this is the health.
void FillBudgetsHealth(const llmgateway::v1::ComponentHealth& ledger,
                       llmgateway::v1::ComponentHealth* health);

// `dropped_lately`: whether entries were lost within kLostLately.
void FillAuditHealth(const AuditLog::Counts& counts, bool dropped_lately,
                     llmgateway::v1::ComponentHealth* health);

// A server that no connection is said to have is none any more.
void FillRedisHealth(const std::vector<RedisHealth::Server>& servers,
                     llmgateway::v1::ComponentHealth* health);

void FillStoreHealth(bool fails, llmgateway::v1::ComponentHealth* health);

void FillSummaryHealth(bool fails, llmgateway::v1::ComponentHealth* health);

}  // namespace gateway

#endif  // SERVICE_KEPT_HEALTH_H_
