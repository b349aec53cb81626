// LedgerIndex finds entries of a ledger by what they say. It is a file beside
// the ledger's (`ledger.db.index`), made of what that has and never the other
// way round: it may be removed while no gateway runs, and is made anew.
//
//   LedgerIndex index(log, {.ledger_path = "ledger.db"});
//   GATEWAY_ASSIGN_OR_RETURN(
//       const LedgerIndex::Page page,
//       index.Find({.filter = {.session_id = "SES-1"}, .limit = 100}));
//   for (const NumberedEntry& entry : page.entries) Show(entry.text);
//
// A thread of its own reads what was committed, and nobody who commits waits
// for it. The newest entries are in memory, kSegmentEntries at most; when there
// are so many, they are written as one segment, in one transaction. So an entry
// costs some microseconds and 60 bytes of the file, whatever it is found by,
// and after a start the last ones are read again. A search reads of each
// segment what it asks about (index_segment.h), and then the entries
// themselves.
//
// An index that is damaged, or of another ledger, is thrown away and made anew;
// until that is done, what it has so far can be found. So is one whose ledger
// was restored behind its back, so that what it took last is not there any
// more, which it looks for from time to time; and one whose entries are all in
// archives (CommitSource::Archived); those are in none that is made
// then, and of one that has some they are not found any more. Where the ledger
// itself lacks what comes next, the index stands still, and `State::status`
// says why.
//
// Thread contract: Find, CatchUp and state from any thread that may block, not
// from event loops.

#ifndef SERVICE_LEDGER_LEDGER_INDEX_H_
#define SERVICE_LEDGER_LEDGER_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/index_segment.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_filter.h"
#include "service/store/sqlite_database.h"

namespace gateway {

// An entry, and its place in the ledger, from 1 on.
struct NumberedEntry {
  int64_t number = 0;
  std::string text;
};

class LedgerIndex {
 public:
  struct Options {
    std::string ledger_path;
    // How long entries gather before they are taken.
    absl::Duration interval = absl::Milliseconds(200);
    size_t segment_entries = kSegmentEntriesMax;  // Fewer for tests.
  };

  struct Query {
    LedgerFilter filter;
    bool newest_first = false;
    // The number of the first entry to look at; 0 for the one at the beginning
    // or, newest first, at the end.
    int64_t from = 0;
    int64_t limit = 100;
    // A page with more text than that ends; it has one entry at least.
    size_t bytes_limit = size_t{2} * 1024 * 1024;
  };

  struct Page {
    std::vector<NumberedEntry> entries;
    // Where to go on; 0 if there is no more. A page may end before it is full,
    // where much had to be looked through.
    int64_t next = 0;
    int64_t indexed_entries = 0;
  };

  struct State {
    int64_t indexed_entries = 0;
    absl::Status status;  // Why it does not go on, if it does not.
  };

  // Borrows the log. Returns at once: the file is opened by the thread.
  LedgerIndex(const CommitSource& log, const Options& options);
  ~LedgerIndex();

  LedgerIndex(const LedgerIndex&) = delete;
  LedgerIndex& operator=(const LedgerIndex&) = delete;

  // UNAVAILABLE while the index cannot be read; DATA_LOSS if the ledger does
  // not have what it had.
  absl::StatusOr<Page> Find(const Query& query) LOCKS_EXCLUDED(mu_);

  // Waits until all that was committed before it was called can be found;
  // returns false if that takes longer.
  bool CatchUp(absl::Duration timeout) LOCKS_EXCLUDED(mu_);

  State state() const LOCKS_EXCLUDED(mu_);

 private:
  // What a search found, before the entry itself was looked at.
  struct Candidate {
    int64_t number = 0;
    int64_t commit = 0;
  };
  // A search: where it is, and what it has.
  struct Search {
    const Query& query;
    IndexTerms terms;
    int64_t first = 1;     // The first entry that can be found.
    int64_t last = 0;      // The last entry that could be found at its begin.
    int64_t position = 0;  // The next entry to look at.
    size_t bytes = 0;
    EntryFacts facts;

