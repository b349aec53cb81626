// LedgerWalk verifies a ledger, whatever it consists of: each chain from its
// first entry to its last (ledger_check.h), and, where there are joins, that
// these are what was written, one behind the other, and that each chain was, at
// each join, what the join says. It ends at the first thing that is not.
//
//   LedgerWalk walk({.chains = {{"1", &one}, {"2", &two}}, .joins = &joins});
//   GATEWAY_RETURN_IF_ERROR(walk.Begin());
//   while (!walk.is_done()) GATEWAY_RETURN_IF_ERROR(walk.Step());
//   if (!walk.valid()) Report(walk.broken_chain(), walk.problem());
//
// What is written meanwhile is left out. It walks from join to join, so that
// what it holds does not grow with the ledger. Entries that are in archives
// count as checked once what is behind them follows their last one, and the
// joins that have seen that one say the same of it (archive_check.h checks the
// archives themselves).
//
// Thread-compatible; blocks, for tens of milliseconds at each step.

#ifndef SERVICE_LEDGER_LEDGER_WALK_H_
#define SERVICE_LEDGER_LEDGER_WALK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_join.h"

namespace gateway {

class LedgerWalk {
 public:
  struct Chain {
    std::string name;  // Empty for a ledger that is a file.
    const CommitSource* commits = nullptr;
  };
  // What is named is borrowed.
  struct Options {
    std::vector<Chain> chains;
    // Null where nothing joins chains. Of those that are not among `chains`
    // what joins say is taken for granted if `is_part`.
    const JoinSource* joins = nullptr;
    bool is_part = false;
    // Begins behind this entry, whose hash is taken for granted. REQUIRES, if
    // it is not 0: there is one chain.
    int64_t after_entry = 0;
    // A last hash that somebody has noted before: of an entry that a commit
    // ends with or, of several chains, of a join. It must be there. Nothing is
    // asked for if it is empty.
    std::string noted_hash;
  };

  explicit LedgerWalk(Options options);

  // OUT_OF_RANGE if there is no entry of the number after_entry, or it is in an
  // archive.
  absl::Status Begin();
  absl::Status Step();

  bool is_done() const { return is_done_; }
  bool valid() const { return problem_.empty(); }
  int64_t total_entries() const { return total_entries_; }
  int64_t checked_entries() const;
  // Of them, those that are in archives.
  int64_t archived_entries() const;
  // Dispatches among the checked entries that have no exchange: of calls that
  // are under way, or that a process which was killed has left.
  int64_t open_dispatches() const;
  // Those of which the last entry was checked.
  int32_t checked_chains() const;
  int64_t checked_joins() const { return checked_joins_; }

  // Where the first thing is that is not what was written: its chain, and the
  // number and the id of an entry, if that is what it is.
  const std::string& broken_chain() const { return broken_chain_; }
  int64_t broken_entry() const { return broken_entry_; }
  const std::string& broken_id() const { return broken_id_; }
  // What is wrong with it, for people.
  const std::string& problem() const { return problem_; }
  // The same, and where it is; empty if nothing is wrong.
  std::string DescribeProblem() const;

  // Of one chain, its last entry's hash and the Merkle root of all of them; of
  // several, the last join's hash, and the Merkle root of the chains' roots in
  // their order.
  std::string last_hash() const;
  std::string merkle_root() const;

 private:
  struct Walked {
    Chain chain;
    CommitPlace end;
    LedgerEnd archived;
    int64_t next_commit = 1;
    LedgerCheck check;
    int64_t entries_before = 0;  // That are taken for granted.

    bool is_done() const { return next_commit > end.number; }
    int64_t last_entry() const {
      return entries_before + check.checked_entries();
    }
  };

  void CompareEnds(const Walked& walked, const ChainEnds& ends);
  absl::Status BeginBehind(Walked& walked, int64_t after_entry);
  // What a join says of a chain's part that is in archives.
  void CompareArchived(const Walked& walked, const ChainHead& head);
  // Reads a chain up to a commit, or as much as is left of the step.
  absl::Status Advance(Walked& walked, int64_t last_commit);
  absl::Status LoadJoins();
  absl::Status StepJoins();
  // Whether the join's own links are as they should be; else it breaks.
  bool TakeJoin(const StoredJoin& stored);
  // False if there is more to be read first.
  absl::Status CompareHead(const ChainHead& head, bool* is_compared);
  Walked* FindChain(const std::string& name);
  // A hash that is as it was written.
  void See(const std::string& hash);
  // As the check of a chain has found.
  void BreakAs(const Walked& walked);
  void Break(const std::string& chain, int64_t entry, const std::string& id,
             const std::string& problem);

  const Options options_;
  std::vector<Walked> chains_;
  int64_t total_entries_ = 0;
  size_t bytes_left_ = 0;  // Of this step.
  bool is_done_ = false;
  bool has_noted_ = false;  // The hash that was noted.

  int64_t last_join_ = 0;  // That there was at the begin.
  int64_t checked_joins_ = 0;
  std::string join_hash_;  // Of the last one that was taken.
  std::deque<StoredJoin> joins_;
  // The one that chains are compared with, and how many of its heads were.
  LedgerJoin join_;
  size_t heads_compared_ = 0;
  bool has_join_ = false;

  std::string broken_chain_;
  int64_t broken_entry_ = 0;
  std::string broken_id_;
  std::string problem_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_WALK_H_
