#include "service/budgets/budget_sharer.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "base/os/logging.h"

namespace gateway {
namespace {

constexpr absl::Duration kConnectLook = absl::Milliseconds(10);
// While budgets are not shared, the configuration is looked at so often.
constexpr absl::Duration kIdleLook = absl::Seconds(1);

}  // namespace

class BudgetSharer::Awaiter {
 public:
  Awaiter(BudgetSharer& sharer, absl::Duration since)
      : sharer_(sharer), since_(since) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    return sharer_.Add(
        {.loop = EventLoop::Current(), .handle = handle, .since = since_});
  }
  void await_resume() const noexcept {}

 private:
  BudgetSharer& sharer_;
  const absl::Duration since_;
};

BudgetSharer::BudgetSharer(Clock& clock)
    : clock_(clock),
      answered_ns_(absl::ToInt64Nanoseconds(clock.SteadyTime())) {}

void BudgetSharer::Share(BudgetTable& table, Options options) {
  table_ = &table;
  options_ = std::move(options);
  exchange_.emplace(RedisBudgetExchange::Options{.prefix = options_.prefix});
  share_.emplace(table, BudgetShare::Options{.replica = options_.replica,
                                             .adopts = options_.adopts});
}

BudgetSharer::Figures BudgetSharer::figures() const {
  Figures figures;
  figures.exchanges = exchanges_.load();
  figures.failures = failures_.load();
  figures.waits = waits_.load();
  figures.unplaced = unplaced_.load();
  figures.replicas = replicas_.load();
  figures.away = away_.load();
  figures.age = clock_.SteadyTime() - absl::Nanoseconds(answered_ns_.load());
  return figures;
}

// --- Calls that wait.

Task<void> BudgetSharer::AwaitExchange() {
  if (!away_.load(std::memory_order_relaxed)) {
    waits_.fetch_add(1, std::memory_order_relaxed);
  }
  return Await(absl::ZeroDuration());
}

Task<void> BudgetSharer::AwaitLaterExchange() {
  return Await(absl::Nanoseconds(interval_ns_.load(std::memory_order_relaxed)));
}

Task<void> BudgetSharer::Await(absl::Duration delay) {
  if (away_.load(std::memory_order_relaxed)) co_return;
  // Who waits for the next one is never too early for it.
  const absl::Duration since = delay == absl::ZeroDuration()
                                   ? delay
                                   : EventLoop::Current()->Now() + delay;
  Awaiter awaiter(*this, since);
  co_await awaiter;
}

bool BudgetSharer::Add(const Waiting& waiting) {
  const MutexLock lock(mu_);
  if (runs_on_ == nullptr) return false;
  const bool waits_for_next = waiting.since == absl::ZeroDuration();
  const bool is_woken = std::any_of(
      waiting_.begin(), waiting_.end(),
      [](const Waiting& each) { return each.since == absl::ZeroDuration(); });
  waiting_.push_back(waiting);
  if (waits_for_next && !is_woken) runs_on_->Post([this] { woken_.Set(); });
  return true;
}

std::vector<BudgetSharer::Waiting> BudgetSharer::TakeWaiting(
    absl::Duration now) {
  const MutexLock lock(mu_);
  std::vector<Waiting> taken;
  std::vector<Waiting> later;
  for (const Waiting& each : waiting_) {
    (each.since <= now ? taken : later).push_back(each);
  }
  waiting_ = std::move(later);
  return taken;
}

void BudgetSharer::Resume(const std::vector<Waiting>& waiting) {
  for (const Waiting& each : waiting) {
    each.loop->Post([handle = each.handle] { handle.resume(); });
  }
}

// --- Exchanges.

Task<void> BudgetSharer::Run(EventLoop& loop) {
  begun_ = loop.Now();
  {
    const MutexLock lock(mu_);
    runs_on_ = &loop;
  }
  while (!stops_) {
    const Settings settings = options_.settings();
    share_->SetReplicas(settings.replicas);
    interval_ns_.store(absl::ToInt64Nanoseconds(settings.interval),
                       std::memory_order_relaxed);
    const std::vector<Waiting> waiting = TakeWaiting(loop.Now());
    if (settings.shared) co_await ExchangeAll(loop);
    Resume(waiting);
    co_await Rest(loop, settings.shared ? settings.interval : kIdleLook);
  }
  {
    const MutexLock lock(mu_);
    runs_on_ = nullptr;
  }
  Resume(TakeWaiting(absl::InfiniteDuration()));
  // So that the others need not wait until what is reserved here lapses.
  if (options_.settings().shared) co_await ExchangeAll(loop);
  ended_.Open();
}

