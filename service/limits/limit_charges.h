// LimitCharges is what one call has taken of its limits, or one attempt of
// those of its target, from when it is let in until it is over, whichever way.
//
//   LimitCharges charges(stores);
//   charges.Ask(rule, subject, {.input_tokens = estimate});
//   const bool taken = co_await charges.Take(loop.Now());
//   if (!taken) co_return charges.Refusal();
//   ...
//   charges.AddOutput(tokens, now);              // As a stream goes.
//   charges.Settle({.input_tokens = 812, ...}, now);
//
// Takes all or nothing. Tokens of the prompt are taken by estimate, those of
// the answer as they come, and cost when it is known; a limit that has none of
// those left refuses all the same. At the end all is made into what it really
// was: more becomes a debt, less is given back. What is never settled stays as
// it was taken. Calls at once end with this object, or with Leave().
//
// Thread contract: one event loop at a time.

#ifndef SERVICE_LIMITS_LIMIT_CHARGES_H_
#define SERVICE_LIMITS_LIMIT_CHARGES_H_

#include <coroutine>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/limits/counter_store.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"

namespace gateway {

// What a call takes, by estimate or really.
struct LimitAmounts {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cost_usd_nanos = 0;
};

// How full a limit is, for the answer's headers.
struct LimitStatus {
  const LimitRule* rule = nullptr;  // Lives as long as the rules.
  int64_t remaining = 0;            // What may be taken now.
  absl::Duration reset;             // Until all has come back.
};

// The fullest limits of each kind; nothing if there is none.
struct FullestLimits {
  std::optional<LimitStatus> requests;
  std::optional<LimitStatus> tokens;
};

// Where limits are counted, by how they are shared. `shared` may be null: then
// all are counted here.
struct CounterStores {
  LocalCounterStore* local = nullptr;
  CounterStore* shared = nullptr;
};

class LimitCharges {
 public:
  // Output of a stream is charged in steps of so many tokens.
  static constexpr int64_t kOutputStep = 64;

  // Awaits the stores' answers; yields whether all was taken.
  class Taking;

  // What a call is charged: all that it consumes, or, where another's answer is
  // there for it, that it is a call, and nothing else.
  enum class Scope : uint8_t { kAll, kCallOnly };

  // Has taken nothing. Borrows the stores.
  explicit LimitCharges(const CounterStores& stores, Scope scope = Scope::kAll)
      : stores_(stores), scope_(scope) {}
  LimitCharges(const LimitCharges&) = delete;
  LimitCharges& operator=(const LimitCharges&) = delete;
  ~LimitCharges() { Leave(); }

  // Notes that the rule's counter of the subject is to be asked, with an
  // estimate of what the call will take. The rule must outlive this; the
  // subject is borrowed until Take has been awaited.
  void Ask(const LimitRule& rule, LimitSubject& subject,
           const LimitAmounts& estimate);

  bool asks() const { return !local_.takes.empty() || !shared_.takes.empty(); }

  // Takes what was asked for, all or nothing. To be awaited once.
  Taking Take(absl::Duration now);

  // Whether Take would take what was asked for, as far as this process knows:
  // of limits that replicas share, as much as it was told of the others. Takes
  // nothing, and asks nobody; Refusal then tells why not. To be called instead
  // of Take.
  bool WouldTake(absl::Duration now);

  const CounterStores& stores() const { return stores_; }

  // The fault of a call that was, or would be, not let in: RATE_LIMITED, or
  // CONCURRENCY_LIMITED if only calls at once refused; that of the limit with
  // the longest wait, and all that refused as quota violations.
  absl::Status Refusal() const;

  // So many tokens of the answer have come in all, of which some may have been
  // told before. A debt of more than there was is kept.
  void AddOutput(int64_t tokens, absl::Duration now) {
    if (tokens >= output_charged_ + kOutputStep) ChargeOutput(tokens, now);
  }

  // Makes what was taken into what the call really was, once; later ones mean
  // nothing.
  void Settle(const LimitAmounts& real, absl::Duration now);

  // Gives back all that was taken, the request too: nothing was asked for.
  void Withdraw(absl::Duration now);

  // Ends it among calls at once.
  void Leave();

  // The fullest of those that were asked, without those that only observe.
  FullestLimits Fullest() const;
  // The fullest of those among them that count the requests of each peer.
  std::optional<LimitStatus> PeerRequests() const;

 private:
  enum class Outcome : uint8_t { kAsked, kTaken, kRefused, kSettled };

  // Returns true if all stores have answered.
  bool Begin();
  bool Finish();
  void ChargeOutput(int64_t tokens, absl::Duration now);
  // The number of a take of the request, as its store knows it now.
  int64_t NumberOf(const CounterRequest& request,
                   const CounterTake& take) const;
  // Makes what was taken, calls at once aside, into what `units_of` says for
  // each limit.
  template <typename UnitsOf>
  void Correct(absl::Duration now, const UnitsOf& units_of);

  CounterStores stores_;
  Scope scope_;
  CounterRequest local_;
  CounterRequest shared_;
  LimitAmounts estimate_;
  int64_t output_charged_ = 0;
  bool counts_calls_ = false;  // And has not left.
  Outcome outcome_ = Outcome::kAsked;
};

class LimitCharges::Taking {
 public:
  bool await_ready() { return charges_.Begin(); }
  // A store answers on this loop, so not before this has returned.
  void await_suspend(std::coroutine_handle<> waiting) {
    charges_.shared_.waiting = waiting;
  }
  bool await_resume() { return charges_.Finish(); }

 private:
  friend LimitCharges;
  explicit Taking(LimitCharges& charges) : charges_(charges) {}

  LimitCharges& charges_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_CHARGES_H_
