// A RingResponder sends a stream that its caller may come back to: each event
// is given an id, kept, and passed on while the caller is there. It never says
// that the caller is gone: the call goes on.
//
// Ids are `request_id:seq`, so that a client that sends the last one it has
// seen back, in `last-event-id`, has said all that is needed.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_HTTP_RING_RESPONDER_H_
#define SERVICE_HTTP_RING_RESPONDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/http/sse_cutter.h"
#include "service/pipeline/resumable_call.h"

namespace gateway {

class RingResponder final : public HttpResponder {
 public:
  // All must outlive this. REQUIRES: the call is open.
  RingResponder(HttpResponder& to, ResumableCall& call,
                std::string_view request_id)
      : to_(to), call_(call), request_id_(request_id) {}

  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override {
    return to_.Send(head, body);
  }
  void Start(HttpAnswerHead head) override { to_.Start(head); }
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override;
  Task<absl::Status> Finish() override;
  void Abort() override;
  void GoOnAfterAnswer() override { to_.GoOnAfterAnswer(); }
  CancelSignal& gone() override { return to_.gone(); }
  std::string_view peer() const override { return to_.peer(); }

 private:
  // Gives what has come to whole events their ids, and keeps them.
  void Cut();
  // Passes `out_` on.
  Task<absl::Status> Pass();

  // Of a longer event nobody knows where it ends.
  static constexpr size_t kEventBytesMax = 8 * 1024 * 1024;

  HttpResponder& to_;
  ResumableCall& call_;
  const std::string_view request_id_;
  SseCutter cutter_;
  uint64_t seq_ = 0;  // Of the last event.
  std::string out_;
  bool cuts_ = true;     // Until there is an event that is too long.
  bool is_here_ = true;  // Once gone, who comes back reads elsewhere.
};

// How a stream has ended that was broken off.
absl::Status BrokenOff();

}  // namespace gateway

#endif  // SERVICE_HTTP_RING_RESPONDER_H_
