#include "base/redis/redis_bulk.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "base/redis/redis_client.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// What RedisHealth and CLIENT LIST know it by.
constexpr char kPurpose[] = "/bulk";

std::shared_ptr<const RedisOptions> BulkOptions(const RedisOptions& first) {
  auto options = std::make_shared<RedisOptions>(first);
  RedisConnectionOptions& connection = options->connection;
  connection.command_timeout =
      std::max(connection.command_timeout, RedisBulk::kTimeout);
  connection.silence_limit =
      std::max(connection.silence_limit, connection.command_timeout);
  connection.purpose = kPurpose;
  options->sentinel.purpose = kPurpose;
  if (!connection.client_name.empty()) connection.client_name += kPurpose;
  return options;
}

absl::Status Closed() { return absl::CancelledError("the client is closed"); }

}  // namespace

RedisBulk::RedisBulk(Resolver& resolver,
                     std::shared_ptr<const RedisOptions> options,
                     RedisHealth& health, Random& random,
                     std::function<bool()> is_up)
    : resolver_(resolver),
      options_(std::move(options)),
      health_(health),
      random_(random),
      is_up_(std::move(is_up)) {}

RedisBulk::~RedisBulk() { assert(turns_ == 0 && waiting_ == 0); }

Task<void> RedisBulk::Close() {
  closing_ = true;
  for (auto& [whose, owner] : owners_) {
    for (Waiter* const waiter : owner.waiting) waiter->over.Set();
  }
  for (WakeUp* const each : opening_) each->Set();
  if (client_ != nullptr) co_await client_->Close();
  while (turns_ + waiting_ > 0) co_await idle_.Wait();
}

// --- Turns.

bool RedisBulk::Fits(const Owner& owner, size_t bytes) const {
  return owner.bytes == 0 || owner.bytes + bytes <= kBytesOfOneMax;
}

RedisBulk::Turn RedisBulk::Take(Owners::iterator owner, size_t bytes) {
  owner->second.bytes += bytes;
  ++owner->second.turns;
  bytes_ += bytes;
  ++turns_;
  return Turn(*this, owner, bytes);
}

void RedisBulk::GiveBack(Owners::iterator owner, size_t bytes) {
  owner->second.bytes -= bytes;
  --owner->second.turns;
  bytes_ -= bytes;
  --turns_;
  ForgetIfIdle(owner);
  Grant();
  if (turns_ + waiting_ == 0) idle_.Set();
}

void RedisBulk::ForgetIfIdle(Owners::iterator owner) {
  if (owner->second.turns == 0 && owner->second.waiting.empty()) {
    owners_.erase(owner);
  }
}

// Who may not have more on his way is passed over; who does not fit beside the
// others is waited for, so that small ones do not keep a large one waiting.
void RedisBulk::Grant() {
  if (closing_) return;
  for (auto at = in_turn_.begin(); at != in_turn_.end();) {
    Owner& owner = (*at)->second;
    Waiter& waiter = *owner.waiting.front();
    if (!Fits(owner, waiter.bytes)) {
      ++at;
      continue;
    }
    if (bytes_ > 0 && bytes_ + waiter.bytes > kBytesMax) return;
    owner.waiting.pop_front();
    // Counted now; its Turn is made when it wakes up.
    owner.bytes += waiter.bytes;
    ++owner.turns;
    bytes_ += waiter.bytes;
    ++turns_;
    waiter.granted = true;
    waiter.over.Set();
    const auto granted = at++;
    if (owner.waiting.empty()) {
      in_turn_.erase(granted);
    } else {
      in_turn_.splice(in_turn_.end(), in_turn_, granted);
      at = in_turn_.begin();
    }
  }
}

