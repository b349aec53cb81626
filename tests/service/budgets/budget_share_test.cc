#include "service/budgets/budget_share.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_book.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/budget_redis_model.h"

namespace gateway {
namespace {

constexpr int64_t kSharedLimit = 1000;
constexpr char kSharedHour[] = R"(rules {
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
    for (const BudgetChange& change : debit.changes) ledger_.Apply(change);
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
  std::optional<BudgetMessage> message_;
  std::optional<BudgetReply> reply_;
  std::deque<BudgetMessage> late_;
  int asked_ = 0;
};

class BudgetShareTest : public testing::Test {
 protected:
  void Make(int count, const std::string& budgets = kSharedHour) {
    for (int i = 0; i < count; ++i) {
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, absl::StrCat("r", i), budgets, count));
    }
  }
  SharingReplica& Of(size_t index) { return *replicas_[index]; }
  void ExchangeAll() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
  }
  void PassTo(int64_t now) {
    for (auto& each : replicas_) each->PassTo(now);
  }
  int64_t Taken() {
    int64_t sum = 0;
    for (auto& each : replicas_) sum += each->Taken();
    return sum;
  }

  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
};

TEST_F(BudgetShareTest, WhatOneSpendsIsGoneForTheOther) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(700));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(301));
  EXPECT_TRUE(Of(1).Begin(300));
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().reserved.total_tokens(), 300);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 700);
}

TEST_F(BudgetShareTest, ManyCallsAtOnceAreNotRefusedWhileThereIsSomethingLeft) {
  Make(2);
  ExchangeAll();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Of(0).Begin(100)) << i;
  EXPECT_FALSE(Of(0).Begin(1));
  EXPECT_LE(Of(0).asked(), 5);
}

TEST_F(BudgetShareTest, WhatIsNotUsedComesBack) {
  Make(2);
  ExchangeAll();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Of(0).Spend(10));
  ExchangeAll();
  // Nothing is promised to the first any more.
  for (int i = 0; i < 97; ++i) EXPECT_TRUE(Of(1).Begin(10)) << i;
  EXPECT_FALSE(Of(1).Begin(10));
}

TEST_F(BudgetShareTest, AReplicaThatBeginsAsksBeforeItTakes) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(1000));
  ExchangeAll();
  Of(1).Kill();
  EXPECT_FALSE(Of(1).Begin(1, /*asks=*/false));
  EXPECT_FALSE(Of(1).Begin(1));
}

TEST_F(BudgetShareTest, WhatAReplicaThatEndedHasSpentCounts) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Begin(400));
  EXPECT_TRUE(Of(0).Spend(300));
  ExchangeAll();
  redis_.Pass(absl::Seconds(14));
  Of(1).Exchange();
  EXPECT_EQ(Of(1).Standing().reserved.total_tokens(), 400);
  redis_.Pass(absl::Seconds(1));
  Of(1).Exchange();
  Of(1).Exchange();
  EXPECT_EQ(Of(1).Standing().reserved.total_tokens(), 0);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 300);
}

TEST_F(BudgetShareTest, ARestartCountsNothingTwiceAndForgetsNothing) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(600));
  ExchangeAll();
  Of(0).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 600);
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 600);
  // Also where the ledger has lost it.
  Of(0).ForgetLedger();
  Of(0).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 600);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 600);
}

TEST_F(BudgetShareTest, WhatRedisHasLostIsToldAgain) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(400));
  ExchangeAll();
  redis_.Flush();
  ExchangeAll();
  Of(1).Kill();
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    EXPECT_EQ(Of(i).Standing().account.spend.sum().total_tokens(), 700);
  }
}

TEST_F(BudgetShareTest, WithoutAnAnswerEachHasItsShareOfWhatWasLeft) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(400));
  ExchangeAll();
  for (auto& each : replicas_) {
    each->Send();
    each->Lose(/*comes_later=*/false);
  }
  for (size_t i : {0u, 1u}) {
    int64_t more = 0;
    while (Of(i).Begin(10, /*asks=*/false)) more += 10;
    EXPECT_EQ(more, 300) << i;
  }
  EXPECT_EQ(Taken(), kSharedLimit);
}

