// BudgetSharer has replicas share budgets: it carries what BudgetShare says to
// Redis and back, each `interval`, and at once where a call waits for it.
//
//   BudgetSharer sharer(clock);
//   sharer.Share(table, {.settings = ..., .client = ...});
//   loop.Post([&] { Spawn(sharer.Run(loop)); });
//   ...
//   co_await sharer.AwaitExchange();     // On the loop of a call.
//   co_await sharer.AwaitLaterExchange();
//   ...
//   sharer.Stop(loop);                   // Tells what is untold.
//
// The log has a line when Redis stops to answer, and one when it has answered
// again for kPatience: while it comes and goes that is one outage.
//
// Thread contract: Run on one loop that has a client, once; Stop from another
// thread; those that await on any loop; figures on any thread.

#ifndef SERVICE_BUDGETS_BUDGET_SHARER_H_
#define SERVICE_BUDGETS_BUDGET_SHARER_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/redis/redis_client.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_share.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/redis_budget_functions.h"

namespace gateway {

class BudgetSharer {
 public:
  // So long Redis may take to be there after the start, and must have answered
  // before an outage is said to be over.
  static constexpr absl::Duration kConnects = absl::Seconds(2);
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  // What the configuration in use says.
  struct Settings {
    bool shared = false;
    absl::Duration interval = absl::Milliseconds(100);
    int64_t replicas = 1;
  };

  // What the ledger has said since it was asked last.
  struct LedgerNews {
    // It goes on in another chain, under whose name this process tells from
    // now on.
    struct Move {
      std::string replica;
      BudgetBook left;  // What the chain before has of this process.
    };

    std::vector<Move> moves;
    // What was given back here, since the ledger of another replica says so.
    std::vector<BudgetChange> resets;
  };

  struct Options {
    std::function<Settings()> settings;
    RedisClientOfLoop client;
    std::string prefix = "llmgw:";
    std::string replica;  // As in BudgetShare.
    bool adopts = true;
    // May be empty.
    std::function<LedgerNews()> ledger_news;
    // Has the ledger say what was given back here, since an operator has reset
    // it at another replica. May be empty.
    std::function<void(std::vector<BudgetChange> changes)> keep_resets;
  };

  struct Figures {
    int64_t exchanges = 0;
    int64_t failures = 0;
    int64_t waits = 0;     // Calls that waited for an exchange.
    int64_t unplaced = 0;  // What there was no place for.
    int64_t replicas = 0;  // That have told something lately, with this one.
    bool away = false;
    absl::Duration age;  // Since the last answer; of none since the start.
  };

  // Borrows `clock`.
  explicit BudgetSharer(Clock& clock);
  BudgetSharer(const BudgetSharer&) = delete;
  BudgetSharer& operator=(const BudgetSharer&) = delete;

  // What Run is to share. Borrows `table`. Once, before Run.
  void Share(BudgetTable& table, Options options);
  Task<void> Run(EventLoop& loop);
  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // On the loop.
  void StopOnLoop();

  // Returns when an exchange that began afterwards has ended, whether or not
  // Redis has answered; at once while it does not, and once Run has ended. On
  // the loop of a call, which lives until then.
  Task<void> AwaitExchange();
  // The same of one that begins an interval later, when all others that have
  // news have told them.
  Task<void> AwaitLaterExchange();

  Figures figures() const;

 private:
  struct Waiting {
    EventLoop* loop = nullptr;
    std::coroutine_handle<> handle;
    absl::Duration since;  // It waits for an exchange that begins then.
  };
  class Awaiter;

  // Tells all that is untold, and reads what is new.
  Task<void> ExchangeAll(EventLoop& loop);
  Task<absl::Status> Exchange(EventLoop& loop);
  void TakeLedgerNews();
  Task<void> Await(absl::Duration delay);
  // Until the interval is over or a call waits.
  Task<void> Rest(EventLoop& loop, absl::Duration interval);
  // False if there is nobody to wake it.
  bool Add(const Waiting& waiting) LOCKS_EXCLUDED(mu_);
  // Those who wait for an exchange that begins now.
  std::vector<Waiting> TakeWaiting(absl::Duration now) LOCKS_EXCLUDED(mu_);
  static void Resume(const std::vector<Waiting>& waiting);
  void SayAnswered(absl::Duration now);
  void SayLost(absl::Duration now, const absl::Status& why);

  Clock& clock_;
  BudgetTable* table_ = nullptr;
  Options options_;
  std::optional<RedisBudgetExchange> exchange_;
  Latch ended_;

  std::atomic<int64_t> exchanges_ = 0;
  std::atomic<int64_t> failures_ = 0;
  std::atomic<int64_t> waits_ = 0;
  std::atomic<int64_t> unplaced_ = 0;
  std::atomic<int64_t> replicas_ = 0;
  std::atomic<bool> away_ = false;
  std::atomic<int64_t> interval_ns_ = 0;
  std::atomic<int64_t> answered_ns_;

  Mutex mu_;
  std::vector<Waiting> waiting_ GUARDED_BY(mu_);
  EventLoop* runs_on_ GUARDED_BY(mu_) = nullptr;

  // Of Run's loop.
  std::optional<BudgetShare> share_;
  WakeUp woken_;
  bool stops_ = false;
  absl::Duration begun_;
  bool was_up_ = false;
  // What the log says.
  std::optional<absl::Duration> said_away_;
  absl::Duration answers_since_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SHARER_H_