Task<absl::StatusOr<RedisBulk::Turn>> RedisBulk::Await(Need need,
                                                       CancelSignal* cancel) {
  if (closing_) co_return Closed();
  if (cancel != nullptr && cancel->cancelled()) co_return cancel->status();
  const auto owner = owners_.try_emplace(std::string(need.whose)).first;
  const bool fits_beside = bytes_ == 0 || bytes_ + need.bytes <= kBytesMax;
  if (in_turn_.empty() && fits_beside && Fits(owner->second, need.bytes)) {
    co_return Take(owner, need.bytes);
  }
  if (waiting_ >= kWaitingMax ||
      owner->second.waiting.size() >= kWaitingOfOneMax) {
    ForgetIfIdle(owner);
    co_return absl::UnavailableError(
        "too much that is large waits for redis; try again later");
  }
  Waiter waiter{.bytes = need.bytes};
  const auto place =
      owner->second.waiting.insert(owner->second.waiting.end(), &waiter);
  if (owner->second.waiting.size() == 1) in_turn_.push_back(owner);
  ++waiting_;
  // Who has come may fit where the first in turn may not have more.
  Grant();
  {
    Timer too_long([&waiter] { waiter.over.Set(); });
    EventLoop::Current()->ArmTimer(too_long, need.patience);
    std::optional<CancelListener> on_cancel;
    if (cancel != nullptr) {
      on_cancel.emplace(*cancel, [&waiter] { waiter.over.Set(); });
    }
    co_await waiter.over.Wait();
  }
  --waiting_;
  std::optional<Turn> turn;
  if (waiter.granted) {
    turn.emplace(Turn(*this, owner, need.bytes));
  } else {
    owner->second.waiting.erase(place);
    if (owner->second.waiting.empty()) in_turn_.remove(owner);
    ForgetIfIdle(owner);
    // What it kept waiting may go.
    Grant();
  }
  if (turns_ + waiting_ == 0) idle_.Set();
  if (cancel != nullptr && cancel->cancelled()) co_return cancel->status();
  if (closing_) co_return Closed();
  if (!turn.has_value()) {
    co_return absl::UnavailableError(
        absl::StrCat("redis: what is large did not get its turn within ",
                     absl::FormatDuration(need.patience)));
  }
  co_return *std::move(turn);
}

// --- Commands.

Task<absl::StatusOr<RedisReply>> RedisBulk::Call(Turn turn,
                                                 RedisCommand command,
                                                 CancelSignal* cancel) {
  return Begin(std::move(turn), nullptr, std::move(command), cancel);
}

Task<absl::StatusOr<RedisReply>> RedisBulk::CallFunction(
    Turn turn, const RedisLibrary& library, RedisCommand call,
    CancelSignal* cancel) {
  return Begin(std::move(turn), &library, std::move(call), cancel);
}

Task<absl::StatusOr<RedisReply>> RedisBulk::Begin(Turn turn,
                                                  const RedisLibrary* library,
                                                  RedisCommand command,
                                                  CancelSignal* cancel) {
  if (cancel != nullptr && cancel->cancelled()) co_return cancel->status();
  const auto transfer = std::make_shared<Transfer>();
  Spawn(Send(std::move(turn), library, std::move(command), transfer));
  {
    std::optional<CancelListener> on_cancel;
    if (cancel != nullptr) {
      on_cancel.emplace(*cancel, [transfer] { transfer->over.Set(); });
    }
    co_await transfer->over.Wait();
  }
  if (cancel != nullptr && cancel->cancelled()) co_return cancel->status();
  co_return *std::move(transfer->reply);
}

Task<void> RedisBulk::Send(Turn turn, const RedisLibrary* library,
                           RedisCommand command,
                           std::shared_ptr<Transfer> transfer) {
  const Turn until_replied = std::move(turn);
  const absl::Status open = co_await Open();
  if (!open.ok()) {
    transfer->reply = open;
  } else if (library == nullptr) {
    transfer->reply = co_await client_->Call(std::move(command));
  } else {
    transfer->reply =
        co_await client_->CallFunction(*library, std::move(command));
  }
  transfer->over.Set();
}

Task<absl::Status> RedisBulk::Open() {
  if (settled_) co_return absl::OkStatus();
  if (closing_) co_return Closed();
  if (client_ == nullptr) {
    // Whoever is away is not waited for.
    if (!is_up_()) co_return absl::UnavailableError("redis is away");
    client_ = std::make_unique<RedisClient>(resolver_, BulkOptions(*options_),
                                            health_, random_);
    client_->SetOnChange([this](bool) {
      for (WakeUp* const each : opening_) each->Set();
    });
  }
  WakeUp over;
  Timer too_long([&over] { over.Set(); });
  EventLoop::Current()->ArmTimer(too_long,
                                 options_->connection.connect_timeout);
  opening_.push_back(&over);
  if (!client_->up()) co_await over.Wait();
  opening_.erase(std::find(opening_.begin(), opening_.end(), &over));
  settled_ = true;
  if (closing_) co_return Closed();
  co_return absl::OkStatus();
}

}  // namespace gateway
