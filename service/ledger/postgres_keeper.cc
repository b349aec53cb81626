#include "service/ledger/postgres_keeper.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_join.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_recovery.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/ledger/postgres_tables.h"

namespace gateway {
namespace {

// So long before a month begins its partition is there.
constexpr absl::Duration kAhead = absl::Hours(7 * 24);
constexpr int64_t kNoCheckpoint = std::numeric_limits<int64_t>::max();

constexpr char kTryToJoin[] =
    "SELECT pg_try_advisory_xact_lock('joins'::regclass::oid::int, 0)";
constexpr char kJoinBefore[] =
    "SELECT number, text, hash, "
    "(extract(epoch FROM clock_timestamp() - time) * 1000000)::bigint "
    "FROM joins ORDER BY number DESC LIMIT 1";
constexpr char kHeads[] =
    "SELECT chain, commits, entries, last_hash, "
    "(extract(epoch FROM now()) * 1000000)::bigint "
    "FROM chains WHERE commits > 0 ORDER BY chain";
constexpr char kAddJoin[] =
    "INSERT INTO joins (number, time, text, hash) "
    "VALUES ($1::bigint, now(), $2::text, $3::text)";

// Makes the next join; nothing if there is no need for one.
absl::StatusOr<std::optional<LedgerJoin>> NextJoin(PostgresConnection& db,
                                                   absl::Duration interval,
                                                   absl::Duration timeout) {
  std::optional<LedgerJoin> next = LedgerJoin{.number = 1};
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult before,
                           db.Run(kJoinBefore, {}, timeout));
  LedgerJoin last;
  if (before.rows() > 0) {
    // Half of it, since each replica counts by its own clock.
    if (absl::Microseconds(before.Int64(0, 3)) < interval / 2) {
      return std::nullopt;
    }
    GATEWAY_ASSIGN_OR_RETURN(last, ReadJoin(before.Bytes(0, 1)));
    next->number = before.Int64(0, 0) + 1;
    next->previous_hash = before.Bytes(0, 2);
  }
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult heads,
                           db.Run(kHeads, {}, timeout));
  for (int row = 0; row < heads.rows(); ++row) {
    next->time = absl::FromUnixMicros(heads.Int64(row, 4));
    next->heads.push_back({.chain = absl::StrCat(heads.Int64(row, 0)),
                           .end = {.commits = heads.Int64(row, 1),
                                   .entries = heads.Int64(row, 2),
                                   .hash = std::string(heads.Bytes(row, 3))}});
  }
  if (next->heads == last.heads) return std::nullopt;
  return next;
}

absl::StatusOr<bool> JoinInTransaction(PostgresConnection& db,
                                       absl::Duration interval,
                                       absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult locked,
                           db.Run(kTryToJoin, {}, timeout));
  if (locked.Int64(0, 0) == 0) return false;
  GATEWAY_ASSIGN_OR_RETURN(const std::optional<LedgerJoin> join,
                           NextJoin(db, interval, timeout));
  if (!join.has_value()) return false;
  const std::string text = JoinText(*join);
  PostgresParameters parameters;
  parameters.Int64(join->number).Text(text).Text(HashText(text));
  GATEWAY_RETURN_IF_ERROR(db.Run(kAddJoin, parameters, timeout).status());
  return true;
}

}  // namespace

absl::StatusOr<bool> JoinChains(PostgresConnection& db, absl::Duration interval,
                                absl::Duration timeout) {
  GATEWAY_RETURN_IF_ERROR(db.Execute("BEGIN", timeout));
  absl::StatusOr<bool> joined = JoinInTransaction(db, interval, timeout);
  const bool commits = joined.ok() && *joined;
  const absl::Status ended =
      db.Execute(commits ? "COMMIT" : "ROLLBACK", timeout);
  if (commits && !ended.ok()) return ended;
  return joined;
}

PostgresKeeper::PostgresKeeper(const PostgresLedger& ledger,
                               const Options& options,
                               std::function<void(int64_t chain)> on_chain,
                               Clock& clock, Random& random)
    : ledger_(ledger),
      options_(options),
      on_chain_(std::move(on_chain)),
      clock_(clock),
      random_(random),
      seen_join_(options.seen_join_path),
      // Replicas that begin together need not all ask together.
      next_join_(SystemClock().SteadyTime() +
                 options.join_interval * random.UniformDouble() / 2),
      thread_("ledger_chains", [this] { Run(); }) {}

