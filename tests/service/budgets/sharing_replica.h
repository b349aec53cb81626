// SharingReplica is a process that shares budgets by a BudgetRedisModel, step
// by step as a test has it, and has a ledger; SharingLedger is where replicas
// have theirs so that all can read them.
//
//   SharingReplica one(redis, "r0", kSharedHour, 2);
//   EXPECT_TRUE(one.Spend(700));
//   one.Exchange();
//
// Thread-compatible.

#ifndef TESTS_SERVICE_BUDGETS_SHARING_REPLICA_H_
#define TESTS_SERVICE_BUDGETS_SHARING_REPLICA_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service/budgets/budget_book.h"
#include "service/budgets/budget_share.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/budget_redis_model.h"

namespace gateway {

inline constexpr char kSharedHour[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 period: PERIOD_HOUR })";

// The chains that all replicas can read, by the names of those whose they are.
struct SharingLedger {
  struct Chain {
    BudgetBook book;
    bool is_held = false;
    bool is_closed = false;
    int64_t left_open = 0;  // Tokens of calls that a killed one had.
  };

  // Whoever is gone had begun calls: another one charges them.
  void CloseAll() {
    for (auto& [name, chain] : chains) {
      if (chain.is_held || chain.is_closed) continue;
      chain.is_closed = true;
      chain.book.Apply({.scope = scope,
                        .start = now - now % 3600,
                        .time = now,
                        .amounts = {.input_tokens = chain.left_open}});
      chain.left_open = 0;
    }
  }
  int64_t Spent() const {
    int64_t sum = 0;
    for (const auto& [name, chain] : chains) {
      chain.book.ForEach([&](const BudgetScope&, const BudgetAccount& account) {
        sum += account.spend.sum().total_tokens();
      });
    }
    return sum;
  }

  std::map<std::string, Chain> chains;
  BudgetScope scope = {.budget = "b", .window = "hour"};
  int64_t now = kNoon;
};

// One process, with a ledger.
class SharingReplica {
 public:
  SharingReplica(BudgetRedisModel& redis, std::string name, std::string budgets,
                 int64_t replicas = 1)
      : redis_(redis),
        name_(std::move(name)),
        text_(std::move(budgets)),
        replicas_(replicas) {
    Start();
  }

  // The process ends at once, and another begins with its ledger.
  void Kill() {
    if (message_.has_value()) late_.push_back(*std::move(message_));
    Start();
  }

  // The process ends at once, or in order, and its chain is in the common
  // ledger; the next process goes on with that one, or begins it.
  void MoveTo(SharingLedger& all, const std::string& name, bool in_order) {
    SharingLedger::Chain& before = all.chains[name_];
    before = {.book = ledger_, .is_closed = in_order};
    for (const Open& open : open_) before.left_open += open.tokens;
    if (in_order) {
      while (open_.size() > 0) Cancel(0);
      before.left_open = 0;
      Exchange();
    }
    name_ = name;
    SharingLedger::Chain& chain = all.chains[name];
    chain.is_held = true;
    chain.is_closed = false;
    ledger_ = chain.book;
    adopts_ = false;
    Start();
    Follow(all);
  }
  // Reads the chains that nobody has.
  void Follow(const SharingLedger& all) {
    std::vector<BudgetChange> resets;
    for (const auto& [name, chain] : all.chains) {
      if (chain.is_held) continue;
      budgets_->table.LearnRecorded(name, chain.book, chain.is_closed, now(),
                                    &resets);
    }
    for (const BudgetChange& change : resets) ledger_.Apply(change);
  }
  // It lives, and has to go on in another chain, for `pending` tokens of what
  // it has spent, too.
  void LoseChain(SharingLedger& all, const std::string& name, int64_t pending) {
    BudgetBook left = ledger_;
    const BudgetChange not_there = {.scope = ScopeOf(),
                                    .start = all.now - all.now % 3600,
                                    .time = all.now,
                                    .amounts = {.input_tokens = -pending}};
    left.Apply(not_there);
    all.chains[name_] = {.book = left};
    name_ = name;
    SharingLedger::Chain& chain = all.chains[name];
    chain.is_held = true;
    ledger_ = chain.book;
    ledger_.Apply({.scope = not_there.scope,
                   .start = not_there.start,
                   .time = not_there.time,
                   .amounts = {.input_tokens = pending}});
    share_->GoOnAs(name, left, now());
  }
  const std::string& name() const { return name_; }

