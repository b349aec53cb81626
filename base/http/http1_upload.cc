#include "base/http/http1_upload.h"

#include "base/http/http_server.h"
#include "base/status_macros.h"

namespace gateway {

absl::StatusOr<BodySource::State> Http1Connection::Upload::Take(
    std::string_view* piece) {
  *piece = {};
  EndWaiting();
  GATEWAY_RETURN_IF_ERROR(error_);
  if (std::exchange(connection_.timed_out_, false)) {
    return Failed(
        absl::DeadlineExceededError("the request did not arrive in time"));
  }
  BodyAssembler& body = connection_.body_;
  body.Clear();
  for (;;) {
    const absl::Status parsed = ParseInput();
    if (!parsed.ok()) return Failed(parsed);
    if (!body.bytes().empty()) {
      *piece = body.bytes();
      received_ += piece->size();
      return State::kPiece;
    }
    if (connection_.parser_.done()) return State::kEnd;
    const absl::StatusOr<bool> read = ReadInput();
    if (!read.ok()) return Failed(read.status());
    if (*read) continue;
    BeginWaiting();
    return State::kLater;
  }
}

absl::Status Http1Connection::Upload::ParseInput() {
  InputBuffer& input = connection_.input_;
  if (input.bytes().empty() || connection_.parser_.done()) {
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(
      const size_t used,
      connection_.parser_.Put(input.bytes(), connection_.body_));
  input.Consume(used);
  return absl::OkStatus();
}

absl::StatusOr<bool> Http1Connection::Upload::ReadInput() {
  InputBuffer& input = connection_.input_;
  if (connection_.stream_->readable()) {
    const absl::Span<char> space = input.Space();
    if (space.empty()) {
      return absl::InvalidArgumentError("a chunk's head is too long");
    }
    GATEWAY_ASSIGN_OR_RETURN(const size_t bytes, connection_.TryRead(space));
    input.Commit(bytes);
    if (bytes > 0) return true;
  } else if (connection_.stream_->closed()) {
    return absl::UnavailableError("the client is gone");
  }
  // While it waits, the connection holds no block if it can be avoided.
  input.Release();
  return false;
}

void Http1Connection::Upload::BeginWaiting() {
  waiting_ = true;
  waiting_since_ = connection_.server_.loop_.Now();
  // While an answer is being written, that sets the timer.
  if (connection_.phase_ != Phase::kWriting) {
    connection_.SetPhase(Phase::kBody);
  }
}

void Http1Connection::Upload::EndWaiting() {
  if (!std::exchange(waiting_, false)) return;
  waited_ += connection_.server_.loop_.Now() - waiting_since_;
  if (connection_.phase_ == Phase::kBody) {
    connection_.SetPhase(Phase::kHandling);
  }
}

absl::Duration Http1Connection::Upload::Patience() const {
  const Http1Connection& client = connection_;
  const absl::Duration age =
      waited_ + (client.server_.loop_.Now() - waiting_since_);
  return client.server_.limits_.BodyPatience(age, received_);
}

void Http1Connection::Upload::Leave() {
  EndWaiting();
  wake_up_ = nullptr;
  connection_.timed_out_ = false;
}

}  // namespace gateway
