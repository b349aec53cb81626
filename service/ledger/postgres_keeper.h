// PostgresKeeper does what replicas owe each other, on a thread of its own: it
// notices chains that others have begun, joins the ends of all chains each
// `join_interval`, whichever replica is the first, and notices if one that it
// has seen is gone, closes what a replica that has gone has left open, and
// makes the partition of the next month a week ahead.
//
//   PostgresKeeper keeper(ledger, {.join_interval = absl::Minutes(1)},
//                         [&](int64_t chain) { Show(chain); }, clock, random);
//
// A replica counts as gone when nobody had its chain for `grace`: so long it
// may take one that lives to come back after its session was lost. Who closes
// gives the chain back, for the next one that starts. One that cannot be closed
// counts as failing until it can, and is tried again each `grace`.
//
// A chain whose entries or notes are not what was written is neither closed nor
// given back, so that nobody goes on from it, and stays told (has_altered)
// until it is what was written again. It keeps no other from being closed, nor
// any replica from serving.
//
// What else fails is tried again at the next turn; the log is told once.
//
// Thread contract: made and destroyed by one thread; `on_chain` is called by
// its own, and by those that call Refresh, one at a time.

#ifndef SERVICE_LEDGER_POSTGRES_KEEPER_H_
#define SERVICE_LEDGER_POSTGRES_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"
#include "base/os/thread.h"
#include "base/postgres/postgres_connection.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/postgres_ledger.h"
#include "service/ledger/postgres_seen_join.h"

namespace gateway {

class PostgresKeeper {
 public:
  struct Options {
    absl::Duration join_interval = absl::Minutes(1);
    absl::Duration grace = absl::Minutes(1);
    absl::Duration turn = absl::Seconds(1);
    // The file of SeenJoin; none if it is empty.
    std::string seen_join_path;
    // As of CloseOpenDispatches.
    std::function<absl::StatusOr<UnchainedEntry>(
        const OpenDispatches::Left& left, std::string id, absl::Time time)>
        charge;
    // Told each turn what chains there are, by the keeper's thread; may be
    // null.
    std::function<void(const absl::StatusOr<std::vector<PostgresChain>>&)>
        on_turn;
  };

  // Borrows all.
  PostgresKeeper(const PostgresLedger& ledger, const Options& options,
                 std::function<void(int64_t chain)> on_chain, Clock& clock,
                 Random& random);
  ~PostgresKeeper();

  PostgresKeeper(const PostgresKeeper&) = delete;
  PostgresKeeper& operator=(const PostgresKeeper&) = delete;

  // Whether a join that this gateway has seen is not there any more. Any
  // thread.
  bool misses_join() const {
    return misses_join_.load(std::memory_order_relaxed);
  }

  // Whether its last turn failed: chains are not joined, or not closed. Any
  // thread.
  bool fails() const { return fails_.load(std::memory_order_relaxed); }

  // Whether a chain that a replica has left is not what was written, so that
  // what it has left open is neither closed nor charged. Any thread.
  bool has_altered() const {
    return has_altered_.load(std::memory_order_relaxed);
  }

  // Has on_chain know the chains that there are by now.
  absl::Status Refresh() LOCKS_EXCLUDED(noticed_mu_);

 private:
  // A chain that nobody has, since when, and how often it was taken by then.
  struct Free {
    absl::Duration since;
    int64_t epoch = 0;
    absl::Status why;  // It could not be closed when that was tried last.
  };

  void Run() LOCKS_EXCLUDED(mu_);
  absl::Status Turn();
  void Notice(const std::vector<PostgresChain>& chains)
      LOCKS_EXCLUDED(noticed_mu_);
  absl::Status CloseThoseThatAreGone(const std::vector<PostgresChain>& chains);
  // NOT_FOUND if somebody has it again.
  absl::Status Close(const PostgresChain& chain);
  // Tells whether the chain is what was written, if that has changed.
  void SetAltered(int64_t chain, const absl::Status& why);
  absl::Status CompareSeen();
  // Who appends makes one that is missing, too; so this is no failure yet.
  void MakePartitionAhead();
  void Tell(const absl::Status& status);

  const PostgresLedger& ledger_;
  const Options options_;
  const std::function<void(int64_t chain)> on_chain_;
  Clock& clock_;
  Random& random_;

  // The thread's.
  std::unique_ptr<PostgresConnection> db_;
  std::map<int64_t, Free> free_;
  std::set<int64_t> altered_;  // Chains that are not what was written.
  SeenJoin seen_join_;
  absl::Duration next_join_;
  absl::Status told_;
  bool is_ahead_told_ = false;  // That no partition can be made.

  std::atomic<bool> misses_join_ = false;
  std::atomic<bool> has_altered_ = false;
  std::atomic<bool> fails_ = false;

  Mutex noticed_mu_;
  std::set<int64_t> noticed_ GUARDED_BY(noticed_mu_);

  Mutex mu_;
  CondVar changed_;
  bool ends_ GUARDED_BY(mu_) = false;

  Thread thread_;  // Declared last, since it uses all of the above.
};

// Joins the ends of all chains, unless somebody does so at this moment, has
// done so less than `interval` ago, or nothing was appended since. Returns
// whether it has.
absl::StatusOr<bool> JoinChains(PostgresConnection& db, absl::Duration interval,
                                absl::Duration timeout);

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_KEEPER_H_
