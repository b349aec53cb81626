// Http1Connection::Upload is the body of a request whose handler wants it as it
// comes. It reads the connection when it is asked to, and not ahead: what the
// handler does not take stays in the socket, and then with the client.
//
// The client's time (HttpServerLimits::BodyPatience) runs only while it is
// waited for.
//
// Thread contract: the connection's event loop.

#ifndef BASE_HTTP_HTTP1_UPLOAD_H_
#define BASE_HTTP_HTTP1_UPLOAD_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/body_source.h"
#include "base/http/http1_connection.h"

namespace gateway {

class Http1Connection::Upload final : public BodySource {
 public:
  // REQUIRES: `connection` has read the head, and outlives this.
  explicit Upload(Http1Connection& connection)
      : connection_(connection),
        length_(connection.parser_.content_length()) {}

  std::optional<uint64_t> length() const override { return length_; }
  absl::StatusOr<State> Take(std::string_view* piece) override;
  void SetWakeUp(WakeUp* wake_up) override { wake_up_ = wake_up; }

  // Called by the connection when Take may have more to say.
  void Notify() {
    if (wake_up_ != nullptr) wake_up_->Set();
  }
  // Makes Take return `why` from now on, whatever still comes.
  void Fail(absl::Status why) {
    error_.Update(std::move(why));
    Notify();
  }
  // Called when the handler has returned: what is still to come is thrown away.
  void Leave();

  const absl::Status& error() const { return error_; }
  // True while the client is waited for; Patience() says for how long yet.
  bool waiting() const { return waiting_; }
  absl::Duration Patience() const;

 private:
  absl::Status ParseInput();
  // Returns false if there is nothing to read now.
  absl::StatusOr<bool> ReadInput();
  absl::Status Failed(absl::Status why) {
    error_.Update(why);
    return why;
  }
  void BeginWaiting();
  void EndWaiting();

  Http1Connection& connection_;
  const std::optional<uint64_t> length_;
  WakeUp* wake_up_ = nullptr;
  absl::Status error_;
  uint64_t received_ = 0;
  bool waiting_ = false;
  absl::Duration waiting_since_;
  absl::Duration waited_;  // Time waited in all before the current wait.
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_UPLOAD_H_
