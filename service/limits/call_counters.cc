#include "service/limits/call_counters.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"

namespace gateway {

CallPlace CallCounters::Enter(const CounterKey& key, int64_t limit,
                              SubjectText subject) {
  CounterCell* const counter = table_.Find(key);
  if (counter == nullptr) return Begin(key, limit, subject);
  if (Add(counter->number, limit)) {
    CallPlace place(&counter->number);
    // A counter that is above zero stays where it is, so that it is the key's
    // for as long as the place is held.
    if (counter->IsOf(key)) return place;
  } else if (counter->IsOf(key) &&
             counter->number.load(std::memory_order_acquire) !=
                 CounterCell::kMoving) {
    return CallPlace();
  }
  return Begin(key, limit, subject);
}

int64_t CallCounters::Read(const CounterKey& key) {
  if (const CounterCell* const found = table_.Find(key); found != nullptr) {
    const int64_t calls = found->number.load(std::memory_order_acquire);
    if (calls != CounterCell::kMoving && found->IsOf(key)) return calls;
  }
  CounterTable::Claim claim(table_, key);
  const CounterCell* const counter = claim.bucket().Find(key);
  return (counter == nullptr ? claim.bucket().head.others : counter->number)
      .load(std::memory_order_relaxed);
}

void CallCounters::ForEach(
    absl::FunctionRef<void(const std::string& subject, int64_t calls)> visit) {
  static const std::string kShared;
  table_.ForEachBucket([&](CounterBucket& bucket) {
    for (const CounterCell& counter : bucket.counters) {
      const int64_t calls = counter.number.load(std::memory_order_relaxed);
      if (calls > 0) visit(counter.subject, calls);
    }
    const int64_t shared = bucket.head.others.load(std::memory_order_relaxed);
    if (shared > 0) visit(kShared, shared);
  });
}

bool CallCounters::Add(std::atomic<int64_t>& count, int64_t limit) {
  int64_t calls = count.load(std::memory_order_acquire);
  do {
    if (calls == CounterCell::kMoving || calls >= limit) return false;
  } while (!count.compare_exchange_weak(
      calls, calls + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

CallPlace CallCounters::Begin(const CounterKey& key, int64_t limit,
                              SubjectText subject) {
  CounterTable::Claim claim(table_, key);
  CounterBucket& bucket = claim.bucket();
  std::atomic<int64_t>* count = nullptr;
  if (CounterCell* const found = bucket.Find(key); found != nullptr) {
    count = &found->number;
  } else if (bucket.head.others.load(std::memory_order_acquire) == 0) {
    for (CounterCell& place : bucket.counters) {
      int64_t none = 0;
      if (!place.number.compare_exchange_strong(none, CounterCell::kMoving,
                                                std::memory_order_acq_rel)) {
        continue;
      }
      bucket.Assign(place, key, 0, subject());
      count = &place.number;
      break;
    }
  }
  if (count == nullptr) count = &bucket.head.others;
  return Add(*count, limit) ? CallPlace(count) : CallPlace();
}

}  // namespace gateway
