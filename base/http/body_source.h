// BodySource is a body that comes bit by bit and waits while nobody takes it:
// of a request that a server reads as it comes (HttpRequest::source), and of
// one that a client sends as the other side takes it (HttpCall::source). What a
// listener gets can be passed on as it is, and a slow upstream holds the sender
// back:
//
//   co_await client.Send({.head = &head, .source = request.source, ...});
//
// or it is read:
//
//   for (;;) {
//     GATEWAY_CO_ASSIGN_OR_RETURN(const std::string_view piece,
//                                 co_await request.source->Read());
//     if (piece.empty()) break;  // That was all.
//     ...
//   }
//
// Whoever takes it uses Take and SetWakeUp, or Read; one taker at a time.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_BODY_SOURCE_H_
#define BASE_HTTP_BODY_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"

namespace gateway {

class BodySource {
 public:
  enum class State {
    kPiece,  // `*piece` is the next one; set only then.
    kLater,  // Nothing has come since the last piece.
    kEnd,    // All of it has been taken.
  };

  // Bytes of the whole body, if that is known before they are there.
  virtual std::optional<uint64_t> length() const = 0;

  // Takes the next piece, of at least one byte; it is valid until the next
  // call. Not calling holds the sender back, without memory for more than a
  // piece or a window of HTTP/2.
  //
  // Errors, after which there is nothing more: of a request, those that the
  // server would refuse it with (StatusOfRefusal), and CANCELLED or UNAVAILABLE
  // when its client is gone.
  virtual absl::StatusOr<State> Take(std::string_view* piece) = 0;

  // Has `wake_up` set when, after kLater, Take may have more to say; it may be
  // set too often. Borrows it; null to be told nothing.
  virtual void SetWakeUp(WakeUp* wake_up) = 0;

  // Awaits the next piece; empty at the end. Valid until the next call.
  Task<absl::StatusOr<std::string_view>> Read();

 protected:
  ~BodySource() = default;
};

}  // namespace gateway

#endif  // BASE_HTTP_BODY_SOURCE_H_