TEST_F(BudgetShareTest, AResetHoldsAtAll) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(500));
  EXPECT_TRUE(Of(1).Spend(500));
  ExchangeAll();
  Of(0).Reset();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 0);
  ExchangeAll();
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 0);
  EXPECT_TRUE(Of(1).Spend(700));
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  // It is given back once: the ledger knows.
  Of(1).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 700);
}

TEST_F(BudgetShareTest, AResetHoldsForAReplicaThatWasNotThere) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(1).Spend(900));
  ExchangeAll();
  Of(0).Reset();
  Of(0).Exchange();
  Of(1).Kill();
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    EXPECT_EQ(Of(i).Standing().account.spend.sum().total_tokens(), 0);
  }
}

TEST_F(BudgetShareTest, OfAllocationsTheLatestHoldsAtAll) {
  Make(2);
  ExchangeAll();
  Of(0).Allocate(50, 2);
  Of(1).Allocate(5000, 1);
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    ASSERT_TRUE(Of(i).Standing().account.is_allocated());
    EXPECT_EQ(*Of(i).Standing().account.allocation->limit, 50);
    EXPECT_FALSE(Of(i).Begin(51));
  }
}

TEST_F(BudgetShareTest, TurnsCountAtAll) {
  Make(2, R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS turn_limit: 5 })");
  ExchangeAll();
  int let_in = 0;
  for (int i = 0; i < 10; ++i) {
    let_in += Of(static_cast<size_t>(i % 2)).Spend(10) ? 1 : 0;
    ExchangeAll();
  }
  EXPECT_EQ(let_in, 5);
}

TEST_F(BudgetShareTest, AWindowThatIsOverIsOverAtAll) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(1000));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(1));
  PassTo(kNoon + 3600);
  EXPECT_TRUE(Of(1).Spend(600));
  EXPECT_FALSE(Of(0).Spend(401) && Of(1).Spend(401));
  ExchangeAll();
  EXPECT_LE(Taken(), 1001);
}

TEST_F(BudgetShareTest, AWindowThatRollsComesBackAtAll) {
  Make(2, R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
                     rolling_window { seconds: 600 } })");
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(600));
  PassTo(kNoon + 300);
  ExchangeAll();
  EXPECT_TRUE(Of(1).Spend(400));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(1));
  EXPECT_FALSE(Of(0).Begin(1));
  PassTo(kNoon + 620);
  EXPECT_FALSE(Of(1).Begin(601));
  EXPECT_TRUE(Of(1).Begin(600));
}

TEST_F(BudgetShareTest, AnotherProcessOfTheSameNameIsNoticed) {
  Make(1);
  Of(0).Exchange();
  SharingReplica twin(redis_, "r0", kSharedHour);
  for (int i = 0; i < BudgetShare::kLateJoinsMax; ++i) {
    twin.Exchange();
    Of(0).Send();
    Of(0).Deliver();
    Of(0).Hear();
    EXPECT_FALSE(Of(0).share().is_superseded());
    Of(0).Exchange();
  }
  twin.Exchange();
  Of(0).Send();
  Of(0).Deliver();
  Of(0).Hear();
  EXPECT_TRUE(Of(0).share().is_superseded());
}

// Replicas with a ledger that all can read.
class CommonLedgerTest : public BudgetShareTest {
 protected:
  CommonLedgerTest() {
    Make(2);
    for (auto& each : replicas_) ledger_.chains[each->name()].is_held = true;
    ExchangeAll();
  }
  void FollowAll() {
    for (auto& each : replicas_) each->Follow(ledger_);
    ExchangeAll();
  }
  void ExpectSpent(int64_t tokens) {
    for (auto& each : replicas_) {
      EXPECT_EQ(each->Standing().account.spend.sum().total_tokens(), tokens);
    }
  }

  SharingLedger ledger_;
};

TEST_F(CommonLedgerTest, WhenAllAreKilledAnEmptiedRedisForgetsNothing) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(200));
  ExchangeAll();
  redis_.Flush();
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  Of(1).MoveTo(ledger_, "r3", /*in_order=*/false);
  FollowAll();
  ExpectSpent(500);
  EXPECT_FALSE(Of(0).Begin(501));
  EXPECT_TRUE(Of(1).Spend(100));
  ExchangeAll();
  ExpectSpent(600);
}

