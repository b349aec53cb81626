#include "service/cache/key_claims.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/async/await_all.h"
#include "base/async/sleep.h"
#include "base/async/timer_wheel.h"
#include "base/async/worker_pool.h"
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
  kEndedLarge = 6,
};

// What else there is in a claim's reply.
constexpr size_t kTokenAt = 2;
constexpr size_t kBytesAt = 3;

// How long who has claimed waits for his turn to fetch, and an end for its turn
// to be told before it is told again.
constexpr absl::Duration kFetchPatience = absl::Seconds(2);
constexpr absl::Duration kTellTurnPatience = absl::Seconds(5);

// An answer that was fetched takes a little more than it did.
constexpr size_t kFetchedAnswerBytesMax = 2 * KeyClaims::kAnswerBytesMax;

RequestKey FetchedKey(const std::string& token) {
  return {.digest = Sha256(token)};
}

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

// Of a reply that has the token of who runs the call, or has.
std::string TokenOf(const RedisReply& reply) {
  return reply.size() > kTokenAt ? std::string(reply[kTokenAt].text())
                                 : std::string();
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
      random_(random),
      watch_("redis", "redis does not take idempotency keys", clock),
      fetched_({.ttl = kFetchedTtl,
                .entries = kFetchedMax,
                .size_bytes = kFetchedBytesMax,
                .answer_bytes = kFetchedAnswerBytesMax},
               clock) {}

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
  held.caller = std::string(ask.caller);
  held.name = NameOf(options_.prefix, ask.caller, ask.key);
  held.token = random_.HexId(kTokenDigits);
  held.fingerprint = ask.fingerprint.Hex();
  held.request_id = std::string(ask.request_id);
  held.ttl = ask.ttl;
  held.answer_bytes_max = std::min(ask.answer_bytes_max, kAnswerBytesMax);
  RedisClient* const client = client_();
  if (client == nullptr) co_return Refuse();
  const bool was_up = client->up();
  RedisCommand call = Begin(kRedisClaimKey, held);
  call.Add(kRedisSmallBytesMax);
  std::string name = held.name;
  const absl::StatusOr<RedisReply> reply = co_await client->CallFunction(
      RedisKeyLibrary(), std::move(call), &cancel);
  // What is known to be away is told of where that was found out.
  if (was_up && !cancel.cancelled()) watch_.Tell(reply.status());
  if (reply.ok()) {
    std::optional<LargeEnd> large;
    absl::StatusOr<Found> found = Read(*reply, std::move(held), &large);
    if (!large.has_value()) co_return found;
    GATEWAY_CO_ASSIGN_OR_RETURN(
        found->end,
        co_await Fetch(*client, ask.caller, std::move(name), *std::move(large),
                       found->request_id, cancel));
    co_return found;
  }
  // Whether it may have been claimed, and nobody has heard of it.
  const bool unheard = cancel.cancelled() ||
                       absl::IsDeadlineExceeded(reply.status()) ||
                       (was_up && absl::IsUnavailable(reply.status()));
  if (unheard) GiveBack(std::move(held));
  if (cancel.cancelled()) co_return cancel.status();
  co_return Refuse();
}

absl::StatusOr<KeyClaims::Found> KeyClaims::Refuse() {
  ++counts_.refused;
  return KeysUnavailable();
}

absl::StatusOr<KeyClaims::Found> KeyClaims::Read(
    const RedisReply& reply, Held held, std::optional<LargeEnd>* large) {
  if (reply.size() < 2) return Refuse();
  Found found = {.request_id = std::string(reply[1].text())};
  switch (static_cast<ClaimState>(reply[0].integer())) {
    case ClaimState::kClaimed:
      found.claim.emplace(Claimed(*this, held.token));
      Hold(std::move(held));
      return found;
    case ClaimState::kEnded:
      if (reply.size() != 3) break;
      ++counts_.replayed;
      found.end = ReadEnd(held.name, reply[2].text(), found.request_id);
      return found;
    case ClaimState::kEndedLarge:
      if (reply.size() != kBytesAt + 1) break;
      ++counts_.replayed;
      *large = {.token = std::string(reply[kTokenAt].text()),
                .bytes = static_cast<size_t>(reply[kBytesAt].integer())};
      return found;
    case ClaimState::kBroken:
      if (FindHere(TokenOf(reply), &found)) return found;
      ++counts_.broken;
      found.end = SharedOutcome{.status = KeyedCallLost(found.request_id)};
      return found;
    case ClaimState::kMismatch:
      ++counts_.mismatches;
      return KeyMismatch(found.request_id);
    case ClaimState::kRunning:
      FindHere(TokenOf(reply), &found);
      return found;
  }
  return Refuse();
}

