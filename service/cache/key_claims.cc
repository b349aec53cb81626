#include "service/cache/key_claims.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/async/await_all.h"
#include "base/async/timer_wheel.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "service/cache/answer_record.h"
#include "service/cache/answer_record.pb.h"
#include "service/cache/idempotency_fault.h"
#include "service/cache/redis_key_functions.h"

namespace gateway {
namespace {

// Of what is kept; another one where that, or a fingerprint, is another.
constexpr std::string_view kKeyVersion = "key:1:";

constexpr size_t kTokenDigits = 32;

// What kRedisClaimKey says.
enum class ClaimState : int64_t {
  kClaimed = 1,
  kRunning = 2,
  kEnded = 3,
  kBroken = 4,
  kMismatch = 5,
};

// The same for each replica, and for no other caller or key.
std::string NameOf(const std::string& prefix, std::string_view caller,
                   std::string_view key) {
  const RequestKey name = {
      .digest = Sha256(
          absl::StrCat(caller.size(), ":", ToAbsl(caller), ToAbsl(key)))};
  return absl::StrCat(prefix, ToAbsl(kKeyVersion), name.Hex());
}

std::string WriteEnd(const std::string& name, const SharedOutcome& end,
                     absl::Time now) {
  llmgateway::kept::KeyEndRecord record;
  if (!end.status.ok()) {
    record.set_status(ToRpcStatus(end.status).SerializeAsString());
  } else if (end.answer != nullptr) {
    record.set_answer(WriteAnswerRecord(name, *end.answer, now));
  }
  return record.SerializeAsString();
}

SharedOutcome ReadEnd(const std::string& name, std::string_view bytes,
                      const std::string& request_id) {
  llmgateway::kept::KeyEndRecord record;
  google::rpc::Status status;
  const bool is_record =
      record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (is_record && !record.status().empty() &&
      status.ParseFromString(record.status()) && status.code() != 0) {
    return {.status = FromRpcStatus(status)};
  }
  if (is_record && !record.answer().empty()) {
    std::optional<AnswerRecord> answer =
        ReadAnswerRecord(name, record.answer());
    if (answer) return {.answer = std::move(answer->answer)};
  }
  // It has ended, whatever is left of it.
  return {.status = KeyedAnswerNotKept(request_id)};
}

size_t EndBytes(const SharedOutcome& end) {
  return end.answer == nullptr ? end.status.message().size()
                               : HeldBytes(*end.answer);
}

}  // namespace

KeyClaims::KeyClaims(Options options, RedisClientOfLoop client, Clock& clock,
                     Random& random)
    : options_(std::move(options)),
      client_(std::move(client)),
      clock_(clock),
      random_(random) {}

RedisCommand KeyClaims::Begin(size_t function, const Held& held) const {
  RedisCommand call = RedisKeyLibrary().Call(function, 1);
  call.Add(RedisKey(held.name)).Add(held.token).Add(held.fingerprint);
  call.Add(held.request_id);
  call.Add(absl::ToInt64Milliseconds(options_.claim));
  call.Add(absl::ToInt64Milliseconds(held.ttl));
  return call;
}

// --- Claims.

Task<absl::StatusOr<KeyClaims::Found>> KeyClaims::Claim(const Ask& ask,
                                                        CancelSignal& cancel) {
  Held held;
  held.name = NameOf(options_.prefix, ask.caller, ask.key);
  held.token = random_.HexId(kTokenDigits);
  held.fingerprint = ask.fingerprint.Hex();
  held.request_id = std::string(ask.request_id);
  held.ttl = ask.ttl;
  held.answer_bytes_max = std::min(ask.answer_bytes_max, kAnswerBytesMax);
  RedisClient* const client = client_();
  if (client == nullptr) {
    ++counts_.refused;
    co_return KeysUnavailable();
  }
  const bool was_up = client->up();
  RedisCommand call = Begin(kRedisClaimKey, held);
  const absl::StatusOr<RedisReply> reply = co_await client->CallFunction(
      RedisKeyLibrary(), std::move(call), &cancel);
  if (reply.ok()) co_return Read(*reply, std::move(held));
  // Whether it may have been claimed, and nobody has heard of it.
  const bool unheard = cancel.cancelled() ||
                       absl::IsDeadlineExceeded(reply.status()) ||
                       (was_up && absl::IsUnavailable(reply.status()));
  if (unheard) GiveBack(std::move(held));
  if (cancel.cancelled()) co_return cancel.status();
  ++counts_.refused;
  co_return KeysUnavailable();
}

absl::StatusOr<KeyClaims::Found> KeyClaims::Read(const RedisReply& reply,
                                                 Held held) {
  if (reply.size() != 3) {
    ++counts_.refused;
    return KeysUnavailable();
  }
  Found found = {.request_id = std::string(reply[1].text())};
  switch (static_cast<ClaimState>(reply[0].integer())) {
    case ClaimState::kClaimed:
      found.claim.emplace(Claimed(*this, held.token));
      Hold(std::move(held));
      return found;
    case ClaimState::kEnded:
      ++counts_.replayed;
      found.end = ReadEnd(held.name, reply[2].text(), found.request_id);
      return found;
    case ClaimState::kBroken:
      ++counts_.broken;
      found.end = SharedOutcome{.status = KeyedCallLost(found.request_id)};
      return found;
    case ClaimState::kMismatch:
      ++counts_.mismatches;
      return KeyMismatch(found.request_id);
    case ClaimState::kRunning:
      return found;
  }
  ++counts_.refused;
  return KeysUnavailable();
}

void KeyClaims::Hold(Held held) {
  held.due = clock_.SteadyTime() + options_.renew_interval;
  MutexLock lock(mu_);
  Add(std::move(held));
}

void KeyClaims::Add(Held held) {
  by_due_.emplace(held.due, held.token);
  std::string token = held.token;
  held_.emplace(std::move(token), std::move(held));
}

void KeyClaims::SetDue(absl::Duration due, Held* held) {
  by_due_.erase({held->due, held->token});
  held->due = due;
  by_due_.emplace(due, held->token);
}

void KeyClaims::GiveBack(Held held) {
  const absl::Duration now = clock_.SteadyTime();
  held.state = Held::State::kReleased;
  held.due = now;
  held.interval = kTellFirst;
  // After that it would have passed.
  held.give_up = now + options_.claim;
  MutexLock lock(mu_);
  if (held_.size() >= kHeldMax) {
    ++counts_.lost;
    return;
  }
  Add(std::move(held));
  Poke();
}

void KeyClaims::End(const std::string& token,
                    std::optional<SharedOutcome> end) {
  const absl::Duration now = clock_.SteadyTime();
  MutexLock lock(mu_);
  Held& held = held_.find(token)->second;
  held.state = end ? Held::State::kEnded : Held::State::kReleased;
  SetDue(now, &held);
  held.interval = kTellFirst;
  held.give_up = now + kTellPatience;
  if (end) {
    held.end = *std::move(end);
    const size_t bytes = EndBytes(held.end);
    if (held.end.answer != nullptr &&
        (bytes > held.answer_bytes_max || end_bytes_ + bytes > kEndBytesMax)) {
      ++counts_.answers_left;
      held.end.answer = nullptr;
    }
    held.end_bytes = EndBytes(held.end);
    end_bytes_ += held.end_bytes;
  }
  Poke();
}

KeyClaims::Claimed::~Claimed() {
  if (claims_ == nullptr) return;
  End({.status = MakeFault(v1::ERROR_REASON_INTERNAL,
                           "the call ended without an outcome")});
}

void KeyClaims::Claimed::End(SharedOutcome outcome) {
  if (KeyClaims* const claims = std::exchange(claims_, nullptr)) {
    claims->End(token_, std::move(outcome));
  }
}

void KeyClaims::Claimed::Release() {
  if (KeyClaims* const claims = std::exchange(claims_, nullptr)) {
    claims->End(token_, std::nullopt);
  }
}

// --- What is told beside calls.

void KeyClaims::Poke() {
  if (loop_ != nullptr) loop_->Post([this] { wake_.Set(); });
}

RedisCommand KeyClaims::Tell(const Held& held) const {
  switch (held.state) {
    case Held::State::kRunning:
      return Begin(kRedisRenewKey, held);
    case Held::State::kReleased:
      return Begin(kRedisReleaseKey, held);
    case Held::State::kEnded:
      break;
  }
  RedisCommand call = Begin(kRedisEndKey, held);
  call.Add(WriteEnd(held.name, held.end, clock_.WallTime()));
  return call;
}

std::vector<KeyClaims::Held> KeyClaims::TakeDue(absl::Duration* next) {
  const absl::Duration now = clock_.SteadyTime();
  std::vector<Held> due;
  size_t bytes = 0;
  MutexLock lock(mu_);
  for (auto each = by_due_.begin();
       each != by_due_.end() && each->first <= now;) {
    Held& held = held_.find(each->second)->second;
    ++each;  // It is due again later, if it is told now.
    if (!due.empty() && bytes + held.end_bytes > kTellBytesMax) continue;
    due.push_back(held);
    bytes += held.end_bytes;
    if (held.state == Held::State::kRunning) {
      SetDue(now + options_.renew_interval, &held);
    } else {
      SetDue(now + held.interval, &held);
      held.interval = std::min(2 * held.interval, kTellLongest);
    }
  }
  *next = now + options_.renew_interval;
  if (!by_due_.empty()) *next = std::min(*next, by_due_.begin()->first);
  return due;
}

Task<void> KeyClaims::TellDue(std::vector<Held> due) {
  RedisClient* const client = client_();
  if (client == nullptr) co_return;
  std::vector<Task<absl::StatusOr<RedisReply>>> calls;
  calls.reserve(due.size());
  for (const Held& held : due) {
    calls.push_back(client->CallFunction(RedisKeyLibrary(), Tell(held)));
  }
  const std::vector<absl::StatusOr<RedisReply>> replies =
      co_await AwaitAll(std::move(calls));
  for (size_t i = 0; i < replies.size(); ++i) {
    OnTold(due[i].token, due[i].state, replies[i].ok());
  }
}

void KeyClaims::OnTold(const std::string& token, Held::State state, bool told) {
  const absl::Duration now = clock_.SteadyTime();
  Holding::node_type dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  const auto found = held_.find(token);
  // What has ended meanwhile is told next.
  if (found == held_.end() || state == Held::State::kRunning) return;
  if (!told && now < found->second.give_up) return;
  if (!told) ++counts_.lost;
  end_bytes_ -= found->second.end_bytes;
  by_due_.erase({found->second.due, token});
  dropped = held_.extract(found);
}

bool KeyClaims::HasUntold() const {
  MutexLock lock(mu_);
  return std::any_of(held_.begin(), held_.end(), [](const auto& each) {
    return each.second.state != Held::State::kRunning;
  });
}

Task<void> KeyClaims::Run(EventLoop& loop) {
  {
    MutexLock lock(mu_);
    loop_ = &loop;
  }
  Timer next_due([this] { wake_.Set(); });
  std::optional<absl::Duration> end;
  for (;;) {
    if (stopping_ && !end) end = clock_.SteadyTime() + options_.stop_patience;
    if (end && (!HasUntold() || clock_.SteadyTime() >= *end)) break;
    absl::Duration next;
    std::vector<Held> due = TakeDue(&next);
    if (!due.empty()) co_await TellDue(std::move(due));
    if (stopping_ && !HasUntold()) continue;
    const absl::Duration wait = next - clock_.SteadyTime();
    loop.ArmTimer(next_due, std::max(wait, absl::Milliseconds(1)));
    co_await wake_.Wait();
  }
  {
    MutexLock lock(mu_);
    loop_ = nullptr;
  }
  ended_.Open();
}

void KeyClaims::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void KeyClaims::StopOnLoop() {
  stopping_ = true;
  wake_.Set();
}

KeyClaims::Stats KeyClaims::stats() const {
  Stats stats = {.waiting = counts_.waiting,
                 .replayed = counts_.replayed,
                 .broken = counts_.broken,
                 .waited = counts_.waited,
                 .mismatches = counts_.mismatches,
                 .refused = counts_.refused,
                 .lost = counts_.lost,
                 .answers_left = counts_.answers_left};
  MutexLock lock(mu_);
  for (const auto& [token, held] : held_) {
    ++(held.state == Held::State::kRunning ? stats.held : stats.untold);
  }
  return stats;
}

}  // namespace gateway
