// A ResumableCall is a streamed call that outlives its caller's connection: it
// goes on for a grace, within which its caller comes back for what it has not
// got (service/cache/stream_ring.h). Whoever speaks the caller's protocol wraps
// what it sends by:
//
//   ResumableCall resumable(loop, responder.gone());
//   Call call(..., resumable.cancel(), ...);
//   ...
//   resumable.Open(streams, OwnerOf(*caller, "http"), request_id,
//                  call.planned.reason);
//   resumable.Append(bytes);      // Each event, as it is sent.
//   resumable.End(co_await RunCall(...));
//
// The pipeline knows nothing of it: there is one call, one record and one end.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_RESUMABLE_CALL_H_
#define SERVICE_PIPELINE_RESUMABLE_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "service/cache/audience.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "service/identity/caller.h"

namespace gateway {

class ResumableCall {
 public:
  // `gone` fires when the caller goes, and must outlive this.
  ResumableCall(EventLoop& loop, CancelSignal& gone);
  // Ends the stream, if it has not been.
  ~ResumableCall();

  ResumableCall(const ResumableCall&) = delete;
  ResumableCall& operator=(const ResumableCall&) = delete;

  // What ends the call: its caller's going, as long as it is not open.
  CancelSignal& cancel() { return cancel_; }

  // From here on the caller may leave and come back. Does nothing if there is
  // no room for the stream, or it has one of that id. To be called once.
  // `route`, how the call is routed, is read when the first event is kept;
  // until then it is borrowed.
  void Open(ResumableStreams& streams, std::string_view owner,
            std::string_view request_id, const std::string_view& route);
  bool is_open() const { return ring_ != nullptr; }

  // Keeps an event; not once the stream has ended. REQUIRES: is_open().
  void Append(std::string bytes);

  // The stream has ended so, and who comes back is told it. Later ones mean
  // nothing, and so does one of a call that is not open.
  void End(absl::Status status);

  // The same of one that nobody can go on with, though it goes on.
  void GiveUp(absl::Status status);

 private:
  void OnGone();

  EventLoop& loop_;
  CancelSignal& gone_;
  CancelSignal cancel_;
  std::shared_ptr<StreamRing> ring_;
  std::optional<Audience::Seat> seat_;  // The caller's.
  const std::string_view* route_ = nullptr;  // Null once the ring has it.
  bool ended_ = false;
  std::optional<CancelListener> on_given_up_;
  CancelListener on_gone_;
};

// Whose stream it is, and in which form it is kept, such as `grpc`: in another
// it cannot be gone on with.
std::string OwnerOf(const Caller& caller, std::string_view form);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESUMABLE_CALL_H_