    bool is_over() const { return position < first || position > last; }
    int64_t wanted(const Page& page) const;
    // Looks through a segment, `before` which there are so many entries, until
    // `found` has as many as are wanted.
    absl::Status Look(IndexSegment& segment, int64_t before, size_t size,
                      size_t wanted,
                      absl::FunctionRef<absl::StatusOr<CommitStarts>()> commits,
                      std::vector<Candidate>* found);
    // Takes what matches indeed, until the page is full.
    absl::Status Take(const LedgerCommit& commit,
                      const std::vector<Candidate>& candidates, Page* page);
  };
  class Reading;

  // Of the thread.
  void Run() LOCKS_EXCLUDED(mu_);
  // Takes all that was committed, or says why it cannot.
  absl::Status Pass() LOCKS_EXCLUDED(mu_);
  absl::Status TakeCommits() LOCKS_EXCLUDED(mu_);
  // OK if there is a file that can be relied upon.
  absl::Status EnsureOpen() LOCKS_EXCLUDED(mu_);
  absl::Status Open() LOCKS_EXCLUDED(mu_);
  // Reads what the file has; DATA_LOSS if that is not of this ledger.
  absl::Status Continue(SqliteDatabase& database) LOCKS_EXCLUDED(mu_);
  void ThrowAway(const absl::Status& why) LOCKS_EXCLUDED(mu_);
  absl::Status Flush() LOCKS_EXCLUDED(mu_);
  absl::Status TakeEntries(const LedgerCommit& commit) LOCKS_EXCLUDED(mu_);
  // DATA_LOSS if the ledger does not have what was taken last.
  absl::Status CheckEnd() LOCKS_EXCLUDED(mu_);
  void Tell(const absl::Status& status) LOCKS_EXCLUDED(mu_);

  // Of searches.
  absl::StatusOr<std::vector<Candidate>> Step(Search& search, const Page& page,
                                              SqliteDatabase& database)
      LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::vector<Candidate>> StepInMemory(Search& search,
                                                      size_t wanted)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::vector<Candidate>> StepInFile(
      Search& search, size_t wanted, int64_t before,
      const std::vector<TimeSpan>& spans, SqliteDatabase& database);
  absl::Status ReadEntries(const std::vector<Candidate>& candidates,
                           Search& search, Page* page);

  int64_t indexed_entries() const EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const CommitSource& log_;
  const Options options_;
  const std::string path_;

  // The thread's.
  EntryDigester digester_;
  EntryFacts facts_;
  int64_t next_commit_ = 1;
  std::string last_hash_;    // Of the last entry that was taken, ...
  int64_t last_commit_ = 0;  // ... which this one has.
  // This commit does not follow what was taken, which the ledger has.
  int64_t stray_commit_ = 0;
  int idle_passes_ = 0;    // That found nothing new, since one did.
  absl::Status told_;      // What the log has of it.

  mutable Mutex mu_;
  mutable CondVar changed_;
  // Null until it is open, and while it is made anew.
  std::unique_ptr<SqliteDatabase> database_ GUARDED_BY(mu_);
  int readers_ GUARDED_BY(mu_) = 0;
  // So many entries are in archives, before the first that it has.
  int64_t before_ GUARDED_BY(mu_) = 0;
  // What a search has met with, or that what was to come is in an archive; then
  // all is to be made anew.
  absl::Status damage_ GUARDED_BY(mu_);
  // Of the segments in the file.
  std::vector<TimeSpan> spans_ GUARDED_BY(mu_);
  std::unique_ptr<GrowingSegment> tail_ GUARDED_BY(mu_);
  absl::Status status_ GUARDED_BY(mu_);
  // Passes over what was committed: begun, and ended well.
  uint64_t passes_begun_ GUARDED_BY(mu_) = 0;
  uint64_t passes_ended_ GUARDED_BY(mu_) = 0;
  bool is_hurried_ GUARDED_BY(mu_) = false;
  bool ends_ GUARDED_BY(mu_) = false;

  Thread thread_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_INDEX_H_
