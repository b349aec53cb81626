// KeyClaims has a call with an idempotency key run once among all replicas of
// the gateway, by a Redis that they share. In each of them an IdempotencyTable
// (idempotency_table.h) has what runs there.
//
//   KeyClaims claims({.prefix = "llmgw:"}, [] { return ClientOfThisLoop(); });
//   loop.Post([&] { Spawn(claims.Run(loop)); });
//   ...
//   absl::StatusOr<KeyClaims::Found> found =
//       co_await claims.Claim(ask, cancel);
//   if (found.ok() && found->claim) {
//     ... the call is made ...
//     found->claim->End({.answer = answer});   // or a status: it broke
//     found->claim->Release();                 // or: nothing was done
//   }
//
// A claim lasts kClaim and is renewed until Redis knows of its call's end,
// beside it. The claim of a process that has died passes, and its call then
// counts as broken: it may have been billed, so that nobody makes it again. But
// not before who asks for it has found Redis there for kClaim since it was
// renewed last: one that passed while Redis was away has that time to be
// renewed, and who asks waits meanwhile, as for one that runs. Should the
// process be there nevertheless, as one that was only held up, it takes its
// claim up again, and its end counts.
//
// The ends of calls are told to Redis beside them, too: again and again while
// Redis is away, for up to kTellPatience, and when the process ends for as long
// as Stop says; at once when Redis is back. Of more than kEndBytesMax that wait
// for it answers are left out. An end that is here still is told from here,
// where Redis says that it is of the call that has the key.
//
// An answer of more than kRedisSmallBytesMax goes by RedisClient::bulk(),
// beside claims and renewals: its end is told there, and whoever comes with its
// key is told by his claim that there is one, and fetches it there. What was
// fetched is kept here for kFetchedTtl, so that who asks for it again and
// again, once Redis has said that it still is the end, moves no bytes.
//
// What Redis loses, at its own end or a failover, is forgotten, but for what
// runs, whose claims are made again at once when Redis is back. Until this
// replica is connected again, another may have claimed the key: whose call then
// ends without it has lost its end.
//
// Thread-safe, as long as each loop has a client of its own; Run once, on one
// loop.

#ifndef SERVICE_CACHE_KEY_CLAIMS_H_
#define SERVICE_CACHE_KEY_CLAIMS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_reply.h"
#include "service/cache/request_key.h"
#include "service/cache/response_cache.h"
#include "service/cache/shared_answer.h"
#include "service/store/store_watch.h"

namespace gateway {

class KeyClaims {
 public:
  // How long a claim lasts, and how often it is renewed.
  static constexpr absl::Duration kClaim = absl::Seconds(10);
  static constexpr absl::Duration kRenewInterval = absl::Seconds(3);
  // How long an end is told that Redis does not take, and at what intervals.
  static constexpr absl::Duration kTellPatience = absl::Minutes(10);
  // At the end of the process, unless it has more time.
  static constexpr absl::Duration kStopPatience = absl::Seconds(2);
  static constexpr absl::Duration kTellFirst = absl::Milliseconds(100);
  static constexpr absl::Duration kTellLongest = absl::Seconds(2);
  // How soon it is seen, while there are claims, that Redis is back.
  static constexpr absl::Duration kLookInterval = absl::Milliseconds(20);
  // The largest answer that is kept, for the reasons of RedisAnswers, and what
  // all take that are not told yet.
  static constexpr size_t kAnswerBytesMax = 1024 * 1024;
  // What is told at once.
  static constexpr size_t kTellBytesMax = 4 * 1024 * 1024;
  static constexpr size_t kTellMax = 512;
  static constexpr size_t kEndBytesMax = 32 * 1024 * 1024;
  // Of one caller's, so that there is room for another's.
  static constexpr size_t kEndBytesOfOneMax = kEndBytesMax / 4;
  // How long an answer waits for that room, and how often it looks.
  static constexpr absl::Duration kRoomPatience = absl::Seconds(5);
  static constexpr absl::Duration kRoomLook = absl::Milliseconds(20);
  // What was fetched is kept for so long, and so much of it.
  static constexpr absl::Duration kFetchedTtl = absl::Seconds(30);
  static constexpr size_t kFetchedBytesMax = 16 * 1024 * 1024;
  static constexpr size_t kFetchedMax = 1024;
  // Beside so many, claims of which nobody has heard are not released: they
  // pass.
  static constexpr size_t kHeldMax = 100'000;

  struct Options {
    // What the names of its keys begin with; without braces.
    std::string prefix = "llmgw:";
    absl::Duration claim = kClaim;
    absl::Duration renew_interval = kRenewInterval;
  };

