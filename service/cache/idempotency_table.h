// IdempotencyTable has a call with an idempotency key run once, however often
// its caller asks.
//
//   absl::StatusOr<IdempotencyTable::Call> call =
//       table.Begin(caller, key, fingerprint, request_id);
//   if (!call.ok()) return call.status();      // Another body, or no room.
//   if (call->run) {
//     // Run it, with the signal of call->run->Begin(loop); then, once:
//     call->run->Finish({.answer = answer});   // or a status: it broke
//     call->run->Release(status);              // or: nothing was done
//   }
//   ... co_await call->share.Wait(loop, cancel) ...
//
// What is remembered of a key:
//   running   whoever comes with it waits for the one that runs
//   finished  the answer, as long as `ttl`
//   broken    how the call ended, as long: it may have been billed, so that it
//             is not made again; who wants that takes another key
// A call that ended before anything was sent anywhere is forgotten instead.
//
// The callers of a running one may leave; it then still runs to its end, since
// whoever asked with a key will ask again; until the process is to end.
//
// A key is never forgotten before its time. Where there are as many as may be,
// a new one is refused, as OVERLOADED; the last part of them (kReserve) is for
// callers who have few. Where there is no room for an answer, the oldest go, of
// a caller with many its own first: the key is then known without an answer.
//
// Thread-safe.

#ifndef SERVICE_CACHE_IDEMPOTENCY_TABLE_H_
#define SERVICE_CACHE_IDEMPOTENCY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/cache/request_key.h"
#include "service/cache/shared_answer.h"

namespace gateway {

// The longest key, in bytes.
inline constexpr size_t kIdempotencyKeyBytesMax = 128;

// INVALID_REQUEST, naming `field`, unless the key is of 1 to
// kIdempotencyKeyBytesMax printable ASCII characters.
absl::Status CheckIdempotencyKey(std::string_view field, std::string_view key);

class IdempotencyTable {
 public:
  struct Limits {
    absl::Duration ttl = absl::Hours(24);
    size_t entries = 0;
    size_t size_bytes = 0;
  };

  struct Stats {
    size_t running = 0;
    size_t ended = 0;
    size_t size_bytes = 0;
    uint64_t replayed = 0;  // Callers that were not the first.
    uint64_t waited = 0;    // Of them, those who came while it ran.
    uint64_t mismatches = 0;
    uint64_t refused = 0;          // For want of room.
    uint64_t answers_dropped = 0;  // Before their time, for want of room.
  };

  class Run;
  struct Call;

  // A larger answer is not remembered.
  static size_t AnswerBytesMax(const Limits& limits) {
    return limits.size_bytes / kAnswerShare;
  }

  // Borrows `clock`.
  IdempotencyTable(const Limits& limits, Clock& clock)
      : clock_(clock), limits_(limits) {}
  // REQUIRES: no Run is left.
  ~IdempotencyTable() = default;

  IdempotencyTable(const IdempotencyTable&) = delete;
  IdempotencyTable& operator=(const IdempotencyTable&) = delete;

  // `fingerprint` is the key of the request's body. Faults:
  // IDEMPOTENCY_MISMATCH if the key was used with another, OVERLOADED; DRAINING
  // if its call was just told to stop.
  absl::StatusOr<Call> Begin(std::string_view caller, std::string_view key,
                             const RequestKey& fingerprint,
                             std::string_view request_id) LOCKS_EXCLUDED(mu_);

  // As Begin, for a key that is known here; nothing if it is not.
  absl::StatusOr<std::optional<AnswerShare>> Join(std::string_view caller,
                                                  std::string_view key,
                                                  const RequestKey& fingerprint)
      LOCKS_EXCLUDED(mu_);

  // Frees what has expired, up to `entries_max` keys: else it goes when the
  // next key comes. To be called now and then.
  void FreeExpired(size_t entries_max) LOCKS_EXCLUDED(mu_);

  // For what comes from now on; nothing that is known is forgotten for it.
  void SetLimits(const Limits& limits) LOCKS_EXCLUDED(mu_);

  // The process is to end, and what is remembered with it: what runs without a
  // caller is told to stop, and so is all else that its callers leave.
  void Close() LOCKS_EXCLUDED(mu_);

  Stats stats() const LOCKS_EXCLUDED(mu_);