  // An exchange, step by step.
  bool is_asking() const { return message_.has_value() || reply_.has_value(); }
  void Send() { message_ = share_->Begin(now()); }
  void Deliver() {
    reply_ = redis_.Exchange(name_, *std::exchange(message_, std::nullopt));
  }
  void Hear() {
    std::vector<BudgetChange> resets;
    share_->End(*std::exchange(reply_, std::nullopt), now(), &resets);
    for (const BudgetChange& change : resets) ledger_.Apply(change);
  }
  // No answer comes; what was sent may come later.
  void Lose(bool comes_later) {
    if (message_.has_value() && comes_later) late_.push_back(*message_);
    message_.reset();
    reply_.reset();
    share_->Lose();
  }
  void DeliverLate() {
    if (late_.empty()) return;
    redis_.Exchange(name_, late_.front());
    late_.pop_front();
  }
  // Whatever is under way, and all that is due.
  void Exchange() {
    if (message_.has_value()) Deliver();
    if (reply_.has_value()) Hear();
    do {
      Send();
      Deliver();
      Hear();
    } while (share_->has_more());
  }

  // Whether a call is let in, which asks if need be.
  bool Begin(int64_t tokens, bool asks = true) {
    auto call = std::make_unique<TestCall>(*budgets_, TestCall::Subject());
    bool taken = call->Reserve({.input_tokens = tokens});
    if (!taken && asks && call->charges.NeedsToAsk()) {
      ++asked_;
      Exchange();
      taken = call->charges.Reserve(At(now()));
    }
    if (taken) open_.push_back({std::move(call), tokens});
    return taken;
  }
  void End(size_t index, int64_t tokens) {
    Open& open = open_[index % open_.size()];
    const BudgetDebit debit =
        open.call->Settle({.input_tokens = std::min(tokens, open.tokens)});
    for (const BudgetChange& change : debit.changes) {
      ledger_.Apply(change);
      charged_[change.start] += change.amounts.total_tokens();
    }
    open_.erase(open_.begin() + static_cast<ptrdiff_t>(index % open_.size()));
  }
  void Cancel(size_t index) {
    open_.erase(open_.begin() + static_cast<ptrdiff_t>(index % open_.size()));
  }
  bool Spend(int64_t tokens) {
    if (!Begin(tokens)) return false;
    End(open_.size() - 1, tokens);
    return true;
  }
  size_t open() const { return open_.size(); }
  // What it has charged to each window, by its start.
  const std::map<int64_t, int64_t>& charged() const { return charged_; }

  // What it has really spent and reserved.
  int64_t Taken() {
    int64_t sum = 0;
    ledger_.ForEach([&](const BudgetScope&, const BudgetAccount& account) {
      BudgetSpend spend = account.spend;
      spend.ForgetBefore(account.window, now());
      sum += spend.sum().total_tokens();
    });
    for (const Open& open : open_) sum += open.tokens;
    return sum;
  }

  BudgetStanding Standing() {
    const auto found = budgets_->table.Find(ScopeOf(), now());
    return found.has_value() ? *found : BudgetStanding();
  }
  BudgetScope ScopeOf() const {
    return {.budget = "b",
            .window = budgets_->rules.rules()[0]->window().name()};
  }
  void Reset() {
    for (const BudgetChange& change :
         BudgetTable::ChangesToReset(Standing(), now())) {
      budgets_->table.Apply(change);
      ledger_.Apply(change);
    }
  }
  void Allocate(int64_t limit, int64_t version) {
    const BudgetChange change = {
        .scope = ScopeOf(),
        .time = now(),
        .allocation = BudgetAllocation{.limit = limit, .version = version}};
    budgets_->table.Apply(change);
    ledger_.Apply(change);
  }
  void ForgetLedger() { ledger_ = {}; }
  const BudgetBook& ledger() const { return ledger_; }

  void PassTo(int64_t now) { now_ = budgets_->now = now; }
  int64_t now() const { return now_; }
  int asked() const { return asked_; }
  BudgetShare& share() { return *share_; }

 private:
  struct Open {
    std::unique_ptr<TestCall> call;
    int64_t tokens = 0;
  };

  void Start() {
    open_.clear();
    message_.reset();
    reply_.reset();
    share_.reset();
    budgets_ = std::make_unique<TestBudgets>(text_);
    budgets_->now = now_;
    budgets_->table.SetShared(true);
    budgets_->table.Load(ledger_);
    share_ = std::make_unique<BudgetShare>(
        budgets_->table,
        BudgetShare::Options{
            .replica = name_, .replicas = replicas_, .adopts = adopts_});
  }

  BudgetRedisModel& redis_;
  std::string name_;
  const std::string text_;
  const int64_t replicas_;
  bool adopts_ = true;
  int64_t now_ = kNoon;
  BudgetBook ledger_;
  std::unique_ptr<TestBudgets> budgets_;
  std::unique_ptr<BudgetShare> share_;
  std::vector<Open> open_;
  std::map<int64_t, int64_t> charged_;
  std::optional<BudgetMessage> message_;
  std::optional<BudgetReply> reply_;
  std::deque<BudgetMessage> late_;
  int asked_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_BUDGETS_SHARING_REPLICA_H_
