// BackgroundCheck verifies a ledger that is a file from its first entry on,
// beside who writes it, on a thread of its own: once after the start, and then
// once a day. What is behind the last checkpoint is all that a start looks at.
//
//   BackgroundCheck check(log, {}, clock);
//   ... check.state().broken_entry ...
//
// It takes a small part of one processor, however large the ledger is. What it
// finds is logged, once each time.
//
// Thread contract: made and destroyed by one thread, before who writes the
// ledger; state and TellBroken on any.

#ifndef SERVICE_LEDGER_BACKGROUND_CHECK_H_
#define SERVICE_LEDGER_BACKGROUND_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_commit.h"

namespace gateway {

class BackgroundCheck {
 public:
  struct Options {
    absl::Duration interval = absl::Hours(24);
    // It works for so long, and then rests for four times as long.
    absl::Duration work = absl::Milliseconds(5);
  };

  struct State {
    int64_t checked_entries = 0;  // This time.
    int64_t checks = 0;           // That came to an end.
    // The first entry that is not what was written; 0 if none was found, this
    // time or, until that ends, the last.
    int64_t broken_entry = 0;
  };

  // Borrows both.
  BackgroundCheck(const CommitSource& log, const Options& options,
                  Clock& clock);
  ~BackgroundCheck();

  BackgroundCheck(const BackgroundCheck&) = delete;
  BackgroundCheck& operator=(const BackgroundCheck&) = delete;

  State state() const LOCKS_EXCLUDED(mu_);

  // Another check has found this entry to be the first that is not what was
  // written: that counts until the next one of this ends.
  void TellBroken(int64_t entry) LOCKS_EXCLUDED(mu_);

 private:
  void Run() LOCKS_EXCLUDED(mu_);
  // CANCELLED at the end.
  absl::Status CheckAll(LedgerCheck* check) LOCKS_EXCLUDED(mu_);
  // False at the end.
  bool Rest(absl::Duration time) LOCKS_EXCLUDED(mu_);

  const CommitSource& log_;
  const Options options_;
  Clock& clock_;
  mutable Mutex mu_;
  CondVar changed_;
  State state_ GUARDED_BY(mu_);
  bool ends_ GUARDED_BY(mu_) = false;
  Thread thread_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_BACKGROUND_CHECK_H_
