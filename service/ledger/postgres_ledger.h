// The database that the ledgers of several replicas are in: its tables, how it
// is connected to, and what is read of it.
//
//   PostgresLedger ledger({.connection = {.conninfo = "host=db dbname=ledger"},
//                          .schema = "llm_gateway"});
//   GATEWAY_RETURN_IF_ERROR(ledger.Prepare());      // Makes its tables.
//   GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> chains,
//                            ledger.Chains());
//   ledger.ReadCommits(chains[0].number, 1, visit);
//
// Each replica appends to a chain of its own (postgres_commit_store.h). The
// tables:
//
//   chains       one row for each chain: where it ends, and how often somebody
//                took it over (`epoch`), which a commit must name
//   commits      one row for each commit, partitioned by the month of its time
//   checkpoints  what is known of a chain up to some commit (LedgerCheckpoint)
//   joins        the ends of all chains at one moment (ledger_join.h)
//   archives     one row for each piece of a chain that was taken out of
//                `commits` into a file (postgres_archive.h)
//   version      of these tables
//
// Thread contract: any thread, which blocks for `timeout` at most for each
// statement. One connection serves all readers, one after the other.

#ifndef SERVICE_LEDGER_POSTGRES_LEDGER_H_
#define SERVICE_LEDGER_POSTGRES_LEDGER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/postgres/conninfo.h"
#include "base/postgres/postgres_connection.h"
#include "service/ledger/archived_piece.h"
#include "service/ledger/commit_store.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_join.h"
#include "service/postgres/postgres_database.h"

namespace gateway {

// A chain as the database has it.
struct PostgresChain {
  int64_t number = 0;
  int64_t epoch = 0;
  // Nobody appends to it, and who did has said so at his end.
  bool is_released = false;
  // A session that is there has its lock.
  bool is_held = false;
  LedgerEnd end;
};

class PostgresLedger final : public JoinSource {
 public:
  using Options = PostgresDatabase;

  explicit PostgresLedger(Options options);

  const Options& options() const { return options_; }

  // Makes the tables that are not there, or brings them to this version.
  // FAILED_PRECONDITION if they are of a later one; other errors are those of
  // PostgresConnection.
  absl::Status Prepare();
  // Whether the tables are there and of this version; NOT_FOUND if there are
  // none.
  absl::Status CheckVersion() const LOCKS_EXCLUDED(mu_);

  // A session that commits: no statement of it is done behind a loss of
  // power, or while another waits.
  absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect(
      absl::Duration timeout) const;

  // The worst of all sessions until now; kVerified before the first.
  ServerTrust trust() const { return trust_.load(); }

  // In the order of their numbers.
  absl::StatusOr<std::vector<PostgresChain>> Chains() const LOCKS_EXCLUDED(mu_);
  // What was taken into archives, of all chains or the one of that number: in
  // the order of chains, and of each from its beginning.
  absl::StatusOr<std::vector<ArchivedPiece>> Archives(int64_t chain = 0) const
      LOCKS_EXCLUDED(mu_);
  // As CommitSource::Archived, of one chain.
  absl::StatusOr<LedgerEnd> Archived(int64_t chain) const LOCKS_EXCLUDED(mu_);
  // As CommitSource::Ends, of one chain.
  absl::StatusOr<ChainEnds> Ends(int64_t chain) const LOCKS_EXCLUDED(mu_);
  // As CommitSource::Read, of one chain.
  absl::Status ReadCommits(int64_t chain, int64_t first_commit,
                           VisitCommit visit) const LOCKS_EXCLUDED(mu_);
  // As CommitStore::LoadCheckpoint, of one chain.
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint(int64_t chain) const
      LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::string> StrayChain() const override LOCKS_EXCLUDED(mu_);
  absl::StatusOr<int64_t> LastJoin() const override LOCKS_EXCLUDED(mu_);
  absl::Status ReadJoins(int64_t first, VisitJoin visit) const override
      LOCKS_EXCLUDED(mu_);

 private:
  using Work = absl::FunctionRef<absl::Status(PostgresConnection& db)>;

  // Why a commit is not there.
  absl::Status MissingCommit(int64_t chain, int64_t number) const
      LOCKS_EXCLUDED(mu_);
  // Runs what only reads, once more if the connection was lost meanwhile.
  absl::Status Read(Work work) const LOCKS_EXCLUDED(mu_);

  const Options options_;
  mutable std::atomic<ServerTrust> trust_ = ServerTrust::kVerified;
  mutable Mutex mu_;
  mutable std::unique_ptr<PostgresConnection> reader_ GUARDED_BY(mu_);
};

// One chain of it.
class PostgresCommitSource final : public CommitSource {
 public:
  // Borrows the ledger.
  PostgresCommitSource(const PostgresLedger& ledger, int64_t chain)
      : ledger_(ledger), chain_(chain) {}

  absl::Status Read(int64_t first_commit, VisitCommit visit) const override {
    return ledger_.ReadCommits(chain_, first_commit, visit);
  }
  absl::StatusOr<LedgerEnd> Archived() const override {
    return ledger_.Archived(chain_);
  }
  absl::StatusOr<ChainEnds> Ends() const override {
    return ledger_.Ends(chain_);
  }

 private:
  const PostgresLedger& ledger_;
  const int64_t chain_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_LEDGER_H_
