#include "service/cache/audience.h"

#include <cassert>
#include <cstddef>
#include <optional>
#include <utility>

#include "errors/fault.h"

namespace gateway {

Audience::Seat& Audience::Seat::operator=(Seat&& other) noexcept {
  if (this != &other) {
    Leave();
    audience_ = std::move(other.audience_);
  }
  return *this;
}

void Audience::Seat::Leave() {
  if (audience_ != nullptr) std::exchange(audience_, nullptr)->Leave();
}

Audience::Audience() : grace_over_([this] { OnGraceOver(); }) {}

std::optional<Audience::Seat> Audience::Join() {
  MutexLock lock(mu_);
  if (given_up_) return std::nullopt;
  ++seats_;
  return Seat(shared_from_this());
}

CancelSignal& Audience::Begin(EventLoop& loop, absl::Duration grace) {
  MutexLock lock(mu_);
  assert(loop_ == nullptr && seats_ > 0);
  loop_ = &loop;
  grace_ = closed_ ? absl::ZeroDuration() : grace;
  return cancel_;
}

void Audience::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  grace_ = absl::ZeroDuration();
  if (seats_ > 0 || loop_ == nullptr) return;
  loop_->Post([self = shared_from_this()] { self->OnEmpty(); });
}

void Audience::End() {
  // What has been posted finds nothing to do.
  grace_over_.Cancel();
  MutexLock lock(mu_);
  loop_ = nullptr;
  given_up_ = false;
}

size_t Audience::size() const {
  MutexLock lock(mu_);
  return seats_;
}

void Audience::Leave() {
  MutexLock lock(mu_);
  if (--seats_ > 0 || loop_ == nullptr) return;
  // Within the lock, so that the loop is there: End comes before its end.
  loop_->Post([self = shared_from_this()] { self->OnEmpty(); });
}

void Audience::OnEmpty() {
  {
    MutexLock lock(mu_);
    if (loop_ == nullptr || seats_ > 0) return;
    if (grace_ == absl::InfiniteDuration()) return;
    if (grace_ > absl::ZeroDuration()) {
      // Each time that the last one leaves, the grace begins anew.
      loop_->ArmTimer(grace_over_, grace_);
      return;
    }
  }
  OnGraceOver();
}

void Audience::OnGraceOver() {
  {
    MutexLock lock(mu_);
    if (loop_ == nullptr || seats_ > 0) return;
    given_up_ = true;
  }
  cancel_.Cancel(MakeFault(v1::ERROR_REASON_CANCELLED,
                           "nobody waits for the answer any more"));
}

}  // namespace gateway