  // What is asked for.
  struct Ask {
    std::string_view caller;
    std::string_view key;
    // The key of the request's body.
    RequestKey fingerprint;
    std::string_view request_id;
    // How long its end is kept.
    absl::Duration ttl;
    // A larger answer is not.
    size_t answer_bytes_max = kAnswerBytesMax;
  };

  class Claimed;
  struct Found;

  // Since the start, but for those marked.
  struct Stats {
    size_t held = 0;     // Claims whose calls run, now.
    size_t untold = 0;   // Ends that Redis does not have yet, now.
    size_t waiting = 0;  // Calls that wait for another replica's, now.
    uint64_t replayed = 0;
    uint64_t broken = 0;  // Who was told that its call has broken.
    uint64_t waited = 0;
    uint64_t mismatches = 0;
    uint64_t refused = 0;       // Redis was away, or had no room.
    uint64_t lost = 0;  // Ends that Redis does not have, and never will.
    uint64_t answers_left = 0;  // Answers that were left out, for want of room.
    // Large answers that came from Redis, and that were here still.
    uint64_t fetched = 0;
    uint64_t found_here = 0;
  };

  // A call that waits for another replica's, for as long as this lives.
  class Waiting {
   public:
    explicit Waiting(KeyClaims& claims) : claims_(claims) {
      ++claims_.counts_.waiting;
      ++claims_.counts_.waited;
    }
    ~Waiting() { --claims_.counts_.waiting; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    KeyClaims& claims_;
  };

  // Borrows `clock` and `random`.
  KeyClaims(Options options, RedisClientOfLoop client,
            Clock& clock = SystemClock(), Random& random = SecureRandom());
  // REQUIRES: no Claimed is left, and Run has returned.
  ~KeyClaims() = default;

  KeyClaims(const KeyClaims&) = delete;
  KeyClaims& operator=(const KeyClaims&) = delete;

  // Claims the key, unless it is known. On a loop. Faults: IDEMPOTENCY_MISMATCH
  // if it was used with another request; STORE_UNAVAILABLE if Redis does not
  // answer; what `cancel` fired with. `ask` stays until it has ended.
  Task<absl::StatusOr<Found>> Claim(const Ask& ask, CancelSignal& cancel);

  // Renews claims and tells ends until Stop. REQUIRES: `loop` has a client.
  Task<void> Run(EventLoop& loop);
  // Returns once Run has, which tells the rest first, for up to `patience`.
  // REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop, absl::Duration patience = kStopPatience);
  // On the loop.
  void StopOnLoop(absl::Duration patience = kStopPatience);

  Stats stats() const LOCKS_EXCLUDED(mu_);

 private:
  struct Counts {
    std::atomic<size_t> waiting = 0;
    std::atomic<uint64_t> replayed = 0;
    std::atomic<uint64_t> broken = 0;
    std::atomic<uint64_t> waited = 0;
    std::atomic<uint64_t> mismatches = 0;
    std::atomic<uint64_t> refused = 0;
    std::atomic<uint64_t> lost = 0;
    std::atomic<uint64_t> answers_left = 0;
    std::atomic<uint64_t> fetched = 0;
    std::atomic<uint64_t> found_here = 0;
  };

  // A claim, from being made until Redis knows of its end.
  struct Held {
    enum class State { kRunning, kEnded, kReleased };

    std::string caller;
    std::string name;
    std::string token;
    std::string fingerprint;
    std::string request_id;
    absl::Duration ttl;
    size_t answer_bytes_max = 0;
    State state = State::kRunning;
    SharedOutcome end;  // If it has ended.
    size_t end_bytes = 0;  // What room is taken for it, before it is there.
    // When something is to be told next; of an end, how long it was waited
    // last, and when that is given up.
    absl::Duration due;
    absl::Duration interval;
    absl::Duration give_up;
    absl::Duration renewed;  // When its claim was last, or made.
    bool telling = false;    // Of a large end: what becomes of it is awaited.
  };
  // By token.
  using Holding = std::map<std::string, Held>;
  // An end that a claim was told of, to be fetched.
  struct LargeEnd {
    std::string token;  // Of the call that has ended.
    size_t bytes = 0;
  };

