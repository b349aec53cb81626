// StoreWatch tells the operator, in the log, that a store fails and why, and
// that it works again. Callers are told neither where a store is nor what it
// says: that is for who can mend it.
//
//   StoreWatch writes("state", "the record store cannot be written", clock);
//   ...
//   writes.Tell(put.status());
//
// There is one line for each change, and no more than one of failures each
// kInterval, whatever changes meanwhile.
//
// Thread-safe.

#ifndef SERVICE_STORE_STORE_WATCH_H_
#define SERVICE_STORE_STORE_WATCH_H_

#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"

namespace gateway {

class StoreWatch {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(10);
  static constexpr absl::Duration kLately = absl::Minutes(1);

  // `module` is one of the log's, `trouble` the line. Borrows all.
  StoreWatch(std::string_view module, std::string_view trouble, Clock& clock)
      : module_(module), trouble_(trouble), clock_(clock) {}

  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;

  // What an operation came to that nobody has cancelled. An answer of a store
  // that works is no failure: ABORTED, INVALID_ARGUMENT, OUT_OF_RANGE.
  void Tell(const absl::Status& outcome) LOCKS_EXCLUDED(mu_);

  // Whether it has failed within kLately, and not worked since. Nobody may ask
  // a store again that works.
  bool fails() const;

 private:
  void TellFailure(const absl::Status& why) LOCKS_EXCLUDED(mu_);
  void TellWell() LOCKS_EXCLUDED(mu_);

  const std::string_view module_;
  const std::string_view trouble_;
  Clock& clock_;
  std::atomic<bool> fails_ = false;  // It was told, and is not over.
  std::atomic<bool> failed_last_ = false;   // Told or not.
  std::atomic<int64_t> failure_nanos_ = 0;  // Of the last one.
  Mutex mu_;
  absl::Duration next_ GUARDED_BY(mu_) = -absl::InfiniteDuration();
  absl::Duration since_ GUARDED_BY(mu_);
  int64_t unlogged_ GUARDED_BY(mu_) = 0;  // Changes.
};

}  // namespace gateway

#endif  // SERVICE_STORE_STORE_WATCH_H_
