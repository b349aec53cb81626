#include "base/redis/redis_connection.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/memory/block_pool.h"
#include "base/redis/redis_error.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kSmallestRing = 16;
// A ring that has grown beyond this goes when nothing is pending.
constexpr size_t kKeptRing = 1024;

// What a server sends to who has subscribed begins with one of these.
constexpr std::array<std::string_view, 9> kPushes = {
    "message",      "subscribe", "unsubscribe", "pmessage",    "psubscribe",
    "punsubscribe", "smessage",  "ssubscribe",  "sunsubscribe"};

}  // namespace

// --- RedisCall.

RedisCall::RedisCall(RedisConnection& connection, uint64_t number,
                     CancelSignal* cancel)
    : connection_(&connection), number_(number), cancel_(cancel) {
  connection.At(number).call = this;
}

RedisCall::RedisCall(RedisCall&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      number_(other.number_),
      cancel_(other.cancel_),
      result_(std::move(other.result_)) {
  assert(!other.waiter_);
  if (connection_ != nullptr) connection_->At(number_).call = this;
}

RedisCall::~RedisCall() {
  if (connection_ != nullptr) connection_->At(number_).call = nullptr;
}

bool RedisCall::Await(std::coroutine_handle<> waiter) {
  if (cancel_ != nullptr) {
    const auto give_up = [this] {
      connection_->At(number_).call = nullptr;
      End(cancel_->status());
    };
    if (cancel_->cancelled()) {
      give_up();
      return false;
    }
    on_cancel_.emplace(*cancel_, give_up);
  }
  waiter_ = waiter;
  return true;
}

void RedisCall::End(absl::StatusOr<RedisReply> result) {
  connection_ = nullptr;
  result_ = std::move(result);
  on_cancel_.reset();
  if (waiter_) EventLoop::Current()->Resume(std::exchange(waiter_, nullptr));
}

// --- Beginning and end.

RedisConnection::RedisConnection(const RedisConnectionOptions& options,
                                 std::string address,
                                 std::unique_ptr<Stream> stream)
    : loop_(*EventLoop::Current()),
      options_(options),
      address_(std::move(address)),
      stream_(std::move(stream)),
      reader_(options.reply_limits),
      last_reply_(loop_.Now()),
      timer_([this] { OnTimer(); }) {
  stream_->SetObserver(this);
}

RedisConnection::~RedisConnection() {
  observer_ = nullptr;
  Close(absl::CancelledError("the connection was given up"));
}

Task<absl::Status> RedisConnection::Handshake() {
  // A server that has too many clients says so unasked, perhaps by now.
  if (stream_->readable()) OnUnawaited(false);
  const Secret password = CredentialsOf(options_).password;
  if (!password.empty()) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await Authenticate(password));
  }
  if (!options_.client_name.empty()) {
    // Some proxies refuse it, and it is a name for people only.
    (void)co_await Send(RedisCommand("CLIENT", "SETNAME", options_.client_name),
                        absl::InfiniteDuration());
  }
  if (options_.database != 0) {
    const absl::StatusOr<RedisReply> selected = CheckRedisReply(co_await Send(
        RedisCommand("SELECT", options_.database), absl::InfiniteDuration()));
    if (!selected.ok()) {
      const absl::Status named = Named(selected.status());
      co_return absl::Status(named.code(),
                             absl::StrCat(named.message(), " (of SELECT ",
                                          options_.database, ")"));
    }
  }
  const absl::StatusOr<RedisReply> answered = CheckRedisReply(
      co_await Send(RedisCommand("PING"), absl::InfiniteDuration()));
  GATEWAY_CO_RETURN_IF_ERROR(Named(answered.status()));
  if (!options_.master_only) co_return absl::OkStatus();
  const absl::StatusOr<RedisReply> role =
      co_await Send(RedisCommand("ROLE"), absl::InfiniteDuration());
  GATEWAY_CO_RETURN_IF_ERROR(role.status());
  // Whoever may not ask for it has an error instead.
  if (role->size() > 0 && (*role)[0].text() != "master") {
    co_return Named(absl::UnavailableError("the server is not a master"));
  }
  co_return absl::OkStatus();
}

