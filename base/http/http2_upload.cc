#include "base/http/http2_upload.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {

Http2Upload::Http2Upload(EventLoop& loop, const HttpServerLimits& limits,
                         ByteBudget::Share& kept, Http2Stream& stream,
                         std::optional<uint64_t> length)
    : loop_(loop),
      limits_(limits),
      stream_(&stream),
      length_(length),
      charge_(kept),
      timer_([this] {
        Fail(absl::DeadlineExceededError("the request did not arrive in time"));
      }) {}

absl::StatusOr<BodySource::State> Http2Upload::Take(std::string_view* piece) {
  *piece = {};
  if (std::exchange(waiting_, false)) {
    waited_ += loop_.Now() - waiting_since_;
    timer_.Disarm();
  }
  GATEWAY_RETURN_IF_ERROR(error_);
  Consume(taken_.size());
  taken_.Clear();
  if (!arrived_.empty()) {
    taken_.Swap(arrived_);
    charge_.Resize(taken_.size());
    *piece = taken_.bytes();
    return State::kPiece;
  }
  charge_.Resize(0);
  if (ended_) return State::kEnd;
  waiting_ = true;
  waiting_since_ = loop_.Now();
  loop_.ArmTimer(timer_, limits_.BodyPatience(waited_, received_));
  return State::kLater;
}

void Http2Upload::Put(std::string_view bytes) {
  arrived_.Append(bytes);
  received_ += bytes.size();
  if (received_ > limits_.body_bytes) {
    Fail(absl::OutOfRangeError(absl::StrCat(
        "the body is larger than ", limits_.body_bytes, " bytes")));
  } else if (!charge_.Resize(arrived_.size() + taken_.size())) {
    Fail(absl::AbortedError(
        "the gateway holds too much of other requests; try again soon"));
  } else {
    Notify();
  }
}

void Http2Upload::End() {
  ended_ = true;
  Notify();
}

void Http2Upload::Fail(absl::Status why) {
  if (!error_.ok()) return;
  error_ = std::move(why);
  // The piece that is in use stays valid, and is consumed when it is given
  // back.
  Consume(arrived_.size());
  arrived_.Clear();
  Notify();
}

void Http2Upload::Consume(size_t bytes) {
  if (stream_ != nullptr && bytes > 0) stream_->Consume(bytes);
}

void Http2Upload::LoseStream(absl::Status why) {
  stream_ = nullptr;
  Fail(std::move(why));
}

void Http2Upload::Leave() {
  timer_.Cancel();
  wake_up_ = nullptr;
  Consume(arrived_.size() + taken_.size());
  arrived_.Clear();
  taken_.Clear();
  charge_.Resize(0);
}

}  // namespace gateway
