#include "service/limits/rate_counters.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"

namespace gateway {

template <typename Change>
CounterCell& RateCounters::Apply(CounterCell* counter, const CounterKey& key,
                                 int64_t now, SubjectText subject,
                                 const Change& change) {
  if (counter == nullptr) counter = &Begin(key, now, subject);
  for (;;) {
    int64_t tat = counter->number.load(std::memory_order_acquire);
    while (tat != CounterCell::kMoving) {
      const int64_t next = change(tat);
      const bool done = next == tat || counter->number.compare_exchange_weak(
                                           tat, next, std::memory_order_acq_rel,
                                           std::memory_order_acquire);
      if (!done) continue;
      if (counter->IsOf(key)) return *counter;
      break;
    }
    // It has given way, and waits for whoever does that.
    counter = &Begin(key, now, subject);
  }
}

Gcra::Decision RateCounters::Take(const Gcra& gcra, const CounterKey& key,
                                  int64_t now, int64_t cost,
                                  SubjectText subject, CounterCell** place) {
  Gcra::Decision decision;
  CounterCell& counter =
      Apply(table_.Find(key), key, now, subject, [&](int64_t tat) {
        decision = gcra.Take(tat, now, cost);
        return decision.conforms ? decision.tat : tat;
      });
  if (place != nullptr) *place = &counter;
  return decision;
}

Gcra::Decision RateCounters::TakeShare(const Gcra& gcra, const CounterKey& key,
                                       int64_t now, int64_t cost,
                                       int64_t shares, SubjectText subject) {
  Gcra::Decision decision;
  Apply(table_.Find(key), key, now, subject, [&](int64_t tat) {
    decision = gcra.TakeShare(tat, now, cost, shares);
    return decision.conforms ? decision.tat : tat;
  });
  return decision;
}

void RateCounters::Set(const CounterKey& key, int64_t now, int64_t tat,
                       SubjectText subject) {
  CounterCell* const counter = table_.Find(key);
  // What owes nothing needs no counter.
  if (tat <= now && counter == nullptr) return;
  Apply(counter, key, now, subject, [tat](int64_t) { return tat; });
}

int64_t RateCounters::Correct(const Gcra& gcra, const CounterKey& key,
                              int64_t now, int64_t from, int64_t to,
                              SubjectText subject, CounterCell* place) {
  if (place == nullptr || !place->IsOf(key)) place = table_.Find(key);
  if (to <= from && place == nullptr) return Read(key);
  int64_t corrected = 0;
  Apply(place, key, now, subject, [&](int64_t tat) {
    return corrected = gcra.Correct(tat, now, from, to);
  });
  return corrected;
}

int64_t RateCounters::Peek(const CounterKey& key) const {
  const CounterCell* const counter = table_.Find(key);
  if (counter == nullptr) return 0;
  const int64_t tat = counter->number.load(std::memory_order_acquire);
  return tat != CounterCell::kMoving && counter->IsOf(key) ? tat : 0;
}

int64_t RateCounters::Read(const CounterKey& key) {
  const CounterCell* const counter = table_.Find(key);
  if (counter != nullptr) {
    const int64_t tat = counter->number.load(std::memory_order_acquire);
    if (tat != CounterCell::kMoving && counter->IsOf(key)) return tat;
  }
  CounterTable::Claim claim(table_, key);
  const CounterCell* const settled = claim.bucket().Find(key);
  return settled == nullptr
             ? claim.bucket().head.others.load(std::memory_order_relaxed)
             : settled->number.load(std::memory_order_acquire);
}

void RateCounters::ForEach(
    int64_t now,
    absl::FunctionRef<void(const std::string& subject, int64_t tat)> visit) {
  table_.ForEachBucket([&](CounterBucket& bucket) {
    for (const CounterCell& counter : bucket.counters) {
      const int64_t tat = counter.number.load(std::memory_order_acquire);
      if (tat > now) visit(counter.subject, tat);
    }
  });
}

int64_t RateCounters::Reset(
    int64_t now, absl::FunctionRef<bool(const std::string& subject)> forgives) {
  int64_t reset = 0;
  table_.ForEachBucket([&](CounterBucket& bucket) {
    bool owes = false;
    const int64_t before = reset;
    for (CounterCell& counter : bucket.counters) {
      const int64_t tat = counter.number.load(std::memory_order_acquire);
      if (tat <= now) continue;
      if (forgives(counter.subject)) {
        counter.number.store(0, std::memory_order_release);
        ++reset;
      } else {
        owes = true;
      }
    }
    if (!owes && reset > before) {
      bucket.head.others.store(0, std::memory_order_relaxed);
    }
  });
  return reset;
}

CounterCell& RateCounters::Begin(const CounterKey& key, int64_t now,
                                 SubjectText subject) {
  CounterTable::Claim claim(table_, key);
  CounterBucket& bucket = claim.bucket();
  // Another thread may have been first.
  if (CounterCell* const found = bucket.Find(key); found != nullptr)
    return *found;
  CounterCell& place =
      *std::min_element(bucket.counters.begin(), bucket.counters.end(),
                        [](const CounterCell& a, const CounterCell& b) {
                          return a.number.load(std::memory_order_relaxed) <
                                 b.number.load(std::memory_order_relaxed);
                        });
  const int64_t left =
      place.number.exchange(CounterCell::kMoving, std::memory_order_acq_rel);
  int64_t floor = bucket.head.others.load(std::memory_order_relaxed);
  if (left > now) {
    indebted_evictions_.fetch_add(1, std::memory_order_relaxed);
    floor = std::max(floor, left);
    bucket.head.others.store(floor, std::memory_order_relaxed);
  }
  if (former_ != nullptr) floor = std::max(floor, former_(key));
  bucket.Assign(place, key, floor, subject());
  return place;
}

}  // namespace gateway