// The password is written past the queue, which others' commands go through,
// so that no copy of it is left in memory.
Task<absl::Status> RedisConnection::Authenticate(const Secret& password) {
  RedisCommand auth("AUTH");
  auth.Reserve(options_.user.size() + password.Reveal().size() + 64);
  if (!options_.user.empty()) auth.Add(options_.user);
  auth.Add(password.Reveal());
  iovec piece = ToIovec(auth.bytes());
  const uint64_t number = Append(auth.bytes().size(), absl::InfiniteDuration());
  RedisCall call(*this, number, nullptr);
  const absl::Status written = co_await stream_->Write(&piece, 1);
  auth.Wipe();
  if (!written.ok()) Close(written);
  const absl::StatusOr<RedisReply> reply = co_await call;
  GATEWAY_CO_RETURN_IF_ERROR(Named(reply.status()));
  if (!reply->is_error()) co_return absl::OkStatus();
  // A server that does not know the command repeats its arguments. So no more
  // than the first word of its answer is told.
  const absl::Status refused = RedisErrorStatus(reply->text());
  co_return Named(absl::Status(
      absl::IsFailedPrecondition(refused) ? absl::StatusCode::kUnauthenticated
                                          : refused.code(),
      absl::StrCat("AUTH was refused with ",
                   ToAbsl(RedisErrorCode(refused.message())))));
}

void RedisConnection::Close(absl::Status why) {
  if (closed_) return;
  closed_ = true;
  why_closed_ = Named(why);
  timer_.Cancel();
  stream_->SetObserver(nullptr);
  // Nothing is to be waited for if nobody knows whether the peer is there.
  stream_->Close(/*reset=*/size_ > 0);
  output_.Clear();
  for (; size_ > 0; --size_, ++first_) {
    RedisCall* const call = At(first_).call;
    if (call != nullptr) call->End(why_closed_);
  }
  if (observer_ == nullptr) return;
  // A copy, since this may destroy the connection.
  const absl::Status told = why_closed_;
  std::exchange(observer_, nullptr)->OnClosed(told);
}

absl::Status RedisConnection::Named(const absl::Status& why) const {
  return AtRedisServer(address_, why);
}

// --- Commands.

RedisCall RedisConnection::Send(const RedisCommand& command,
                                CancelSignal* cancel) {
  return Send(command, options_.command_timeout, cancel);
}

RedisCall RedisConnection::Send(const RedisCommand& command,
                                absl::Duration timeout, CancelSignal* cancel) {
  if (stalled_ && !closed_) {
    return RedisCall(Named(absl::UnavailableError(
        absl::StrCat("a reply is overdue since ",
                     absl::FormatDuration(loop_.Now() - stalled_since_)))));
  }
  return Enqueue(command.bytes(), timeout, cancel);
}

RedisCall RedisConnection::Probe() {
  return Enqueue(RedisCommand("PING").bytes(), options_.command_timeout,
                 nullptr);
}

absl::Status RedisConnection::SendUnanswered(const RedisCommand& command) {
  GATEWAY_RETURN_IF_ERROR(Refusal(command.bytes().size(), nullptr));
  output_.Append(command.bytes());
  loop_.RunAtTurnEnd(*this);
  return absl::OkStatus();
}

RedisCall RedisConnection::Enqueue(std::string_view bytes,
                                   absl::Duration timeout,
                                   CancelSignal* cancel) {
  absl::Status refusal = Refusal(bytes.size(), cancel);
  if (!refusal.ok()) return RedisCall(std::move(refusal));
  output_.Append(bytes);
  loop_.RunAtTurnEnd(*this);
  return RedisCall(*this, Append(bytes.size(), timeout), cancel);
}

absl::Status RedisConnection::Refusal(size_t bytes,
                                      CancelSignal* cancel) const {
  if (closed_) return why_closed_;
  if (cancel != nullptr && cancel->cancelled()) return cancel->status();
  if (size_ >= options_.commands_in_flight_limit) {
    return Named(absl::ResourceExhaustedError(absl::StrCat(
        "more than the limit of ", options_.commands_in_flight_limit,
        " commands await their replies")));
  }
  if (bytes_in_flight_ + bytes > options_.bytes_in_flight_limit) {
    return Named(absl::ResourceExhaustedError(absl::StrCat(
        "commands that await their replies have more than the limit of ",
        options_.bytes_in_flight_limit, " bytes")));
  }
  return absl::OkStatus();
}

uint64_t RedisConnection::Append(size_t bytes, absl::Duration timeout) {
  if (size_ == ring_.size()) Grow();
  const uint64_t number = first_ + size_++;
  const absl::Duration due = loop_.Now() + timeout;
  At(number) = {nullptr, due, bytes, false};
  bytes_in_flight_ += bytes;
  if (due < timer_due_) ArmFor(due);
  return number;
}

void RedisConnection::Grow() {
  std::vector<Pending> larger(std::max(kSmallestRing, 2 * ring_.size()));
  for (size_t i = 0; i < size_; ++i) {
    larger[(first_ + i) & (larger.size() - 1)] = At(first_ + i);
  }
  ring_ = std::move(larger);
}