bool KeyClaims::FindHere(const std::string& token, Found* found) {
  MutexLock lock(mu_);
  const auto here = held_.find(token);
  if (here == held_.end()) return false;
  const Held& held = here->second;
  if (held.state != Held::State::kEnded) return true;
  ++counts_.replayed;
  found->end = held.end;
  if (held.end.status.ok() && held.end.answer == nullptr) {
    found->end->status = KeyedAnswerNotKept(held.request_id);
  }
  return true;
}

Task<absl::StatusOr<SharedOutcome>> KeyClaims::Fetch(
    RedisClient& client, std::string_view caller, std::string name,
    LargeEnd large, const std::string& request_id, CancelSignal& cancel) {
  const RequestKey key = FetchedKey(large.token);
  const auto find = [&] { return fetched_.Find(key); };
  std::optional<ResponseCache::Hit> here = find();
  std::optional<RedisBulk::Turn> turn;
  if (!here) {
    absl::StatusOr<RedisBulk::Turn> its = co_await client.bulk().Await(
        {.whose = caller, .bytes = large.bytes, .patience = kFetchPatience},
        &cancel);
    if (cancel.cancelled()) co_return cancel.status();
    if (!its.ok()) co_return Refuse().status();
    turn.emplace(*std::move(its));
    // Somebody else may have fetched it meanwhile.
    here = find();
  }
  if (here) {
    ++counts_.found_here;
    co_return SharedOutcome{.answer = std::move(here->answer)};
  }
  RedisCommand get("HMGET", RedisKey(name));
  get.Add("token").Add("end");
  const absl::StatusOr<RedisReply> reply =
      co_await client.bulk().Call(*std::move(turn), std::move(get), &cancel);
  if (cancel.cancelled()) co_return cancel.status();
  watch_.Tell(reply.status());
  // Redis may have lost it since, and somebody have claimed it anew.
  if (!reply.ok() || reply->size() != 2 || (*reply)[0].text() != large.token) {
    co_return Refuse().status();
  }
  ++counts_.fetched;
  const std::string_view bytes = (*reply)[1].text();
  const auto read = [&] { return ReadEnd(name, bytes, request_id); };
  SharedOutcome end = co_await OffLoop(bytes.size(), read);
  if (end.answer != nullptr) fetched_.Put(key, end.answer);
  co_return end;
}

void KeyClaims::Hold(Held held) {
  held.renewed = clock_.SteadyTime();
  held.due = held.renewed + options_.renew_interval;
  MutexLock lock(mu_);
  Add(std::move(held));
  if (held_.size() == 1) Poke();  // Run has looked after nothing until now.
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
    if (FaultReason(held.end.status) == v1::ERROR_REASON_CANCELLED) {
      held.end.status = KeyedCallCut(held.request_id);
    }
    SetRoom(0, &held);
    const size_t bytes = EndBytes(held.end);
    if (held.end.answer != nullptr &&
        (bytes > held.answer_bytes_max || !HasRoom(held, bytes))) {
      ++counts_.answers_left;
      held.end.answer = nullptr;
    }
    SetRoom(EndBytes(held.end), &held);
    if (IsLarge(held)) fetched_.Put(FetchedKey(token), held.end.answer);
  }
  Poke();
}

