// LeaseKeeper keeps the leases of a process (service/limits/lease_table.h) in
// step with the Redis where replicas count: it tells what was taken, asks for
// more before it is used up, gives back what is not used, and repeats how many
// calls are under way. Nobody waits for it; what it could not tell becomes part
// of what this process counts by its share, and is told later.
//
//   LeaseKeeper keeper({.redis = {.replica = id}}, client_of_loop);
//   keeper.Use(rule, key, subject, now, [](Lease& lease) { ... });
//
// Thread-safe; Run once, on one loop.

#ifndef SERVICE_LIMITS_LEASE_KEEPER_H_
#define SERVICE_LIMITS_LEASE_KEEPER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "service/limits/counter_key.h"
#include "service/limits/gcra.h"
#include "service/limits/lease_table.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"
#include "service/limits/redis_limit_calls.h"
#include "service/limits/sharing_state.h"

namespace gateway {

class LeaseKeeper {
 public:
  // How often it looks for what is to be told, given back and repeated.
  static constexpr absl::Duration kInterval = absl::Seconds(1);
  // What nobody has asked for so long is given back, and forgotten.
  static constexpr absl::Duration kIdle = absl::Seconds(2);
  static constexpr absl::Duration kForgotten = absl::Minutes(10);
  // After so long Redis is asked again at the latest: somebody may have given
  // something back.
  static constexpr absl::Duration kAskAgain = absl::Seconds(1);
  // What is used in so long is leased at a time.
  static constexpr absl::Duration kPartTime = absl::Milliseconds(200);
  // How long giving back at the end may take.
  static constexpr absl::Duration kEndTimeout = absl::Seconds(1);
  // Of a process's share of the burst so much is leased at most: a tenth.
  static constexpr int64_t kPartsOfShare = 10;

  struct Options {
    RedisLimitCalls::Options redis;
    // How many processes share the limits. At least 1.
    int replicas = 1;
    // So many subjects of all limits are known at a time.
    size_t leases = kSubjectsMax;
  };
  LeaseKeeper(const Options& options, RedisClientOfLoop client);

  // Whether there is a Redis at all.
  bool has_redis() const { return client_ != nullptr; }
  // The client of this loop, if its Redis answers.
  RedisClient* Reachable() const;
  int64_t replicas() const { return replicas_.load(std::memory_order_relaxed); }
  void SetReplicas(int replicas) {
    replicas_.store(replicas, std::memory_order_relaxed);
  }
  // Whether nothing of the rule's limit is leased in advance.
  static bool IsExact(const LimitRule& rule) {
    return rule.sharing() == llmgateway::config::v1::RateLimit::SHARING_EXACT;
  }
  // The most that is leased of a limit at a time, in units or calls.
  int64_t PartMax(const Gcra& gcra) const;

  const RedisLimitCalls& redis() const { return redis_; }
  // What Redis has answered, at a steady time; on a loop. Where it may have
  // lost what it knew, it is told.
  void SetShared(absl::Duration now);
  // The client of this loop is not up.
  void SetUnreachable(absl::Duration now);
  SharingState& state() { return state_; }
  const SharingState& state() const { return state_; }
  int64_t NextSequence() { return 1 + sequence_.fetch_add(1); }

  // Calls `use` with the lease of the rule's key, a new one if need be, and
  // then has Redis told of it, if that is due. False if there is no place for
  // one.
  bool Use(const LimitRule& rule, const CounterKey& key,
           const LimitSubject& subject, int64_t now,
           absl::FunctionRef<void(Lease&)> use);
  // The same if there is one already; false if not.
  bool Find(const CounterKey& key, int64_t now,
            absl::FunctionRef<void(Lease&)> use);

  // Notes what Redis has told of the lease: how far its TAT lies ahead.
  static void SetTat(const CounterKey& key, Lease& lease, int64_t now,
                     int64_t ahead);
  // Notes that it has refused so many units for so long.
  static void SetRefused(Lease& lease, int64_t now, int64_t units,
                         int64_t wait);
  // The TAT with what Redis does not know yet, and without what is leased.
  static int64_t TatOf(const Lease& lease, int64_t now);
  // How far ahead of now Redis is known to have the TAT.
  static int64_t KnownAhead(const Lease& lease, int64_t now);

  // Give back what was taken, as CounterStore says: Redis is told soon.
  int64_t Forgive(const LimitRule& rule, int64_t now,
                  absl::FunctionRef<bool(const std::string& subject)> forgives);
  bool ForgiveOne(const LimitRule& rule, int64_t now, LimitSubject& subject);

  // Keeps leases in step until Stop, and then gives back what is leased.
  // REQUIRES: `loop` has a client.
  Task<void> Run(EventLoop& loop);
  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // On the loop.
  void StopOnLoop();
  // What Run does each time.
  void Sweep(int64_t now);
  // What Run does at the end: gives back what is leased and not used, and tells
  // what else is untold, so that the other replicas need not wait until it
  // comes back by time. Nothing is leased any more. On Run's loop.
  Task<void> GiveBackAll(EventLoop& loop);

 private:
  // What is told of a lease in one message.
  struct Message {
    RedisLeaseAsk ask;
    std::vector<int64_t> sizes;  // Of the parts, in units.
    int64_t debt = 0;            // Units.
    bool away = false;
    bool forgiven = false;
  };

  Lease NewLease(const LimitRule& rule, const LimitSubject& subject,
                 int64_t now) const;
  bool IsDue(const Lease& lease, const CounterKey& key, int64_t now) const;
  bool UnitsAreDue(const Lease& lease, int64_t now) const;
  bool CallsAreDue(const Lease& lease, const CounterKey& key,
                   int64_t now) const;
  // How many places Redis is to count for the process: those of its calls,
  // those that are about to ask included, and some in advance.
  int64_t ClaimOf(const Lease& lease, const CounterKey& key, int64_t now) const;
  // How many of those are in advance, at most.
  int64_t ClaimAhead(const Lease& lease, int64_t now) const;
  bool ends() const { return ends_.load(); }

  // Has Redis told of all that is due, or of as much as goes at once. Those
  // that `keep` says false of are forgotten.
  void TellDue(RedisClient& client, int64_t now,
               absl::FunctionRef<bool(Lease&)> keep);
  // Begins to say what is due of the lease, until nothing is.
  void StartTelling(const CounterKey& key, RedisClient& client);
  Task<void> Tell(CounterKey key, RedisClient& client);
  Task<absl::Status> TellUnits(CounterKey key, RedisClient& client);
  Task<absl::Status> TellCalls(CounterKey key, RedisClient& client);
  Message BeginMessage(const CounterKey& key, Lease& lease, int64_t now) const;
  void AddParts(Lease& lease, int64_t now, Message* message) const;
  void EndMessage(const CounterKey& key, const Message& message,
                  const absl::StatusOr<RedisLeased>& leased, int64_t now,
                  Lease& lease) const;

  const RedisClientOfLoop client_;
  const RedisLimitCalls redis_;
  std::atomic<int64_t> replicas_;
  std::atomic<int64_t> sequence_ = 0;
  LeaseTable leases_;
  SharingState state_;
  Latch ended_;

  // Whether all is being given back, and how many leases are being told.
  std::atomic<bool> ends_ = false;
  std::atomic<int64_t> tellings_ = 0;
  EventLoop* run_on_ = nullptr;  // Set before `ends_`.

  // Of Run's loop.
  CancelSignal stop_;
  WakeUp all_told_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LEASE_KEEPER_H_