 private:
  using Key = std::pair<std::string, std::string>;  // Caller and key.
  struct Entry;
  using Order = std::list<Entry*>;  // Oldest first.
  // What one caller has here.
  struct Use {
    size_t entries = 0;
    size_t answer_bytes = 0;
    Order answers;
  };
  struct Entry {
    Key key;
    RequestKey fingerprint;
    std::shared_ptr<SharedAnswer> answer;
    size_t size_bytes = 0;    // Without its answer.
    size_t answer_bytes = 0;  // 0 if none is kept.
    bool ended = false;
    // Once it has ended:
    absl::Duration expiry;
    Order::iterator place;
    // While its answer is kept:
    Order::iterator answer_place;
    Order::iterator answer_place_of_caller;
  };
  // What is taken out is freed without the lock.
  struct Dropped {
    std::vector<std::unique_ptr<Entry>> entries;
    std::vector<std::shared_ptr<SharedAnswer>> answers;
  };

  // A caller has many if it has one of so many parts of what there may be.
  static constexpr size_t kCallerShare = 4;
  // One of so many parts of the keys is for those who have less.
  static constexpr size_t kReserve = 4;
  // An answer takes no more than one of so many parts of the bytes.
  static constexpr size_t kAnswerShare = 8;

  void Finish(const std::shared_ptr<SharedAnswer>& answer, const Key& key,
              SharedOutcome outcome) LOCKS_EXCLUDED(mu_);
  void Forget(const std::shared_ptr<SharedAnswer>& answer, const Key& key,
              SharedOutcome outcome) LOCKS_EXCLUDED(mu_);
  // Counts who joins.
  absl::StatusOr<AnswerShare> JoinEntry(const Entry& known,
                                        const RequestKey& fingerprint)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Entry* FindEntry(const Key& key) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Drop(Entry& entry, Dropped* dropped) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropExpired(absl::Duration now, size_t entries_max, Dropped* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoomForKey(const std::string& caller) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes room by dropping answers, first of `caller` if it has many.
  bool MakeRoom(const std::string& caller, size_t bytes, Dropped* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void KeepAnswer(Entry& entry, size_t bytes) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetAnswer(Entry& entry) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Puts in place of an answer that is not kept that it is not.
  void TellNotKept(Entry& entry, Dropped* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;

  mutable Mutex mu_;
  Limits limits_ GUARDED_BY(mu_);
  bool closed_ GUARDED_BY(mu_) = false;
  absl::flat_hash_map<Key, std::unique_ptr<Entry>> entries_ GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, Use> uses_ GUARDED_BY(mu_);
  Order ended_ GUARDED_BY(mu_);
  Order answers_ GUARDED_BY(mu_);
  size_t size_bytes_ GUARDED_BY(mu_) = 0;
  Stats counts_ GUARDED_BY(mu_);
};

// Runs the call of a key. One that is destroyed before its end has broken, as a
// mistake of the gateway. Must outlive whatever listens to its signal, and not
// the table.
class IdempotencyTable::Run {
 public:
  Run(Run&& other) noexcept
      : table_(other.table_),
        key_(std::move(other.key_)),
        answer_(std::move(other.answer_)),
        begun_(other.begun_),
        ended_(other.ended_) {}
  Run& operator=(Run&&) = delete;
  ~Run();

  // Returns the signal that the call has to obey in place of its caller's, on
  // `loop`: that all who wait have left does not fire it.
  CancelSignal& Begin(EventLoop& loop) {
    begun_ = true;
    return answer_->audience().Begin(loop, absl::InfiniteDuration());
  }

  // Keeps how it ended, good or bad, and tells all who wait. A good end without
  // its answer, which was too large, is told to all as one that is not kept.
  void Finish(SharedOutcome outcome);

  // Tells all who wait, as Finish, and keeps nothing: somebody else does. On
  // the loop of Begin, as the others.
  void Forget(SharedOutcome outcome);

  // Tells those who wait that it failed before anything was done, and forgets
  // it: who comes next begins anew. REQUIRES: !status.ok().
  void Release(absl::Status status);

 private:
  friend class IdempotencyTable;
  Run(IdempotencyTable& table, Key key, std::shared_ptr<SharedAnswer> answer)
      : table_(&table), key_(std::move(key)), answer_(std::move(answer)) {}

  IdempotencyTable* const table_;
  Key key_;
  std::shared_ptr<SharedAnswer> answer_;  // Null once moved from.
  bool begun_ = false;
  bool ended_ = false;
};

struct IdempotencyTable::Call {
  AnswerShare share;
  std::optional<Run> run;  // For the first.
};

}  // namespace gateway

#endif  // SERVICE_CACHE_IDEMPOTENCY_TABLE_H_
