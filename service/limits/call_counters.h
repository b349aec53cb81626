// CallCounters counts the calls under way of each key, up to a limit. Who has a
// place in the count holds it as an object, and gives it back with it.
//
//   CallPlace place = counters.Enter(key, /*limit=*/20);
//   if (!place.taken()) return Refuse();
//   ...                                    // Given back at the end.
//
// A counter above zero never gives way to another key. If all places of a
// bucket are above zero, keys that begin there share one count, and do so until
// it is zero again: together they have the limit of one. So no key has more
// than its limit; keys of a bucket that is full of others may have less.
//
// Thread-safe; without a lock but for a key's first call.

#ifndef SERVICE_LIMITS_CALL_COUNTERS_H_
#define SERVICE_LIMITS_CALL_COUNTERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "service/limits/counter_key.h"
#include "service/limits/counter_table.h"

namespace gateway {

// One call's place in a count, while it lives. May be none.
//
// Thread-compatible; may be given back on any thread, while the counters live.
class [[nodiscard]] CallPlace {
 public:
  CallPlace() = default;
  // Takes over one that is counted already.
  explicit CallPlace(std::atomic<int64_t>* count) : count_(count) {}
  CallPlace(CallPlace&& other) noexcept
      : count_(std::exchange(other.count_, nullptr)) {}
  CallPlace& operator=(CallPlace&& other) noexcept {
    if (this != &other) {
      GiveBack();
      count_ = std::exchange(other.count_, nullptr);
    }
    return *this;
  }
  ~CallPlace() { GiveBack(); }

  bool taken() const { return count_ != nullptr; }

  // How many there are of the key, this one included. REQUIRES: taken().
  int64_t count() const { return count_->load(std::memory_order_relaxed); }

  void GiveBack() {
    if (count_ == nullptr) return;
    std::exchange(count_, nullptr)->fetch_sub(1, std::memory_order_release);
  }

 private:
  std::atomic<int64_t>* count_ = nullptr;
};

class CallCounters {
 public:
  // Has places for so many keys with calls under way. REQUIRES: counters > 0.
  explicit CallCounters(size_t counters) : table_(counters) {}

  // Takes a place; none is taken if `limit` calls of the key are under way. The
  // result must not outlive this object.
  CallPlace Enter(const CounterKey& key, int64_t limit, SubjectText subject);

  // Returns how many calls of the key are under way; of one that shares a
  // count, those of all who do.
  int64_t Read(const CounterKey& key);

  // Visits each counter above zero; one that several keys share has no subject.
  void ForEach(
      absl::FunctionRef<void(const std::string& subject, int64_t calls)> visit);

  size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  // Adds one, if that is no more than `limit`; false if not.
  static bool Add(std::atomic<int64_t>& count, int64_t limit);
  CallPlace Begin(const CounterKey& key, int64_t limit, SubjectText subject);

  CounterTable table_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_CALL_COUNTERS_H_
