#include "base/redis/redis_node.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/redis/redis_error.h"

namespace gateway {
namespace {

// What has been up for so long and fails is tried again as if for the first
// time.
constexpr absl::Duration kSteadyAfter = absl::Seconds(10);
constexpr int kFailuresMax = 16;

}  // namespace

RedisNode::RedisNode(const Parts& parts, Where where, Observer& observer)
    : parts_(parts),
      where_(std::move(where)),
      observer_(observer),
      loop_(*EventLoop::Current()),
      why_down_(AtRedisServer(parts.name,
                              absl::UnavailableError("not connected yet"))),
      retry_([this] { TryNow(); }),
      keep_alive_([this] { KeepAlive(); }) {
  if (parts_.health != nullptr) {
    health_.emplace(*parts_.health, parts_.name + parts_.options->purpose);
  }
}

RedisNode::~RedisNode() { assert(connection_ == nullptr && under_way_ == 0); }

void RedisNode::Start() {
  loop_.ArmTimer(keep_alive_, parts_.options->ping_interval);
  TryNow();
}

Task<void> RedisNode::Close() {
  closing_ = true;
  retry_.Cancel();
  keep_alive_.Cancel();
  const absl::Status why = absl::CancelledError("the client is closed");
  EndFirst();
  if (dial_ != nullptr) dial_->Abandon(why);
  if (connection_ != nullptr) connection_->Close(why);
  while (under_way_ > 0) co_await idle_.Wait();
}

// --- Commands.

RedisCall RedisNode::Send(const RedisCommand& command, CancelSignal* cancel) {
  if (!up_) return RedisCall(why_down_);
  return connection_->Send(command, cancel);
}

RedisCall RedisNode::Send(const RedisCommand& command, absl::Duration timeout,
                          CancelSignal* cancel) {
  if (!up_) return RedisCall(why_down_);
  return connection_->Send(command, timeout, cancel);
}

absl::Status RedisNode::Listen(const RedisCommand& command) {
  if (!up_) return why_down_;
  connection_->TakePushes();
  return connection_->SendUnanswered(command);
}

// --- Connecting.

Task<void> RedisNode::AwaitFirst(absl::Duration longest) {
  if (up_ || told_ || closing_) co_return;
  WakeUp over;
  Timer too_long([&over] { over.Set(); });
  loop_.ArmTimer(too_long, longest);
  first_.push_back(&over);
  ++under_way_;
  co_await over.Wait();
  first_.erase(std::remove(first_.begin(), first_.end(), &over), first_.end());
  if (--under_way_ == 0) idle_.Set();
}

void RedisNode::EndFirst() {
  for (WakeUp* over : first_) over->Set();
}

void RedisNode::Begin(Task<void> work) { Spawn(Counted(std::move(work))); }

Task<void> RedisNode::Counted(Task<void> work) {
  ++under_way_;
  co_await std::move(work);
  if (--under_way_ == 0) idle_.Set();
}

void RedisNode::TryNow() {
  if (closing_ || up_ || dial_ != nullptr) return;
  Begin(connection_ == nullptr ? Connect() : Probe());
}

Task<void> RedisNode::Connect() {
  const std::optional<HostPort> where = where_();
  if (!where.has_value()) {
    SetDown(AtRedisServer(
        parts_.name, absl::UnavailableError("nobody knows yet where it is")));
    TryLater();
    co_return;
  }
  RedisDial dial(*parts_.names, *parts_.options, *where);
  dial_ = &dial;
  absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
      co_await dial.Connect();
  dial_ = nullptr;
  if (closing_) co_return;
  if (connection.ok() && (*connection)->closed()) {
    // A copy, since the connection goes before it is assigned.
    const absl::Status why = (*connection)->why_closed();
    connection = why;
  }
  if (!connection.ok()) {
    SetDown(connection.status());
    TryLater();
    co_return;
  }
  connection_ = *std::move(connection);
  connection_->SetObserver(this);
  connected_to_ = where;
  // Another server may be behind the same address.
  scripting = RedisScripting::kFunctions;
  SetUp();
}

Task<void> RedisNode::Probe() {
  const absl::StatusOr<RedisReply> answer =
      CheckRedisReply(co_await connection_->Probe());
  // A late answer makes OnCaughtUp come again, a broken connection OnClosed.
  if (connection_ == nullptr || closing_ || up_) co_return;
  if (answer.ok()) {
    connection_->Revive();
    SetUp();
  } else if (!absl::IsDeadlineExceeded(answer.status())) {
    TryLater();
  }
}

void RedisNode::TryLater() {
  if (!closing_) loop_.ArmTimer(retry_, BackOff());
}

absl::Duration RedisNode::BackOff() {
  const RedisBackOff& back_off = parts_.options->back_off;
  absl::Duration longest = back_off.first;
  for (int i = 1; i < failures_ && longest < back_off.longest; ++i) {
    longest *= 2;
  }
  longest = std::min(longest, back_off.longest);
  failures_ = std::min(failures_ + 1, kFailuresMax);
  return longest * (0.5 + 0.5 * parts_.random->UniformDouble());
}

void RedisNode::Reconnect(const absl::Status& why) {
  if (closing_) return;
  failures_ = 0;
  retry_.Cancel();
  if (dial_ != nullptr) {
    dial_->Abandon(why);  // It is done later by itself.
  } else if (connection_ != nullptr) {
    connection_->Close(why);
  } else {
    TryNow();
  }
}

// --- Up and down.

void RedisNode::SetUp() {
  up_ = true;
  told_ = false;
  why_down_ = absl::OkStatus();
  up_since_ = loop_.Now();
  if (health_.has_value()) health_->SetUp();
  EndFirst();
  observer_.OnUp(*this);
}

void RedisNode::SetDown(const absl::Status& why) {
  if (up_ && loop_.Now() - up_since_ >= kSteadyAfter) failures_ = 0;
  up_ = false;
  why_down_ = absl::Status(absl::StatusCode::kUnavailable, why.message());
  if (std::exchange(told_, true)) return;
  EndFirst();
  if (health_.has_value() && !closing_) health_->SetDown(why);
  observer_.OnDown(*this, why);
}

void RedisNode::OnStalled() {
  SetDown(
      AtRedisServer(parts_.name, absl::UnavailableError("a reply is overdue")));
}

void RedisNode::OnCaughtUp() {
  if (!up_) TryLater();
}

void RedisNode::OnPush(const RedisReply& message) {
  observer_.OnPush(*this, message);
}

void RedisNode::OnClosed(const absl::Status& why) {
  connection_.reset();
  SetDown(why);
  TryLater();
}

void RedisNode::KeepAlive() {
  const absl::Duration interval = parts_.options->ping_interval;
  loop_.ArmTimer(keep_alive_, interval);
  if (!up_ || connection_->in_flight() > 0) return;
  if (loop_.Now() - connection_->last_reply() < interval) return;
  // If the answer is late the connection itself finds out.
  (void)connection_->Probe();
}

}  // namespace gateway
