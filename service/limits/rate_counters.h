// RateCounters holds the counters of one rate limit, a TAT for each key
// (service/limits/gcra.h), in a bounded table that never forgives a debt.
//
// A counter whose TAT has passed says nothing, and gives way freely. If none of
// a bucket's has, the one that owes least gives way, and the bucket keeps its
// TAT as a floor: whoever begins there, or comes back, begins with at least
// that. So no key has more than its limit, whatever else is counted; keys that
// many others crowd out may have less, by at most the least debt of eight.
//
//   RateCounters counters(65536);
//   const Gcra::Decision decision = counters.Take(gcra, key, now, 1);
//
// Threads that see different times, as loops do by a turn, are taken at their
// word: a charge at an earlier time sees less that has come back.
//
// A race with an eviction (service/limits/counter_table.h) may count one charge
// twice, or count it to the key that came as well; none is lost.
//
// Thread-safe; without a lock but for a key's first charge, and for operators.

#ifndef SERVICE_LIMITS_RATE_COUNTERS_H_
#define SERVICE_LIMITS_RATE_COUNTERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "service/limits/counter_key.h"
#include "service/limits/counter_table.h"
#include "service/limits/gcra.h"

namespace gateway {

class RateCounters {
 public:
  // The TAT that a key which begins here has elsewhere; 0 for none. May wait
  // for no counters.
  using Former = std::function<int64_t(const CounterKey& key)>;

  // Has places for so many keys, in use at a time. REQUIRES: counters > 0.
  explicit RateCounters(size_t counters, Former former = nullptr)
      : table_(counters), former_(std::move(former)) {}

  // Takes `cost` units of the key's limit at `now`, all or none. With `place`
  // it is told where the counter is, for Correct.
  Gcra::Decision Take(const Gcra& gcra, const CounterKey& key, int64_t now,
                      int64_t cost, SubjectText subject,
                      CounterCell** place = nullptr);

  // As Take, for one of so many processes that share the limit
  // (Gcra::TakeShare).
  Gcra::Decision TakeShare(const Gcra& gcra, const CounterKey& key, int64_t now,
                           int64_t cost, int64_t shares, SubjectText subject);

  // Sets the TAT of the key, as somebody knows it who counts for all.
  void Set(const CounterKey& key, int64_t now, int64_t tat,
           SubjectText subject);

  // Makes `from` units that were taken into `to`. Less of a key that had to
  // give way is not given back; more counts whatever has happened.
  // Returns the TAT. `place` is where the counter was, if that is known: there
  // it is looked for first.
  int64_t Correct(const Gcra& gcra, const CounterKey& key, int64_t now,
                  int64_t from, int64_t to, SubjectText subject,
                  CounterCell* place = nullptr);

  // Returns the TAT of the key's counter, without a lock; 0 if it has none.
  int64_t Peek(const CounterKey& key) const;

  // Returns the TAT of the key: the floor of its bucket if it has no counter.
  int64_t Read(const CounterKey& key);

  // Visits each counter that owes something at `now`, with its TAT.
  void ForEach(
      int64_t now,
      absl::FunctionRef<void(const std::string& subject, int64_t tat)> visit);

  // Forgives what those owe whose subject `forgives` says, and with the last
  // of a bucket its floor. Returns how many owed something at `now`.
  int64_t Reset(int64_t now,
                absl::FunctionRef<bool(const std::string& subject)> forgives);

  // How often a counter gave way that owed something.
  int64_t indebted_evictions() const {
    return indebted_evictions_.load(std::memory_order_relaxed);
  }
  size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  // Returns the counter of the key, which may be another's by now.
  CounterCell& Begin(const CounterKey& key, int64_t now, SubjectText subject);

  // Applies `change`, which makes a number into the next one or keeps it, until
  // it has been made to the key's own number, which is looked for at `counter`
  // first. Returns where it was.
  template <typename Change>
  CounterCell& Apply(CounterCell* counter, const CounterKey& key, int64_t now,
                     SubjectText subject, const Change& change);

  CounterTable table_;
  const Former former_;
  std::atomic<int64_t> indebted_evictions_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_RATE_COUNTERS_H_