TEST_F(CommonLedgerTest, WhatAKilledOneHasNotToldCounts) {
  EXPECT_TRUE(Of(0).Spend(300));
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(40));
  EXPECT_TRUE(Of(0).Begin(7));
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  FollowAll();
  ExpectSpent(340);
  ledger_.CloseAll();
  FollowAll();
  ExpectSpent(347);
  EXPECT_EQ(ledger_.Spent(), 347);
  // Whoever goes on with the chain tells the same.
  Of(1).MoveTo(ledger_, "r0", /*in_order=*/true);
  FollowAll();
  ExpectSpent(347);
  EXPECT_TRUE(Of(1).Spend(3));
  ExchangeAll();
  ExpectSpent(350);
}

TEST_F(CommonLedgerTest, WhatWasToldAndNeverWrittenIsNotSpent) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(50));
  ExchangeAll();
  Of(0).ForgetLedger();
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  FollowAll();
  ExpectSpent(350);
  ledger_.chains["r0"].left_open = 9;
  ledger_.CloseAll();
  redis_.Pass(BudgetShare::kSilence);
  FollowAll();
  FollowAll();
  ExpectSpent(59);
  Of(0).MoveTo(ledger_, "r0", /*in_order=*/true);
  FollowAll();
  ExpectSpent(59);
}

TEST_F(CommonLedgerTest, WhoLosesItsChainGoesOnUnderAnotherName) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(50));
  ExchangeAll();
  // 20 of it come into the chain that it takes, where there are none.
  Of(0).LoseChain(ledger_, "r2", 20);
  ledger_.chains["r0"].left_open = 9;
  ledger_.CloseAll();
  ExchangeAll();
  redis_.Pass(BudgetShare::kSilence);
  FollowAll();
  FollowAll();
  ExpectSpent(359);
  EXPECT_TRUE(Of(0).Spend(1));
  EXPECT_TRUE(Of(1).Spend(1));
  ExchangeAll();
  ExpectSpent(361);
  redis_.Flush();
  ExchangeAll();
  ExpectSpent(361);
}

// What may happen to replicas, drawn from a seed.
struct Weather {
  int calls_max = 40;
  bool loses = false;  // Messages, answers, and what Redis knows.
  bool rolls = false;
};

// Replicas to which it happens.
class LivingReplicas {
 public:
  LivingReplicas(uint64_t seed, const Weather& weather)
      : weather_(weather),
        generator_(seed),
        count_(2 + Draw(3)),
        largest_(1 + Draw(weather.calls_max)) {
    for (int64_t i = 0; i < count_; ++i) {
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, absl::StrCat("r", i), weather.rolls ? kRolls : kSharedHour,
          count_));
    }
  }

  void Step() {
    SharingReplica& one = *replicas_[static_cast<size_t>(Draw(count_))];
    const auto index = static_cast<size_t>(Draw(1000));
    switch (Draw(12)) {
      case 0:
      case 1:
      case 2:
        one.Begin(1 + Draw(largest_), /*asks=*/Draw(4) != 0);
        break;
      case 3:
        if (one.open() > 0) one.End(index, 1 + Draw(largest_));
        break;
      case 4:
        if (one.open() > 0 && Draw(3) == 0) one.Cancel(index);
        break;
      case 5:
      case 6:
        if (!one.is_asking()) one.Send();
        break;
      case 7:
      case 8:
      case 9:
        if (one.is_asking()) Answer(one);
        break;
      case 10:
        one.DeliverLate();
        if (Draw(20) == 0) one.Kill();
        break;
      default:
        Pass();
    }
  }

  // How much is taken beyond the limit, and how much may be.
  int64_t Excess() {
    int64_t taken = 0;
    for (auto& each : replicas_) taken += each->Taken();
    return taken - kSharedLimit;
  }
  int64_t ExcessMax() const {
    const int64_t of_shares = weather_.loses ? kSharedLimit / count_ : 0;
    return (count_ - 1) * (largest_ + of_shares);
  }

  // In the end all know the same, and all that was spent.
  void CheckSums() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
    int64_t spent = 0;
    for (auto& each : replicas_) {
      while (each->open() > 0) each->Cancel(0);
      spent += each->Taken();
    }
    for (auto& each : replicas_) {
      EXPECT_EQ(each->Standing().account.spend.sum().total_tokens(), spent);
    }
  }

 private:
  static constexpr char kRolls[] =
      R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
                 rolling_window { seconds: 600 } })";

  int64_t Draw(int64_t below) {
    return static_cast<int64_t>(generator_() % static_cast<uint64_t>(below));
  }
  void Answer(SharingReplica& one) {
    if (weather_.loses && Draw(6) == 0) {
      one.Lose(/*comes_later=*/Draw(2) == 0);
    } else {
      one.Exchange();
    }
  }
  void Pass() {
    // Where nothing is lost, nobody is silent for as long as what is reserved
    // counts: that is to be cut off.
    redis_.Pass(absl::Milliseconds(Draw(weather_.loses ? 2000 : 10)));
    if (weather_.loses && Draw(50) == 0) redis_.Flush();
    if (weather_.rolls) now_ += Draw(10);
    for (auto& each : replicas_) each->PassTo(now_);
  }

  const Weather weather_;
  std::mt19937_64 generator_;
  const int64_t count_;
  const int64_t largest_;
  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
  int64_t now_ = kNoon;
};

