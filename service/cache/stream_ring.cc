#include "service/cache/stream_ring.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "service/cache/kept_answer.h"

namespace gateway {
namespace {

absl::Status TooFarBehind(uint64_t wanted, uint64_t first) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_FOUND,
                absl::StrCat("event ", wanted,
                             " of the stream is not kept any more: the "
                             "first that is left is ",
                             first));
  AddFaultMetadata(fault, "first_seq", absl::StrCat(first));
  return fault;
}

}  // namespace

uint64_t StreamRing::Append(std::string bytes) {
  const absl::Duration now = clock_.SteadyTime();
  auto shared = std::make_shared<const std::string>(std::move(bytes));
  MutexLock lock(mu_);
  assert(!ended_);
  const size_t held = HeldBytes(*shared) + sizeof(Kept) + sizeof(std::string) +
                      kAllocationBytes;
  events_.push_back({.bytes = std::move(shared),
                     .held_bytes = held,
                     .expiry = now + limits_.keep});
  size_bytes_ += held;
  const uint64_t seq = last_seq();
  Trim(now);
  waiting_.WakeAll();
  return seq;
}

void StreamRing::SetRoute(std::string_view route) {
  MutexLock lock(mu_);
  route_ = route;
}

std::string StreamRing::route() const {
  MutexLock lock(mu_);
  return route_;
}

void StreamRing::End(absl::Status status) {
  const absl::Duration now = clock_.SteadyTime();
  MutexLock lock(mu_);
  if (ended_) return;
  ended_ = true;
  end_ = std::move(status);
  end_expiry_ = now + limits_.keep;
  waiting_.WakeAll();
}

Task<absl::StatusOr<StreamPiece>> StreamRing::Read(uint64_t after_seq,
                                                   size_t bytes_max,
                                                   EventLoop& loop,
                                                   CancelSignal& cancel) {
  const auto waiter = std::make_shared<LoopWaiter>(loop);
  const CancelListener on_cancel(
      cancel, [woken = waiter.get()] { woken->wake_up.Set(); });
  while (true) {
    {
      MutexLock lock(mu_);
      waiting_.Remove(waiter);
      if (cancel.cancelled()) co_return cancel.status();
      Trim(clock_.SteadyTime());
      StreamPiece piece;
      const absl::StatusOr<bool> taken = Take(after_seq, bytes_max, &piece);
      if (!taken.ok()) co_return taken.status();
      if (*taken) co_return piece;
      waiting_.Add(waiter);
    }
    co_await waiter->wake_up.Wait();
  }
}

bool StreamRing::ended() const {
  MutexLock lock(mu_);
  return ended_;
}

absl::Duration StreamRing::expiry() const {
  MutexLock lock(mu_);
  return end_expiry_;
}

size_t StreamRing::size_bytes() const {
  MutexLock lock(mu_);
  return size_bytes_;
}

void StreamRing::Trim(absl::Duration now) {
  while (!events_.empty() &&
         (size_bytes_ > limits_.size_bytes || events_.front().expiry <= now)) {
    size_bytes_ -= events_.front().held_bytes;
    events_.pop_front();
    ++first_seq_;
  }
}

absl::StatusOr<bool> StreamRing::Take(uint64_t after_seq, size_t bytes_max,
                                      StreamPiece* piece) {
  if (after_seq > last_seq()) {
    return InvalidField("after_seq", absl::StrCat("the stream has ", last_seq(),
                                                  " events by now"));
  }
  const uint64_t next = after_seq == 0 ? first_seq_ : after_seq + 1;
  if (next < first_seq_) return TooFarBehind(next, first_seq_);
  size_t bytes = 0;
  for (uint64_t seq = next; seq <= last_seq() && bytes < bytes_max; ++seq) {
    const Kept& kept = events_[seq - first_seq_];
    piece->events.push_back({.seq = seq, .bytes = kept.bytes});
    bytes += kept.bytes->size();
  }
  const bool is_all = next + piece->events.size() > last_seq();
  piece->ended = ended_ && is_all;
  if (piece->ended) piece->end = end_;
  return piece->ended || !piece->events.empty();
}

}  // namespace gateway
