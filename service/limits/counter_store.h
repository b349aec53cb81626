// CounterStore is where limits are counted: in this process
// (LocalCounterStore), or wherever replicas share them. A call's limits go
// there together, so that a store that has to ask somebody asks once.
//
//   CounterRequest request;
//   request.takes.push_back({.rule = &rule, .key = key, .units = 1});
//   if (!store.Take(request)) ...   // Resumed when it is done.
//
// Counters of this process answer at once. A store that shares limits
// (service/limits/shared_counter_store.h) takes what it can from parts that it
// has leased in advance, and then answers at once, too; it may admit up to one
// part for each replica beyond a limit.
// LimitCharges is who asks.
//
// Thread contract: a store is thread-safe, a request belongs to one event loop,
// on which it is answered.

#ifndef SERVICE_LIMITS_COUNTER_STORE_H_
#define SERVICE_LIMITS_COUNTER_STORE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "service/limits/call_counters.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"

namespace gateway {

// What is taken, or is to be taken, of one limit.
struct CounterTake {
  enum class State : uint8_t {
    kAsked,
    kTaken,
    // Refused, by a rule that refuses.
    kRefused,
    // It would have been, by one that only observes: nothing was taken.
    kObserved,
  };

  const LimitRule* rule = nullptr;  // Borrowed.
  CounterKey key;
  int64_t units = 0;  // 0 takes nothing, is never refused, and is told of.
  State state = State::kAsked;
  // Once decided, of limits in time: the TAT by the clock of `now`, of calls at
  // once: how many there are.
  int64_t number = 0;
  // Of one that was refused, nanoseconds until it conforms; Gcra::kNever if it
  // never will; 0 if nobody knows.
  int64_t wait = 0;
  // Of calls at once that are counted in this process.
  CallPlace place = {};
  // Of limits in time that are counted in this process: where.
  CounterCell* cell = nullptr;
  // The store's own, such as where it was taken.
  uint64_t store_mark = 0;

  // What a store says of one whose counter has no room: nothing is taken.
  void Refuse();
};

// What a call takes together: all, or nothing.
struct CounterRequest {
  absl::InlinedVector<CounterTake, 6> takes;
  // What keys were made of. Borrowed until the request is answered.
  const LimitSubject* subject = nullptr;
  int64_t now = 0;  // Nanoseconds of the steady clock.
  // Whoever waits; resumed on its loop by a store that did not answer at once.
  std::coroutine_handle<> waiting;
  // The store's own: whether it has answered.
  bool answered = false;

  // Whether nobody refused. Once answered.
  bool taken() const;
};

class CounterStore {
 public:
  virtual ~CounterStore() = default;

  // Takes all that the request asks for, or nothing, and says of each what
  // became of it; of those that were refused all, so that the longest wait is
  // known. Returns true if that is done; if not, it is done later on this event
  // loop, and `request.waiting` resumed. The request stays until then.
  virtual bool Take(CounterRequest& request) = 0;

  // Makes `take.units` into `units`: what was estimated is known, or has
  // grown. Never waits. REQUIRES: it was taken, and does not count calls.
  virtual void Correct(CounterTake& take, int64_t now, int64_t units) = 0;

  // Returns `take.number` as it is known now; more than when it was taken,
  // where that was before anybody had said what others have taken. Never waits.
  virtual int64_t NumberOf(const CounterTake& take, int64_t now) {
    (void)now;
    return take.number;
  }

  // Ends a call that is counted among those under way. Never waits. REQUIRES:
  // it was taken, and counts calls.
  virtual void Leave(CounterTake& take) = 0;

  // Gives back, for all who share it, what was taken of the rule's limit in
  // time by those subjects of which `forgives` says so, as far as they are
  // known here. What this process has counted by itself is given back already.
  // Returns how many are known. On an event loop; never waits.
  virtual int64_t Forgive(
      const LimitRule& rule, int64_t now,
      absl::FunctionRef<bool(const std::string& subject)> forgives) {
    (void)rule;
    (void)now;
    (void)forgives;
    return 0;
  }

  // The same of one subject, also if it is not known here. False if the rule's
  // counters are not shared, or there is no room to tell of it. On an event
  // loop; never waits.
  virtual bool ForgiveOne(const LimitRule& rule, int64_t now,
                          LimitSubject& subject) {
    (void)rule;
    (void)now;
    (void)subject;
    return false;
  }
};

// Counts in this process.
//
// Thread-safe.
class LocalCounterStore : public CounterStore {
 public:
  // Always done at once.
  bool Take(CounterRequest& request) override;
  void Correct(CounterTake& take, int64_t now, int64_t units) override;
  void Leave(CounterTake& take) override;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_COUNTER_STORE_H_
