#include "base/redis/redis_sentinel.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/redis/redis_error.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// How often sentinels are asked while the master cannot be reached, less up to
// a half by chance.
constexpr absl::Duration kAskInterval = absl::Milliseconds(500);

constexpr char kSwitch[] = "+switch-master";

RedisConnectionOptions MasterOnly(RedisConnectionOptions options) {
  options.master_only = true;
  return options;
}

}  // namespace

RedisSentinel::RedisSentinel(const Parts& parts)
    : parts_(parts),
      master_options_(MasterOnly(parts_.options->connection)),
      loop_(*EventLoop::Current()),
      master_(
          {.names = parts_.names,
           .random = parts_.random,
           .health = parts_.health,
           .options = &master_options_,
           .name = parts_.options->master_name},
          [this] { return where_; }, *this),
      watch_(
          {.names = parts_.names,
           .random = parts_.random,
           .health = nullptr,
           .options = &parts_.options->sentinel,
           .name = "sentinel"},
          [this] { return NextSentinel(); }, *this),
      ask_([this] {
        if (!asking_ && !closing_) Spawn(Ask());
      }) {}

void RedisSentinel::Start() {
  // Not all loops begin with the same sentinel.
  next_sentinel_ = parts_.random->Bits() % parts_.options->addresses.size();
  watch_.Start();
  Spawn(Ask());
}

Task<void> RedisSentinel::Close() {
  closing_ = true;
  ask_.Cancel();
  const absl::Status why = absl::CancelledError("the client is closed");
  if (dial_ != nullptr) dial_->Abandon(why);
  if (asked_ != nullptr) asked_->Close(why);
  co_await watch_.Close();
  co_await master_.Close();
  while (asking_) co_await idle_.Wait();
}

std::optional<HostPort> RedisSentinel::NextSentinel() {
  const std::vector<HostPort>& sentinels = parts_.options->addresses;
  return sentinels[next_sentinel_++ % sentinels.size()];
}

// --- Who is the master.

void RedisSentinel::AskSoon() {
  if (asking_ || closing_ || ask_.armed()) return;
  loop_.ArmTimer(ask_,
                 kAskInterval * (0.5 + 0.5 * parts_.random->UniformDouble()));
}

Task<void> RedisSentinel::Ask() {
  asking_ = true;
  bool known = false;
  for (size_t i = parts_.options->addresses.size(); i > 0; --i) {
    known = co_await AskOne(*NextSentinel());
    if (known || closing_) break;
  }
  asking_ = false;
  if (!known && !closing_) StartMaster();
  if (closing_) {
    idle_.Set();
  } else if (!known || !master_.up()) {
    AskSoon();
  }
}

Task<bool> RedisSentinel::AskOne(HostPort sentinel) {
  RedisDial dial(*parts_.names, parts_.options->sentinel, std::move(sentinel));
  dial_ = &dial;
  const absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
      co_await dial.Connect();
  dial_ = nullptr;
  if (!connection.ok() || closing_) co_return false;
  asked_ = connection->get();
  const absl::StatusOr<RedisReply> reply = co_await asked_->Send(RedisCommand(
      "SENTINEL", "GET-MASTER-ADDR-BY-NAME", parts_.options->master_name));
  asked_ = nullptr;
  // Nil if it does not know the name.
  if (!reply.ok() || reply->size() != 2 || closing_) co_return false;
  const absl::StatusOr<uint16_t> port = ParsePort((*reply)[1].text());
  if (!port.ok()) co_return false;
  SetMaster({std::string((*reply)[0].text()), *port});
  co_return true;
}

void RedisSentinel::SetMaster(HostPort where) {
  if (where_.has_value() && where_->host == where.host &&
      where_->port == where.port) {
    return;
  }
  where_ = std::move(where);
  if (started_) {
    master_.Reconnect(absl::UnavailableError("there is another master"));
  } else {
    StartMaster();
  }
}

void RedisSentinel::StartMaster() {
  if (!std::exchange(started_, true)) master_.Start();
}

// --- What happens to them.

void RedisSentinel::OnUp(RedisNode& node) {
  if (&node == &watch_) {
    watch_.Listen(RedisCommand("SUBSCRIBE", kSwitch)).IgnoreError();
    // What was said before has been missed.
    AskSoon();
  } else {
    parts_.on_change();
  }
}

void RedisSentinel::OnDown(RedisNode& node, const absl::Status&) {
  if (&node != &master_) return;
  AskSoon();
  parts_.on_change();
}

void RedisSentinel::OnPush(RedisNode&, const RedisReply& message) {
  if (message.size() != 3 || message[0].text() != "message") return;
  // "name old-address old-port address port"
  const std::vector<std::string> words =
      absl::StrSplit(ToAbsl(message[2].text()), ' ');
  if (words.size() != 5 || words[0] != parts_.options->master_name) return;
  const absl::StatusOr<uint16_t> port = ParsePort(words[4]);
  if (port.ok()) SetMaster({words[3], *port});
}

RedisRedirect RedisSentinel::OnError(std::string_view error, RedisNode*) {
  // Connected anew it says that it is no master, until sentinels name another.
  if (RedisErrorCode(ToAbsl(error)) == "READONLY" && master_.up()) {
    master_.Reconnect(absl::UnavailableError("the master became a replica"));
    AskSoon();
  }
  return {};
}

}  // namespace gateway
