// CommitStore is where a ledger's commits are kept: what LedgerLog needs of a
// file (sqlite_commit_store.h) or of a database that replicas share
// (postgres_commit_store.h). It knows rows, and nothing of what makes a chain
// of them.
//
// Thread contract: all but Read and name by the one thread that appends, which
// blocks. Errors of all: UNAVAILABLE for what may work in a moment,
// RESOURCE_EXHAUSTED where there is no room, others for what somebody must see
// to.

#ifndef SERVICE_LEDGER_COMMIT_STORE_H_
#define SERVICE_LEDGER_COMMIT_STORE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/ledger/ledger_commit.h"

namespace gateway {

// A commit that is to be appended, and its links.
struct NewCommit {
  LedgerCommit commit;
  std::string_view previous_hash;  // Of the entry before it.
  std::string_view last_hash;      // Of its last entry.
};

// The last commit of a chain; of an empty one its number is 0.
struct LastCommit {
  int64_t number = 0;
  int64_t first_entry = 0;
  int64_t entries = 0;
  std::string hash;
  std::string texts;  // Empty if it is in an archive.
  bool is_archived = false;
};

// What is known of a ledger up to some commit. It can be made anew from them.
struct LedgerCheckpoint {
  LedgerEnd end;
  std::string open_dispatches;
  std::string state;
};

class CommitStore : public CommitSource {
 public:
  // What messages call it.
  virtual std::string name() const = 0;
  // What somebody may do whose ledger is damaged, to end a message with.
  virtual std::string_view remedy() const = 0;

  // Appends a commit behind the last one: it is there for good, or, with an
  // error, all of it may be there or none, which Last finds out. ABORTED if
  // somebody else appends to this chain by now, or took it over.
  virtual absl::Status Append(const NewCommit& commit) = 0;

  // Finds the last commit. What an Append that failed has left under way is
  // over: it is there by now, or never will be. ABORTED as of Append.
  virtual absl::StatusOr<LastCommit> Last() = 0;

  // What was kept last; that of a ledger's beginning if there is none, or it is
  // not what was kept (checkpoint_checksum.h).
  virtual absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() = 0;
  virtual absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) = 0;

  // After ABORTED: goes on with another chain, whose commits are then those of
  // all the others. A file has none.
  virtual absl::Status TakeAnotherChain() {
    return absl::FailedPreconditionError("there is no other chain");
  }

  // How often KeepAlive is to be called while nothing is appended.
  virtual absl::Duration keep_alive_interval() const {
    return absl::InfiniteDuration();
  }
  // Keeps its place. ABORTED as of Append.
  virtual absl::Status KeepAlive() { return absl::OkStatus(); }
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_COMMIT_STORE_H_