bool KeyClaims::HasRoom(const Held& held, size_t bytes) const {
  const auto found = end_bytes_of_.find(held.caller);
  const size_t of_caller = found == end_bytes_of_.end() ? 0 : found->second;
  return end_bytes_ + bytes <= kEndBytesMax &&
         of_caller + bytes <= kEndBytesOfOneMax;
}

void KeyClaims::SetRoom(size_t bytes, Held* held) {
  const auto of_caller = end_bytes_of_.try_emplace(held->caller).first;
  end_bytes_ += bytes - held->end_bytes;
  of_caller->second += bytes - held->end_bytes;
  held->end_bytes = bytes;
  if (of_caller->second == 0) end_bytes_of_.erase(of_caller);
}

bool KeyClaims::TakeRoom(const std::string& token, size_t bytes) {
  MutexLock lock(mu_);
  Held& held = held_.find(token)->second;
  // One that is not kept needs none.
  if (bytes > held.answer_bytes_max) return true;
  const bool has_room = HasRoom(held, bytes);
  if (has_room) SetRoom(bytes, &held);
  return has_room;
}

Task<void> KeyClaims::AwaitRoom(const std::string& token, size_t bytes,
                                EventLoop& loop, CancelSignal& cancel) {
  const absl::Duration by = clock_.SteadyTime() + kRoomPatience;
  while (!TakeRoom(token, bytes)) {
    const RedisClient* const client = client_();
    const bool is_up = client != nullptr && client->up();
    if (!is_up || clock_.SteadyTime() >= by) co_return;
    const absl::Status waited = co_await Sleep(loop, kRoomLook, cancel);
    if (!waited.ok()) co_return;
  }
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

KeyClaims::Held KeyClaims::RenewalOf(const Held& held) {
  Held renewal = held;
  renewal.state = Held::State::kRunning;
  renewal.end = {};
  return renewal;
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
    const bool is_large = IsLarge(held);
    const bool is_running = held.state == Held::State::kRunning;
    const size_t held_bytes = is_large || is_running ? 0 : held.end_bytes;
    if (due.size() >= kTellMax) break;
    if (!due.empty() && bytes + held_bytes > kTellBytesMax) continue;
    bytes += held_bytes;
    if (is_large ? !held.telling : !is_running) {
      due.push_back(held);
    }
    if (is_large || is_running) {
      // It takes a while, or is not told to Redis at all.
      if (now - held.renewed >= options_.renew_interval) {
        due.push_back(RenewalOf(held));
        held.renewed = now;
      }
      held.telling = is_large;
      SetDue(held.renewed + options_.renew_interval, &held);
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
  if (client == nullptr) {
    for (const Held& held : due) {
      if (IsLarge(held)) OnTold(held, absl::CancelledError("no client"));
    }
    co_return;
  }
  const auto small = std::partition(due.begin(), due.end(), IsLarge);
  for (auto large = due.begin(); large != small; ++large) {
    Spawn(TellLarge(*client, std::move(*large)));
  }
  due.erase(due.begin(), small);
  std::vector<Task<absl::StatusOr<RedisReply>>> calls;
  calls.reserve(due.size());
  for (const Held& held : due) {
    calls.push_back(client->CallFunction(RedisKeyLibrary(), Tell(held)));
  }
  const std::vector<absl::StatusOr<RedisReply>> replies =
      co_await AwaitAll(std::move(calls));
  for (size_t i = 0; i < replies.size(); ++i) {
    OnTold(due[i], replies[i]);
  }
}

bool KeyClaims::IsLarge(const Held& held) {
  return held.state == Held::State::kEnded && held.end.answer != nullptr &&
         held.end_bytes > kRedisSmallBytesMax;
}

Task<void> KeyClaims::TellLarge(RedisClient& client, Held held) {
  ++telling_large_;
  absl::StatusOr<RedisReply> reply = absl::CancelledError("it had no turn");
  absl::StatusOr<RedisBulk::Turn> turn =
      co_await client.bulk().Await({.whose = held.caller,
                                    .bytes = held.end_bytes,
                                    .patience = kTellTurnPatience},
                                   &stop_telling_);
  if (turn.ok()) {
    const auto write = [&] { return Tell(held); };
    RedisCommand call = co_await OffLoop(held.end_bytes, write);
    reply = co_await client.bulk().CallFunction(
        *std::move(turn), RedisKeyLibrary(), std::move(call), &stop_telling_);
  }
  OnTold(held, reply);
  --telling_large_;
  wake_.Set();
}

void KeyClaims::OnTold(const Held& told,
                       const absl::StatusOr<RedisReply>& reply) {
  const absl::Duration now = clock_.SteadyTime();
  Holding::node_type dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  const auto found = held_.find(told.token);
  // What has ended meanwhile is told next.
  if (found == held_.end() || told.state == Held::State::kRunning) return;
  Held& held = found->second;
  if (!reply.ok() && now < held.give_up) {
    if (std::exchange(held.telling, false)) {
      SetDue(now + held.interval, &held);
      held.interval = std::min(2 * held.interval, kTellLongest);
    }
    return;
  }
  // Where Redis has lost the claim, another call may have the key by now.
  const bool is_end = told.state == Held::State::kEnded;
  if (!reply.ok() || (is_end && reply->integer() == 0)) ++counts_.lost;
  SetRoom(0, &held);
  by_due_.erase({found->second.due, told.token});
  dropped = held_.extract(found);
}

void KeyClaims::LookForRedis() {
  RedisClient* const client = client_();
  const bool is_up = client != nullptr && client->up();
  const bool is_back = is_up && !was_up_;
  was_up_ = is_up;
  if (!is_back) return;
  const absl::Duration now = clock_.SteadyTime();
  MutexLock lock(mu_);
  for (auto& [token, held] : held_) {
    SetDue(now, &held);
    held.renewed = now - options_.renew_interval;
    held.interval = kTellFirst;
  }
}

bool KeyClaims::HasUntold() const {
  MutexLock lock(mu_);
  return std::any_of(held_.begin(), held_.end(), [](const auto& each) {
    return each.second.state != Held::State::kRunning;
  });
}

bool KeyClaims::HasHeld() const {
  MutexLock lock(mu_);
  return !held_.empty();
}

Task<void> KeyClaims::Run(EventLoop& loop) {
  {
    MutexLock lock(mu_);
    loop_ = &loop;
  }
  Timer next_due([this] { wake_.Set(); });
  for (;;) {
    const bool is_late = stop_by_ && clock_.SteadyTime() >= *stop_by_;
    if (stop_by_ && (is_late || !HasUntold())) break;
    LookForRedis();
    absl::Duration next;
    std::vector<Held> due = TakeDue(&next);
    if (!due.empty()) co_await TellDue(std::move(due));
    if (stop_by_ && !HasUntold()) continue;
    if (stop_by_) next = std::min(next, *stop_by_);
    if (HasHeld()) next = std::min(next, clock_.SteadyTime() + kLookInterval);
    const absl::Duration wait = next - clock_.SteadyTime();
    loop.ArmTimer(next_due, std::max(wait, absl::Milliseconds(1)));
    co_await wake_.Wait();
  }
  stop_telling_.Cancel(absl::CancelledError("the process ends"));
  while (telling_large_ > 0) co_await wake_.Wait();
  {
    MutexLock lock(mu_);
    loop_ = nullptr;
  }
  ended_.Open();
}

void KeyClaims::Stop(EventLoop& loop, absl::Duration patience) {
  loop.Post([this, patience] { StopOnLoop(patience); });
  ended_.Wait();
}

void KeyClaims::StopOnLoop(absl::Duration patience) {
  stop_by_ = clock_.SteadyTime() + patience;
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
                 .answers_left = counts_.answers_left,
                 .fetched = counts_.fetched,
                 .found_here = counts_.found_here};
  MutexLock lock(mu_);
  for (const auto& [token, held] : held_) {
    ++(held.state == Held::State::kRunning ? stats.held : stats.untold);
  }
  return stats;
}

}  // namespace gateway