// --- Input and output.

void RedisConnection::Flush() {
  while (!output_.empty() && !closed_) {
    const iovec piece = ToIovec(output_.bytes());
    const IoResult wrote = stream_->TryWrite(&piece, 1);
    if (wrote.would_block()) return;
    if (wrote.kind != IoResult::Kind::kBytes) {
      // May destroy this connection.
      return Close(absl::UnavailableError(stream_->error().message()));
    }
    output_.Consume(wrote.bytes);
  }
}

void RedisConnection::OnUnawaited(bool) {
  const Block block = loop_.blocks().Take();
  for (;;) {
    const IoResult got = stream_->TryRead(block.data(), Block::capacity());
    if (got.would_block()) return;
    if (got.kind == IoResult::Kind::kEnd) {
      return Close(absl::UnavailableError("the server closed the connection"));
    }
    if (got.kind == IoResult::Kind::kError) {
      return Close(absl::UnavailableError(stream_->error().message()));
    }
    if (!TakeReplies({block.data(), got.bytes})) return;
  }
}

bool RedisConnection::TakeReplies(std::string_view bytes) {
  const size_t overdue = overdue_;
  absl::Status status = reader_.Feed(bytes);
  while (status.ok()) {
    RedisReply reply;
    const absl::StatusOr<bool> whole = reader_.Next(&reply);
    status = whole.status();
    if (!whole.ok()) break;
    if (!*whole) {
      if (overdue > 0 && overdue_ == 0 && observer_ != nullptr) {
        observer_->OnCaughtUp();
      }
      return true;
    }
    if (!Take(std::move(reply))) return false;
  }
  Close(absl::UnavailableError(
      absl::StrCat("what the server sent is refused: ", status.message())));
  return false;
}

bool RedisConnection::Take(RedisReply reply) {
  if (takes_pushes_ && IsPush(reply)) {
    if (observer_ != nullptr) observer_->OnPush(reply);
    return !closed_;
  }
  if (size_ == 0) {
    Close(reply.is_error()
              ? RedisErrorStatus(reply.text())
              : absl::UnavailableError(
                    "the server sent a reply that nobody asked for"));
    return false;
  }
  const Pending pending = At(first_);
  ++first_;
  --size_;
  bytes_in_flight_ -= pending.bytes;
  if (pending.overdue) --overdue_;
  last_reply_ = loop_.Now();
  if (pending.call != nullptr) pending.call->End(std::move(reply));
  if (size_ == 0 && ring_.size() > kKeptRing)
    std::vector<Pending>().swap(ring_);
  return true;
}

bool RedisConnection::IsPush(const RedisReply& reply) {
  if (reply.type() != RedisType::kArray || reply.size() == 0) return false;
  return std::find(kPushes.begin(), kPushes.end(), reply[0].text()) !=
         kPushes.end();
}

// --- Time.

void RedisConnection::ArmFor(absl::Duration due) {
  timer_due_ = due;
  if (due < absl::InfiniteDuration()) loop_.timers().Arm(timer_, due);
}

void RedisConnection::OnTimer() {
  const absl::Duration now = loop_.Now();
  const bool was_stalled = stalled_;
  absl::Duration next = EndOverdue(now);
  if (overdue_ > 0) {
    const absl::Duration heard = std::max(last_reply_, stalled_since_);
    const absl::Duration end = heard + options_.silence_limit;
    if (now >= end) {
      // May destroy this connection.
      return Close(absl::UnavailableError(
          absl::StrCat("the server has not answered for ",
                       absl::FormatDuration(now - heard))));
    }
    next = std::min(next, end);
  }
  ArmFor(next);
  if (stalled_ && !was_stalled && observer_ != nullptr) observer_->OnStalled();
}

absl::Duration RedisConnection::EndOverdue(absl::Duration now) {
  absl::Duration next = absl::InfiniteDuration();
  for (size_t i = 0; i < size_; ++i) {
    Pending& pending = At(first_ + i);
    if (pending.overdue) continue;
    if (pending.due > now) {
      next = std::min(next, pending.due);
      continue;
    }
    pending.overdue = true;
    if (overdue_++ == 0) stalled_since_ = now;
    stalled_ = true;
    RedisCall* const call = std::exchange(pending.call, nullptr);
    if (call != nullptr) {
      call->End(Named(
          absl::DeadlineExceededError("no reply within the command's time")));
    }
  }
  return next;
}

}  // namespace gateway