void Live(uint64_t seed, const Weather& weather) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  LivingReplicas replicas(seed, weather);
  for (int step = 0; step < 1500; ++step) {
    replicas.Step();
    ASSERT_LE(replicas.Excess(), replicas.ExcessMax()) << "step " << step;
  }
  replicas.CheckSums();
  ASSERT_FALSE(testing::Test::HasFailure());
}

TEST(BudgetSharePropertyTest, AtMostACallOfEachOtherReplicaIsTooMuch) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Live(seed, {});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, SoItIsOfLargeCalls) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Live(seed, {.calls_max = 900});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, SoItIsWhereTheWindowRolls) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Live(seed, {.rolls = true});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, WhereRedisLosesThingsSharesComeToIt) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Live(seed, {.loses = true});
    if (testing::Test::HasFatalFailure()) return;
  }
}

// Kills, ends and beginnings, a Redis that is emptied, and calls that are left
// open: whenever all have been told, all count what the ledger has.
TEST(CommonLedgerPropertyTest, ItIsWhatTheLedgerHas) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 generator(seed);
    const auto draw = [&](int64_t below) {
      return static_cast<int64_t>(generator() % static_cast<uint64_t>(below));
    };
    constexpr int64_t kReplicas = 3;
    BudgetRedisModel redis;
    SharingLedger all;
    std::vector<std::unique_ptr<SharingReplica>> replicas;
    for (int64_t i = 0; i < kReplicas; ++i) {
      replicas.push_back(std::make_unique<SharingReplica>(
          redis, absl::StrCat("r", i), kSharedHour, kReplicas));
      all.chains[absl::StrCat("r", i)].is_held = true;
    }
    int64_t names = kReplicas;
    for (int step = 0; step < 300; ++step) {
      SharingReplica& one = *replicas[static_cast<size_t>(draw(kReplicas))];
      switch (draw(10)) {
        case 0: {
          std::string name = absl::StrCat("r", names);
          for (const auto& [free, chain] : all.chains) {
            if (chain.is_closed && draw(2) == 0) name = free;
          }
          names += name == absl::StrCat("r", names) ? 1 : 0;
          one.MoveTo(all, name, /*in_order=*/draw(2) == 0);
          break;
        }
        case 1:
          all.CloseAll();
          break;
        case 2:
          if (draw(4) == 0) redis.Flush();
          break;
        case 3:
          redis.Pass(absl::Seconds(draw(10)));
          break;
        case 4:
          one.Follow(all);
          break;
        case 5:
        case 6:
          one.Exchange();
          break;
        case 7:
          one.Begin(1 + draw(3));
          break;
        default:
          one.Spend(1 + draw(3));
      }
    }
    all.CloseAll();
    redis.Pass(BudgetShare::kSilence);
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas) each->Follow(all);
      for (auto& each : replicas) each->Exchange();
    }
    int64_t spent = 0;
    for (const auto& [name, chain] : all.chains) {
      if (chain.is_held) continue;
      chain.book.ForEach([&](const BudgetScope&, const BudgetAccount& account) {
        spent += account.spend.sum().total_tokens();
      });
    }
    for (auto& each : replicas) {
      while (each->open() > 0) each->Cancel(0);
      spent += each->Taken();
    }
    for (auto& each : replicas) {
      ASSERT_EQ(each->Standing().account.spend.sum().total_tokens(), spent);
    }
  }
}

}  // namespace
}  // namespace gateway