void BudgetSharer::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void BudgetSharer::StopOnLoop() {
  stops_ = true;
  woken_.Set();
}

Task<void> BudgetSharer::Rest(EventLoop& loop, absl::Duration interval) {
  if (stops_) co_return;
  Timer timer([this] { woken_.Set(); });
  loop.ArmTimer(timer, interval);
  co_await woken_.Wait();
}

Task<void> BudgetSharer::ExchangeAll(EventLoop& loop) {
  // No more than there is now: what is about to be given back is told next
  // time.
  size_t rounds = 1 + table_->untold() / BudgetShare::kScopesMax;
  bool more = true;
  while (more) {
    const absl::Status exchanged = co_await Exchange(loop);
    if (!exchanged.ok()) {
      failures_.fetch_add(1);
      SayLost(loop.Now(), exchanged);
      co_return;
    }
    SayAnswered(loop.Now());
    rounds -= rounds > 0 ? 1 : 0;
    more = share_->has_more() || rounds > 0;
  }
}

void BudgetSharer::TakeLedgerNews() {
  if (!options_.ledger_news) return;
  LedgerNews news = options_.ledger_news();
  for (const LedgerNews::Move& move : news.moves) {
    Log(LogLevel::kWarn, "budgets",
        "the ledger goes on in another chain, and budgets are told under its "
        "name",
        {{"before", share_->replica()}, {"replica", move.replica}});
    share_->GoOnAs(move.replica, move.left,
                   absl::ToUnixSeconds(clock_.WallTime()));
  }
  if (!news.resets.empty() && options_.keep_resets) {
    options_.keep_resets(std::move(news.resets));
  }
}

Task<absl::Status> BudgetSharer::Exchange(EventLoop& loop) {
  TakeLedgerNews();
  RedisClient* client = options_.client();
  // It is about to be connected.
  while (!was_up_ && !stops_ && client != nullptr && !client->up() &&
         loop.Now() - begun_ < kConnects) {
    co_await Rest(loop, kConnectLook);
    client = options_.client();
  }
  was_up_ = true;
  const auto second = [this] { return absl::ToUnixSeconds(clock_.WallTime()); };
  const BudgetMessage message = share_->Begin(second());
  if (client == nullptr || !client->up()) {
    share_->Lose();
    co_return absl::UnavailableError("it is not connected");
  }
  const absl::StatusOr<BudgetReply> reply =
      co_await exchange_->Call(*client, share_->replica(), message, second(),
                               table_->retention_seconds());
  if (!reply.ok()) {
    share_->Lose();
    co_return reply.status();
  }
  std::vector<BudgetChange> resets;
  share_->End(*reply, second(), &resets);
  if (!resets.empty() && options_.keep_resets) {
    options_.keep_resets(std::move(resets));
  }
  exchanges_.fetch_add(1);
  unplaced_.store(share_->unplaced());
  replicas_.store(1 + share_->live_replicas());
  if (share_->is_superseded()) {
    co_return absl::FailedPreconditionError(
        "another process has told budgets under this replica's name: each "
        "needs a ledger of its own, and the file beside it that ends in "
        ".replica must not be copied");
  }
  co_return absl::OkStatus();
}

// --- What the log says.

void BudgetSharer::SayAnswered(absl::Duration now) {
  answered_ns_.store(absl::ToInt64Nanoseconds(clock_.SteadyTime()));
  if (away_.exchange(false)) answers_since_ = now;
  if (!said_away_.has_value() || now - answers_since_ < kPatience) return;
  Log(LogLevel::kInfo, "budgets", "budgets are shared by all replicas again",
      {{"away_seconds", answers_since_ - *said_away_}});
  said_away_.reset();
}

void BudgetSharer::SayLost(absl::Duration now, const absl::Status& why) {
  away_.store(true);
  if (said_away_.has_value()) return;
  said_away_ = now;
  Log(LogLevel::kWarn, "budgets",
      "budgets that replicas share are counted by this one's share until "
      "redis answers",
      {{"why", why}});
}

}  // namespace gateway
