// ResponseStore remembers conversations for callers who go on with
// `previous_response_id`, and of answers that were only forwarded, where they
// live: for a while, up to a number and a size. Where there is too much, the
// oldest of the caller who has most goes first (response_holders.h).
//
//   ResponseStore store({.ttl = absl::Hours(1), ...}, SystemClock());
//   store.Put("alice", "resp_1", std::move(kept));
//   ResponseStore::Entry kept = store.Find("alice", "resp_1");
//
// That is in memory. Given records (response_records.h), it keeps answers
// there, so that they outlast the process:
//
//   std::optional<UnkeptResponse> unkept = store.Put("alice", "resp_1", kept);
//   if (unkept.has_value()) {
//     status = co_await store.Keep(*std::move(unkept), cancel);
//   }
//   ...
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       ResponseStore::Entry kept,
//       co_await store.Look("alice", "resp_1", cancel));
//
// Memory then has only what is too large for a record, and which answers this
// process has kept there: of those, too, the oldest of who has most go first.
// What others that share the records have kept, or an earlier process has, does
// not count, is driven out by nobody, and goes when its time is over: so of
// `limits` there may be as much as each process that has run within the ttl has
// kept.
//
// A caller sees only what is its own.
//
// Thread-safe. Never calls out while holding its lock.

#ifndef SERVICE_PIPELINE_RESPONSE_STORE_H_
#define SERVICE_PIPELINE_RESPONSE_STORE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/observability/log_pace.h"
#include "service/pipeline/response_holders.h"
#include "service/pipeline/response_records.h"
#include "service/pipeline/stored_response.h"

namespace gateway {

// An answer that is still to be kept in records, or is too large to be kept.
struct UnkeptResponse {
  std::string caller;
  std::string id;
  StoredResponse kept;
  bool is_too_large = false;  // If so, the rest is empty.
};

class ResponseStore {
 public:
  struct Limits {
    absl::Duration ttl;
    size_t entries = 0;  // 0 keeps nothing.
    int64_t size_bytes = 0;
  };

  using Entry = std::shared_ptr<const StoredResponse>;

  static Limits LimitsOf(
      const llmgateway::config::v1::ResponseStoreConfig& config);

  // Borrows both; `records` is null where answers are kept in memory alone.
  ResponseStore(const Limits& limits, Clock& clock,
                ResponseRecords* records = nullptr)
      : limits_(limits), clock_(clock), records_(records) {}

  ResponseStore(const ResponseStore&) = delete;
  ResponseStore& operator=(const ResponseStore&) = delete;

  // Whether anything is kept at all.
  bool enabled() const { return limits_.entries > 0; }
  // What is larger is not kept.
  int64_t size_bytes_limit() const { return limits_.size_bytes; }

  // Answers outlast the process, and Look and Forget wait for where they are.
  bool is_durable() const { return records_ != nullptr; }

  // Replaces what had the same id. Returns what is yet to be kept by Keep,
  // which is nothing where that is in memory; or that it is too large.
  std::optional<UnkeptResponse> Put(std::string_view caller,
                                    std::string_view id, StoredResponse kept)
      LOCKS_EXCLUDED(mu_);

  // Counts an answer that is larger than size_bytes_limit(), and says so.
  UnkeptResponse TooLarge() {
    Count(Unkept::kTooLarge);
    return {.is_too_large = true};
  }

  // What is in memory. Null if there is none, or no longer.
  Entry Find(std::string_view caller, std::string_view id) LOCKS_EXCLUDED(mu_);

  // Of what is in memory. False if there was none.
  bool Remove(std::string_view caller, std::string_view id) LOCKS_EXCLUDED(mu_);

  // Below, wherever it is. STORE_UNAVAILABLE, or what `cancel` fired with.

  // When that is OK, it is kept. RESOURCE_EXHAUSTED if it is too large.
  // REQUIRES: is_durable(), or it is.
  Task<absl::Status> Keep(UnkeptResponse unkept, CancelSignal& cancel)
      LOCKS_EXCLUDED(mu_);
  // Null if there is none, or no longer.
  Task<absl::StatusOr<Entry>> Look(std::string_view caller, std::string_view id,
                                   CancelSignal& cancel) LOCKS_EXCLUDED(mu_);
  // False if there was none.
  Task<absl::StatusOr<bool>> Forget(std::string_view caller,
                                    std::string_view id, CancelSignal& cancel)
      LOCKS_EXCLUDED(mu_);

  // Frees what has expired in memory, up to `entries_max` answers: else it goes
  // when somebody asks. To be called now and then.
  void FreeExpired(size_t entries_max) LOCKS_EXCLUDED(mu_);

  // All that is kept, or known to be kept in records, in bytes.
  int64_t size_bytes() const LOCKS_EXCLUDED(mu_);

  struct Stats {
    int64_t entries = 0;
    int64_t size_bytes = 0;
    int64_t evicted = 0;  // Dropped before their time, for want of room.
  };
  // Of the same; what has expired is dropped first.
  Stats stats() LOCKS_EXCLUDED(mu_);

  // Why answers are not kept, or do not outlast the process though they should.
  enum class Unkept {
    kStore,  // The store could not be reached, or is full.
    // More than size_bytes_limit, or than a quarter of it where it would drive
    // out those of others; not even kept in memory.
    kTooLarge,
    kRecordTooLarge,  // Kept in memory.
  };
  static constexpr size_t kUnkeptReasons = 3;
  int64_t unkept(Unkept reason) const {
    return unkept_[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
  }

 private:
  using Key = std::pair<std::string, std::string>;  // Caller and id.
  struct Item {
    Key key;
    Entry entry;  // Null if it is in records.
    int64_t size_bytes = 0;
    absl::Duration expiry;
  };
  using Items = std::map<int64_t, Item>;  // By sequence: the oldest first.

  // Has the item, and not what had the same key; drops others while there is
  // too much, or, if it is too large for that, itself, and returns false.
  bool Insert(Item item, absl::Duration now, Items* replaced, Items* dropped)
      LOCKS_EXCLUDED(mu_);
  // Counts, and has the log tell now and then, what records did not take.
  void TellUnkept(const absl::Status& why, absl::Duration now)
      LOCKS_EXCLUDED(mu_);
  void Count(Unkept reason) {
    unkept_[static_cast<size_t>(reason)].fetch_add(1,
                                                   std::memory_order_relaxed);
  }
  void Drop(Items::iterator item, Items* dropped) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropExpired(absl::Duration now, size_t entries_max, Items* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops whose turn it is, while there is too much.
  void MakeRoom(int64_t newest, Items* dropped) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Limits limits_;
  Clock& clock_;
  ResponseRecords* const records_;

  std::array<std::atomic<int64_t>, kUnkeptReasons> unkept_ = {};

  mutable Mutex mu_;
  Items items_ GUARDED_BY(mu_);
  absl::flat_hash_map<Key, Items::iterator> index_ GUARDED_BY(mu_);
  ResponseHolders holders_ GUARDED_BY(mu_);
  int64_t last_sequence_ GUARDED_BY(mu_) = 0;
  int64_t size_bytes_ GUARDED_BY(mu_) = 0;
  int64_t evicted_ GUARDED_BY(mu_) = 0;
  LogPace pace_ GUARDED_BY(mu_){absl::Seconds(10)};
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESPONSE_STORE_H_