  // Sets the end of the call of that token, if it is here and has one. Returns
  // whether it is here.
  bool FindHere(const std::string& token, Found* found) LOCKS_EXCLUDED(mu_);
  // Starts to tell. Once for each.
  void End(const std::string& token, std::optional<SharedOutcome> end)
      LOCKS_EXCLUDED(mu_);
  Task<void> AwaitRoom(const std::string& token, size_t bytes, EventLoop& loop,
                       CancelSignal& cancel);
  // Takes the room for an answer before its call's end, unless there is none.
  bool TakeRoom(const std::string& token, size_t bytes) LOCKS_EXCLUDED(mu_);
  bool HasRoom(const Held& held, size_t bytes) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetRoom(size_t bytes, Held* held) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  RedisCommand Begin(size_t function, const Held& held) const;
  RedisCommand Tell(const Held& held) const;
  // What has the claim of what has ended renewed.
  static Held RenewalOf(const Held& held);
  // Sets `large` where the end is yet to be fetched.
  absl::StatusOr<Found> Read(const RedisReply& reply, Held held,
                             std::optional<LargeEnd>* large)
      LOCKS_EXCLUDED(mu_);
  Task<absl::StatusOr<SharedOutcome>> Fetch(RedisClient& client,
                                            std::string_view caller,
                                            std::string name, LargeEnd large,
                                            const std::string& request_id,
                                            CancelSignal& cancel);
  absl::StatusOr<Found> Refuse();
  void Hold(Held held) LOCKS_EXCLUDED(mu_);
  void Add(Held held) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetDue(absl::Duration due, Held* held) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Releases what may have been claimed.
  void GiveBack(Held held) LOCKS_EXCLUDED(mu_);
  void Poke() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What is to be told now, and when the next is.
  std::vector<Held> TakeDue(absl::Duration* next) LOCKS_EXCLUDED(mu_);
  Task<void> TellDue(std::vector<Held> due);
  // Has claims be renewed and ends be told now that Redis is there again, since
  // it may have lost them.
  void LookForRedis() LOCKS_EXCLUDED(mu_);
  // Of an end that goes by the client's bulk().
  static bool IsLarge(const Held& held);
  Task<void> TellLarge(RedisClient& client, Held held);
  void OnTold(const Held& told, const absl::StatusOr<RedisReply>& reply)
      LOCKS_EXCLUDED(mu_);
  bool HasUntold() const LOCKS_EXCLUDED(mu_);
  bool HasHeld() const LOCKS_EXCLUDED(mu_);

  // Constant after construction.
  const Options options_;
  const RedisClientOfLoop client_;
  Clock& clock_;
  Random& random_;

  StoreWatch watch_;
  Counts counts_;

  // On the loop of Run only.
  WakeUp wake_;
  std::optional<absl::Duration> stop_by_;  // Once it is to end.
  bool was_up_ = false;
  size_t telling_large_ = 0;
  CancelSignal stop_telling_;
  Latch ended_;

  mutable Mutex mu_;
  EventLoop* loop_ GUARDED_BY(mu_) = nullptr;  // While Run runs.
  Holding held_ GUARDED_BY(mu_);
  // When each of them is due, and its token: whoever ends a call looks for it
  // among all that run.
  std::set<std::pair<absl::Duration, std::string>> by_due_ GUARDED_BY(mu_);
  size_t end_bytes_ GUARDED_BY(mu_) = 0;
  // By caller.
  std::map<std::string, size_t> end_bytes_of_ GUARDED_BY(mu_);

  ResponseCache fetched_;  // By what FetchedKey makes of a token.
};

// The claim of a call that is to be made. One that is destroyed before its end
// has broken, as a mistake of the gateway. Must not outlive the KeyClaims. Any
// thread, one at a time.
class KeyClaims::Claimed {
 public:
  Claimed(Claimed&& other) noexcept
      : claims_(std::exchange(other.claims_, nullptr)),
        token_(std::move(other.token_)) {}
  Claimed& operator=(Claimed&&) = delete;
  ~Claimed();

  // Waits until there is room for an answer of so many bytes, which End then
  // has, for up to kRoomPatience; not while Redis is known to be away, nor once
  // `cancel` has fired. On `loop`.
  Task<void> AwaitRoom(size_t bytes, EventLoop& loop, CancelSignal& cancel) {
    return claims_->AwaitRoom(token_, bytes, loop, cancel);
  }

  // Keeps how the call ended, good or bad. A good end without an answer, which
  // was too large, is kept as one whose answer is not; one by CANCELLED, which
  // only the end of the process brings about, as a call that was cut off by
  // that. Once, as Release.
  void End(SharedOutcome outcome);

  // Forgets the call, which has done nothing.
  void Release();

 private:
  friend class KeyClaims;
  Claimed(KeyClaims& claims, std::string token)
      : claims_(&claims), token_(std::move(token)) {}

  KeyClaims* claims_;  // Null once it has ended, or was moved from.
  std::string token_;
};

// What there is of a key: a claim, or an end, or neither while another runs it.
struct KeyClaims::Found {
  std::optional<Claimed> claim;
  std::optional<SharedOutcome> end;
  // Of the call that runs it, or has.
  std::string request_id;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_KEY_CLAIMS_H_
