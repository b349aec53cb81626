// MemoryRecordStore is a RecordStore (service/store/record_store.h) in the
// memory of the process, with which it ends.
//
//   MemoryRecordStore store({.bytes_limit = 64 << 20}, clock);
//
// It is bounded: a Put for which there is no room, even without what has
// expired, fails with RESOURCE_EXHAUSTED, and nothing is driven out. Of what
// was deleted, at most kRecordChangesKept keys are remembered in each
// collection, beside those limits.
//
// Thread-safe. Nothing waits but for a lock, which is held while at most a page
// of records is copied.

#ifndef SERVICE_STORE_MEMORY_RECORD_STORE_H_
#define SERVICE_STORE_MEMORY_RECORD_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/store/record_store.h"

namespace gateway {

class MemoryRecordStore : public RecordStore {
 public:
  struct Options {
    size_t records_limit = 100'000;
    // Of keys and values, and kRecordOverheadBytes for each record.
    size_t bytes_limit = size_t{64} * 1024 * 1024;
  };

  // What a record takes beside its key and value, roughly.
  static constexpr size_t kRecordOverheadBytes = 320;

  // Borrows `clock`, by whose wall time records expire.
  MemoryRecordStore(const Options& options, Clock& clock);

  Task<absl::StatusOr<std::optional<Record>>> Get(std::string_view collection,
                                                  std::string_view key,
                                                  CancelSignal& cancel) override
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override LOCKS_EXCLUDED(mu_);

 private:
  struct Collection;
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;
  // What expires when.
  using Expiries =
      std::multimap<absl::Time, std::pair<Collection*, std::string_view>>;

  struct Entry {
    std::string value;
    int64_t version = 0;
    int64_t sequence = 0;
    absl::Time expire_time;
    Expiries::iterator expiry;  // expiries_.end() if it never does.
  };

  struct Collection {
    Entries entries;
    int64_t sequence = 0;
    // By sequence: what is there, and the keys of what is not any more.
    std::map<int64_t, Entries::const_iterator> changed;
    std::map<int64_t, std::string> gone;
    std::map<std::string, int64_t, std::less<>> gone_keys;
  };

  // The operations, with what they are given checked.
  absl::StatusOr<int64_t> PutNow(std::string_view name, std::string_view key,
                                 std::string value, const PutOptions& options)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<bool> DeleteNow(std::string_view name, std::string_view key,
                                 std::optional<int64_t> expected_version)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  RecordPage ListNow(std::string_view name, std::string_view after,
                     size_t limit) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<RecordChanges> ChangesNow(std::string_view name,
                                           int64_t sequence, size_t limit)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The collection without what has expired; null if nothing was put there.
  Collection* Find(std::string_view name) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status NoRoom(std::string_view name) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes `entry` off the lists that lead to it.
  void Unlist(Collection& collection, const Entry& entry)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Removes it; that it is gone is told as the change `sequence`.
  void Remove(Collection& collection, Entries::iterator entry, int64_t sequence)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Forgets that the key is gone, or all that ChangesSince need not tell.
  static void Return(Collection& collection, std::string_view key);
  static void ForgetGone(Collection& collection);
  static Record AsRecord(const Entries::value_type& entry);

  const Options options_;
  Clock& clock_;

  Mutex mu_;
  std::map<std::string, Collection, std::less<>> collections_ GUARDED_BY(mu_);
  Expiries expiries_ GUARDED_BY(mu_);
  size_t records_ GUARDED_BY(mu_) = 0;
  size_t bytes_ GUARDED_BY(mu_) = 0;
};

}  // namespace gateway

#endif  // SERVICE_STORE_MEMORY_RECORD_STORE_H_
