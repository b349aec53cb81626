// LedgerChains is all that a gateway can read of its ledger: its chains - one
// where it is a file, one for each replica in a database - each with the index
// that finds its entries, and what joins them.
//
//   LedgerChains chains;
//   chains.Add("", log, index);
//   GATEWAY_ASSIGN_OR_RETURN(
//       const LedgerChains::Page page,
//       chains.Find({.filter = {.session_id = "SES-1"}, .limit = 100}));
//   for (const LedgerChains::Entry& entry : page.entries) Show(entry.text);
//
// Entries of several chains are found in the order of their times; those of one
// in its own order.
//
// Thread contract: any thread that may block, not event loops. Chains are
// added, and never go.

#ifndef SERVICE_LEDGER_LEDGER_CHAINS_H_
#define SERVICE_LEDGER_LEDGER_CHAINS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/mutex.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_filter.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_join.h"

namespace gateway {

class LedgerChains {
 public:
  struct Chain {
    std::string name;  // Empty for a ledger that is a file.
    const CommitSource* commits = nullptr;
    LedgerIndex* index = nullptr;
  };

  struct Entry {
    std::string chain;
    int64_t number = 0;
    std::string text;
  };

  // Where a search goes on in a chain.
  struct Position {
    std::string chain;
    int64_t next = 0;
  };

  struct Query {
    LedgerFilter filter;
    std::string chain;  // That one alone; empty for all.
    bool newest_first = false;
    int64_t limit = 100;
    // From a page before; empty to begin.
    std::vector<Position> from;
  };

  struct Page {
    std::vector<Entry> entries;
    // Of the chains that have more, or may have; empty if there is no more.
    std::vector<Position> next;
    int64_t indexed_entries = 0;  // Of all that were searched.
  };

  LedgerChains() = default;
  // Joins are borrowed. `refresh` adds the chains that are new.
  LedgerChains(const JoinSource* joins, std::function<absl::Status()> refresh)
      : joins_(joins), refresh_(std::move(refresh)) {}

  LedgerChains(const LedgerChains&) = delete;
  LedgerChains& operator=(const LedgerChains&) = delete;

  // Borrows both.
  void Add(const std::string& name, const CommitSource& commits,
           LedgerIndex& index) LOCKS_EXCLUDED(mu_);

  // Who is told of what a verification finds broken; before others use this.
  void set_tell_broken(std::function<void(int64_t entry)> tell_broken) {
    tell_broken_ = std::move(tell_broken);
  }
  void TellBroken(int64_t entry) const {
    if (tell_broken_ != nullptr) tell_broken_(entry);
  }

  // Has All know the chains that there are by now.
  absl::Status Refresh() const;
  // In the order in which they were added.
  std::vector<Chain> All() const LOCKS_EXCLUDED(mu_);
  // Those, or the one of this name; none if there is no such.
  std::vector<Chain> Named(const std::string& name) const LOCKS_EXCLUDED(mu_);
  // Null where nothing joins them.
  const JoinSource* joins() const { return joins_; }

  // Errors are those of LedgerIndex::Find. INVALID_ARGUMENT if a position is in
  // a chain that is not there.
  absl::StatusOr<Page> Find(const Query& query) const LOCKS_EXCLUDED(mu_);

 private:
  const JoinSource* const joins_ = nullptr;
  const std::function<absl::Status()> refresh_;
  std::function<void(int64_t entry)> tell_broken_;
  mutable Mutex mu_;
  std::vector<Chain> chains_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_CHAINS_H_
