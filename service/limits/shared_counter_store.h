// SharedCounterStore counts limits that several replicas of the gateway share,
// in a Redis that all of them ask.
//
//   SharedCounterStore store({.redis = {.replica = id}, .replicas = 3},
//                            [] { return ClientOfThisLoop(); });
//   ... CounterStores{.local = &local, .shared = &store} ...
//   loop.Post([&] { Spawn(store.Run(loop)); });
//
// Limits with `sharing: exact` are asked of Redis by each call, all of a call
// in one round trip. Of those with `sharing: leased` the process leases parts
// in advance, beside the calls: then no call waits. A part is what was used in
// the last 200 ms, at most a tenth of the process's share of the burst, and one
// unit at least; so all replicas together let at most as many parts in beyond a
// limit as there are replicas. A call waits for Redis where the lease is used
// up, or has too little for it. What is leased and not used for two seconds is
// given back.
//
// Calls at once are what each replica says that it has under way, by messages
// that are repeated: those of a replica that has gone count no more after
// kSharedCallsKept. With `leased` a replica has places in advance.
//
// While Redis does not answer, each process counts by itself, for its share:
// the limit divided by `replicas`, going on from what was last known of all; of
// calls at once those under way count against it, and where they are more no
// other begins. No process goes beyond its share of those until the others have
// had the time to tell what they have (SharingState::IsSettled).
//
// When Redis answers again it is told what was taken meanwhile; a counter that
// it has lost begins from what is known here. So neither brings a burst.
// Without any Redis a process has its share only.
//
// Thread-safe as CounterStore is; Run as it says.

#ifndef SERVICE_LIMITS_SHARED_COUNTER_STORE_H_
#define SERVICE_LIMITS_SHARED_COUNTER_STORE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "service/limits/counter_store.h"
#include "service/limits/lease_keeper.h"
#include "service/limits/redis_limit_calls.h"

namespace gateway {

class SharedCounterStore : public CounterStore {
 public:
  using Options = LeaseKeeper::Options;

  // An empty `client` stands for no Redis at all.
  SharedCounterStore(const Options& options, RedisClientOfLoop client)
      : keeper_(options, std::move(client)) {}

  bool Take(CounterRequest& request) override;
  void Correct(CounterTake& take, int64_t now, int64_t units) override;
  int64_t NumberOf(const CounterTake& take, int64_t now) override;
  void Leave(CounterTake& take) override;
  int64_t Forgive(
      const LimitRule& rule, int64_t now,
      absl::FunctionRef<bool(const std::string& subject)> forgives) override {
    return keeper_.Forgive(rule, now, forgives);
  }
  bool ForgiveOne(const LimitRule& rule, int64_t now,
                  LimitSubject& subject) override {
    return keeper_.ForgiveOne(rule, now, subject);
  }

  // Leases, and whether they are shared now.
  LeaseKeeper& keeper() { return keeper_; }
  const LeaseKeeper& keeper() const { return keeper_; }

 private:
  // What one limit of a call comes to without asking Redis.
  enum class Way : uint8_t { kDecided, kAsk, kShare };

  void TakeOne(CounterTake& take, const CounterRequest& request,
               RedisClient* client);
  void TakeUnits(CounterTake& take, const CounterRequest& request,
                 RedisClient* client);
  Way TakeLeased(Lease& lease, CounterTake& take,
                 const CounterRequest& request) const;
  void TakeCall(CounterTake& take, const CounterRequest& request,
                RedisClient* client);
  // By this process's share.
  void TakeShare(CounterTake& take, const CounterRequest& request);
  void TakeCallShare(CounterTake& take);
  int64_t CallShareOf(const LimitRule& rule) const;
  // Says what is known of one that is not asked, since another has refused.
  static void Probe(CounterTake& take);

  Task<void> Ask(CounterRequest& request, RedisClient& client);
  RedisTake AskOf(CounterTake& take, const CounterRequest& request);
  // Takes in what Redis has answered for one.
  void Learn(const RedisTaken& taken, const RedisTake& ask, CounterTake& take,
             const CounterRequest& request);
  void LearnCalls(const RedisTaken& taken, const RedisTake& ask,
                  CounterTake& take);
  // Gives back what was taken for a call that is refused.
  void GiveBack(CounterRequest& request);

  LeaseKeeper keeper_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_SHARED_COUNTER_STORE_H_