PostgresKeeper::~PostgresKeeper() {
  {
    MutexLock lock(mu_);
    ends_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

absl::Status PostgresKeeper::Refresh() {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> chains,
                           ledger_.Chains());
  Notice(chains);
  return absl::OkStatus();
}

void PostgresKeeper::Notice(const std::vector<PostgresChain>& chains) {
  MutexLock lock(noticed_mu_);
  for (const PostgresChain& chain : chains) {
    if (noticed_.insert(chain.number).second) on_chain_(chain.number);
  }
}

void PostgresKeeper::Run() {
  while (true) {
    Tell(Turn());
    MutexLock lock(mu_);
    if (!ends_) changed_.WaitFor(lock, options_.turn);
    if (ends_) return;
  }
}

void PostgresKeeper::Tell(const absl::Status& status) {
  fails_.store(!status.ok(), std::memory_order_relaxed);
  if (status.ok() == told_.ok()) return;
  if (!status.ok()) {
    Log(LogLevel::kError, "ledger",
        "The chains of the ledger are not joined, and not closed",
        {{"why", status}});
  } else {
    Log(LogLevel::kInfo, "ledger",
        "The chains of the ledger are joined and closed again");
  }
  told_ = status;
}

absl::Status PostgresKeeper::Turn() {
  const absl::StatusOr<std::vector<PostgresChain>> chains = ledger_.Chains();
  if (options_.on_turn) options_.on_turn(chains);
  GATEWAY_RETURN_IF_ERROR(chains.status());
  Notice(*chains);
  const absl::Status closed = CloseThoseThatAreGone(*chains);
  const absl::Duration now = SystemClock().SteadyTime();
  if (now >= next_join_) {
    const absl::Duration timeout = ledger_.options().timeout;
    if (db_ == nullptr || db_->is_broken()) {
      db_.reset();
      GATEWAY_ASSIGN_OR_RETURN(db_, ledger_.Connect(timeout));
    }
    // Before another one can be made in its place.
    absl::Status joined = CompareSeen();
    joined.Update(JoinChains(*db_, options_.join_interval, timeout).status());
    if (!joined.ok()) db_.reset();
    GATEWAY_RETURN_IF_ERROR(joined);
    MakePartitionAhead();
    next_join_ = now + options_.join_interval;
  }
  return closed;
}

absl::Status PostgresKeeper::CompareSeen() {
  if (options_.seen_join_path.empty()) return absl::OkStatus();
  const absl::Status seen = seen_join_.Compare(*db_, ledger_.options().timeout);
  const bool misses = absl::IsDataLoss(seen);
  if (misses && !misses_join_.load(std::memory_order_relaxed)) {
    Log(LogLevel::kError, "ledger",
        "A binding of the ledger's chains is gone, or another ledger is there",
        {{"why", seen}});
  }
  misses_join_.store(misses, std::memory_order_relaxed);
  return misses ? absl::OkStatus() : seen;
}

void PostgresKeeper::MakePartitionAhead() {
  const absl::Status made = MakePartition(*db_, clock_.WallTime() + kAhead,
                                          ledger_.options().timeout);
  if (!made.ok() && !is_ahead_told_) {
    Log(LogLevel::kWarn, "ledger",
        "The ledger's partition of the next month cannot be made",
        {{"partition", PartitionOf(clock_.WallTime() + kAhead)},
         {"why", made}});
  }
  is_ahead_told_ = !made.ok();
}

absl::Status PostgresKeeper::CloseThoseThatAreGone(
    const std::vector<PostgresChain>& chains) {
  absl::Status all;
  const absl::Duration now = SystemClock().SteadyTime();
  for (const PostgresChain& chain : chains) {
    if (chain.is_released) {
      // Who gives one back has found it to be what was written.
      SetAltered(chain.number, absl::OkStatus());
      free_.erase(chain.number);
      continue;
    }
    Free& free =
        free_.try_emplace(chain.number, Free{now, chain.epoch, {}})
            .first->second;
    if (chain.is_held) {
      // For a moment it may be by who could not close it.
      all.Update(free.why);
      if (free.why.ok() || now - free.since >= options_.grace) {
        free_.erase(chain.number);
      }
      continue;
    }
    if (free.epoch != chain.epoch) {
      free.since = now;
      free.epoch = chain.epoch;
    }
    if (now - free.since >= options_.grace) {
      free.since = now;
      free.why = Close(chain);
      if (free.why.ok() || absl::IsDataLoss(free.why)) {
        SetAltered(chain.number, free.why);
        free.why = absl::OkStatus();
      }
      // Whoever has it is there again.
      if (absl::IsNotFound(free.why)) free.why = absl::OkStatus();
    }
    all.Update(free.why);
  }
  return all;
}

void PostgresKeeper::SetAltered(int64_t chain, const absl::Status& why) {
  const bool is_altered = !why.ok();
  if (is_altered == altered_.contains(chain)) return;
  if (is_altered) {
    altered_.insert(chain);
    Log(LogLevel::kError, "ledger",
        "A chain that a replica has left is not what was written: what was "
        "under way there is neither closed nor charged until it is put back",
        {{"chain", chain},
         {"why", why},
         {"do",
          "run `gatewayctl ledger verify --postgres`, and see \"The ledger was "
          "altered\" in docs/runbook.md"}});
  } else {
    altered_.erase(chain);
    Log(LogLevel::kWarn, "ledger",
        "A chain that was not what was written is so again, and closed",
        {{"chain", chain}});
  }
  has_altered_.store(!altered_.empty(), std::memory_order_relaxed);
}

absl::Status PostgresKeeper::Close(const PostgresChain& chain) {
  absl::StatusOr<std::unique_ptr<PostgresCommitStore>> store =
      PostgresCommitStore::TakeOver(ledger_, chain.number, chain.epoch, clock_,
                                    random_);
  GATEWAY_RETURN_IF_ERROR(store.status());
  // A checkpoint of who knows nothing of budgets would have none of them.
  GATEWAY_ASSIGN_OR_RETURN(
      const std::unique_ptr<LedgerLog> log,
      LedgerLog::Open(*std::move(store),
                      {.checkpoint_entries = kNoCheckpoint}));
  GATEWAY_ASSIGN_OR_RETURN(
      const int64_t closed,
      CloseOpenDispatches(*log, options_.charge, random_, clock_));
  // There may have been nothing to close.
  GATEWAY_RETURN_IF_ERROR(log->KeepAlive());
  Log(LogLevel::kWarn, "ledger", "A replica has gone, and its chain was closed",
      {{"chain", chain.number}, {"closed_as_unknown", closed}});
  return absl::OkStatus();
}

}  // namespace gateway
