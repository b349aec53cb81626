// PostgresCommitStore appends to one chain of a ledger in PostgreSQL, which it
// has for itself.
//
//   PostgresLedger ledger(options);
//   GATEWAY_RETURN_IF_ERROR(ledger.Prepare());
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<PostgresCommitStore> store,
//       PostgresCommitStore::Claim(ledger, clock, random));
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<LedgerLog> log,
//                            LedgerLog::Open(std::move(store), {}));
//
// Two things keep others out (ADR 31). Its session has an advisory lock on the
// chain, by which others see that somebody is there. And whoever takes a chain
// - at first, or again on a new session - adds one to the chain's `epoch`,
// which each commit names: a statement of a session before, however long it was
// under way, then finds another epoch and appends nothing. Each attempt leaves
// a claim of its own in the chain, so that who was not told what became of it
// does not take himself for somebody else. A commit is one statement, which
// moves the chain's end from where the store knows it to be, and so no number
// is there twice, whatever happens.
//
// A session that is lost is replaced within `timeout`, and what was under way
// is found out from the chain's end: who appends waits, and is told nothing of
// it. After that the database counts as away: each Append tries once, and no
// sooner than a pause after the last one, which grows.
//
// Destroyed, it gives the chain back, for the next replica that starts; but not
// one that nobody has done anything with since it was taken, which may be one
// that cannot be gone on from.
//
// Thread contract: as CommitStore has it.

#ifndef SERVICE_LEDGER_POSTGRES_COMMIT_STORE_H_
#define SERVICE_LEDGER_POSTGRES_COMMIT_STORE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "base/postgres/postgres_connection.h"
#include "service/ledger/commit_store.h"
#include "service/ledger/postgres_ledger.h"

namespace gateway {

class PostgresCommitStore final : public CommitStore {
 public:
  // Takes the first chain that was given back, or begins one. Borrows all
  // three. REQUIRES: the ledger is prepared.
  static absl::StatusOr<std::unique_ptr<PostgresCommitStore>> Claim(
      const PostgresLedger& ledger, Clock& clock, Random& random);

  // Takes a chain whose holder has gone without giving it back. NOT_FOUND if
  // somebody holds it, or has had it since that epoch.
  static absl::StatusOr<std::unique_ptr<PostgresCommitStore>> TakeOver(
      const PostgresLedger& ledger, int64_t chain, int64_t epoch, Clock& clock,
      Random& random);

  ~PostgresCommitStore() override;

  PostgresCommitStore(const PostgresCommitStore&) = delete;
  PostgresCommitStore& operator=(const PostgresCommitStore&) = delete;

  // The number of its chain. Any thread.
  int64_t chain() const { return chain_; }

  std::string name() const override;
  std::string_view remedy() const override;
  absl::Status Append(const NewCommit& commit) override;
  absl::StatusOr<LastCommit> Last() override;
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() override;
  absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) override;
  absl::Status TakeAnotherChain() override;
  absl::Duration keep_alive_interval() const override;
  absl::Status KeepAlive() override;
  absl::Status Read(int64_t first_commit, VisitCommit visit) const override {
    return ledger_.ReadCommits(chain_, first_commit, visit);
  }
  absl::StatusOr<LedgerEnd> Archived() const override {
    return ledger_.Archived(chain_);
  }

 private:
  PostgresCommitStore(const PostgresLedger& ledger, Clock& clock,
                      Random& random)
      : ledger_(ledger), clock_(clock), random_(random) {}

  absl::Duration timeout() const { return ledger_.options().timeout; }
  // A chain as somebody has it.
  struct Place {
    int64_t chain = 0;
    int64_t epoch = 0;
  };

  // On a session that is there.
  absl::StatusOr<bool> TryLock(int64_t chain);
  absl::Status Unlock(int64_t chain);
  // No chain if none was given back.
  absl::StatusOr<Place> ClaimReleased();
  absl::StatusOr<Place> BeginChain();
  absl::Status ClaimAny();
  // Adds one to the chain's epoch, if that is the one that is known or an
  // attempt of this store before has made it. No row if somebody else has.
  absl::StatusOr<PostgresResult> Take(const Place& known,
                                      absl::Duration timeout);
  // The chain, by the same rule.
  absl::StatusOr<PostgresResult> FindOwn(absl::Duration timeout);
  std::string NewClaim();

  // Makes a session that has the chain, if there is none. ABORTED if somebody
  // else has taken the chain.
  absl::Status EnsureSession(absl::Duration timeout);
  absl::Status LockAgain(absl::Duration deadline);
  absl::Status EndSessionBefore();
  absl::Status RememberSession();
  // What may take the server's own pauses is tried until the time is over, and
  // once if the database counts as away.
  template <typename Try>
  absl::Status TryUntilTimeout(Try attempt);
  absl::Status TryAppend(const NewCommit& commit, absl::Duration left);
  absl::Status Insert(const NewCommit& commit, absl::Duration left);
  // Whether somebody else has the chain, or it was changed.
  absl::Status WhyNotAppended();
  absl::Status EndsEarlier(int64_t commits) const;
  void CountOutcome(const absl::Status& status);

  const PostgresLedger& ledger_;
  Clock& clock_;
  Random& random_;
  std::atomic<int64_t> chain_ = 0;
  int64_t epoch_ = 0;
  // Of the attempts to take it again that nobody was told of.
  std::deque<std::string> claims_;
  bool is_sound_ = false;  // Whoever has read it goes on with it.
  LedgerEnd end_;          // As the database had it last.
  // How many commits the database had for sure.
  int64_t known_commits_ = 0;
  std::unique_ptr<PostgresConnection> db_;
  // The server's process of the last session, and when it began.
  int64_t backend_ = 0;
  std::string backend_start_;
  // Of months, that are known to be there.
  std::set<std::string> partitions_;
  // Since when it counts as away; how often it was tried in vain since.
  bool is_away_ = false;
  int failures_ = 0;
  absl::Duration next_try_;
  absl::Status away_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_COMMIT_STORE_H_
