// KeySets has the key sets of all issuers of tokens that are configured, and
// reads them again by KeySetSchedule. It belongs to the process: an issuer that
// another configuration has as well keeps its keys.
//
//   KeySets sets(SystemClock(), SystemRandom(), worker);
//   loop.Post([&] { Spawn(sets.Run(loop, http)); });
//   const std::shared_ptr<IssuerKeys> keys = sets.Find(source);
//   sets.Use(*keys, access);                     // From now on they are read.
//   sets.AwaitFirst(absl::Seconds(5));
//   ...
//   sets.Stop();
//
// A set that nobody holds any more is read no more.
//
// Thread-safe, but for Run.

#ifndef SERVICE_IDENTITY_KEY_SETS_H_
#define SERVICE_IDENTITY_KEY_SETS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"
#include "base/sha256.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/key_set_fetch.h"
#include "service/identity/key_set_schedule.h"

namespace gateway {

class KeySets;

// The keys of one issuer, as far as they are known. Thread-safe.
class IssuerKeys {
 public:
  // Made by KeySets; borrows it.
  IssuerKeys(KeySetSource source, KeySets& sets);

  // Null if none are known that may be used.
  std::shared_ptr<const JsonWebKeySet> Get() const LOCKS_EXCLUDED(mu_);

  // A token names a key that the set does not have. Returns whether the set is
  // being read for such a token now, so that it is soon known better.
  bool Misses() LOCKS_EXCLUDED(mu_);

 private:
  friend class KeySets;

  // What has come of a reading.
  absl::Status Take(const absl::StatusOr<std::string>& text)
      LOCKS_EXCLUDED(mu_);

  const KeySetSource source_;
  KeySets& sets_;
  mutable Mutex mu_;
  KeySetAccess access_ GUARDED_BY(mu_);
  // Somebody has put it into use.
  bool used_ GUARDED_BY(mu_) = false;
  // It was read, or could not be, once at least.
  bool tried_ GUARDED_BY(mu_) = false;
  // A token waits for a key that the set may have by now.
  bool missed_ GUARDED_BY(mu_) = false;
  KeySetSchedule schedule_ GUARDED_BY(mu_);
  std::shared_ptr<const JsonWebKeySet> keys_ GUARDED_BY(mu_);
  Sha256Digest digest_ GUARDED_BY(mu_);  // Of the text that they are from.
};

class KeySets {
 public:
  // Borrows all.
  KeySets(Clock& clock, Random& random, BlockingWorker& worker);

  KeySets(const KeySets&) = delete;
  KeySets& operator=(const KeySets&) = delete;

  // The keys of that source: those that somebody has of it, or new ones.
  std::shared_ptr<IssuerKeys> Find(const KeySetSource& source)
      LOCKS_EXCLUDED(mu_);

  // Has the set read from now on, in that way.
  void Use(IssuerKeys& keys, const KeySetAccess& access) LOCKS_EXCLUDED(mu_);

  // What became of reading the set of an issuer.
  struct State {
    std::string issuer;
    size_t keys = 0;     // That may be used.
    int failures = 0;    // Since the last success.
    absl::Duration age;  // Since then; infinite without one.
  };
  // Of the issuers whose sets are in use, by their names; of several sets of
  // one issuer, of the one that is worst off.
  std::vector<State> Read() LOCKS_EXCLUDED(mu_);

  // Grows whenever one of the sets is another; outlives this.
  std::shared_ptr<const std::atomic<uint64_t>> changes() const {
    return changes_;
  }

  // Reads sets until Stop; once.
  Task<void> Run(EventLoop& loop, HttpClient& http);

  // Waits until all sets in use were tried once, at most for so long. Returns
  // whether they were. REQUIRES: Run was posted to a loop; not on a loop.
  bool AwaitFirst(absl::Duration timeout) LOCKS_EXCLUDED(mu_);

  // Cancels what is under way, and returns once Run has. REQUIRES: Run was
  // posted to `loop`, which is running; not on a loop.
  void Stop(EventLoop& loop) LOCKS_EXCLUDED(mu_);

 private:
  friend class IssuerKeys;

  using Sets = std::vector<std::shared_ptr<IssuerKeys>>;

  // Those that somebody holds.
  Sets All() LOCKS_EXCLUDED(mu_);
  // Whether each that is in use was tried.
  bool AllTried() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has Run look again, soon.
  void Wake() LOCKS_EXCLUDED(mu_);
  // Begins readings that are due; returns how long to wait for the next look.
  absl::Duration Look(HttpClient& http);
  Task<void> ReadSet(HttpClient& http, std::shared_ptr<IssuerKeys> keys);
  void Changed() { changes_->fetch_add(1, std::memory_order_acq_rel); }

  Clock& clock_;
  Random& random_;
  BlockingWorker& worker_;
  const std::shared_ptr<std::atomic<uint64_t>> changes_ =
      std::make_shared<std::atomic<uint64_t>>(0);
  Latch ended_;

  Mutex mu_;
  CondVar tried_;
  std::vector<std::weak_ptr<IssuerKeys>> sets_ GUARDED_BY(mu_);
  EventLoop* loop_ GUARDED_BY(mu_) = nullptr;  // Null unless Run runs.

  // Of the loop.
  CancelSignal stop_;
  WakeUp wake_;
  int reading_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_KEY_SETS_H_
