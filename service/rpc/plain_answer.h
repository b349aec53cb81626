// PlainAnswer answers a request that is not gRPC, in the words of HTTP: after
// all that the client sends has been thrown away, since many read no answer
// before, or after so much of it or so long that it is not worth waiting.
//
//   if (head.http_status != 200) PlainAnswer::Start(stream, head, ended);
//
// Thread contract: the connection's event loop.

#ifndef SERVICE_RPC_PLAIN_ANSWER_H_
#define SERVICE_RPC_PLAIN_ANSWER_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/timer_wheel.h"
#include "base/http/http2_stream.h"
#include "base/memory/recycler.h"
#include "base/text/short_text.h"
#include "service/rpc/request_head.h"

namespace gateway {

class PlainAnswer final : public Recycled, private Http2StreamEvents {
 public:
  // Answers the request on `stream`. `ended` says that it has no body.
  static void Start(Http2Stream& stream, const RequestHead& head, bool ended);

 private:
  PlainAnswer(Http2Stream& stream, const RequestHead& head);
  ~PlainAnswer() = default;

  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnEnd(Http2Stream& stream) override;
  void OnClosed(Http2Stream& stream, Http2Error error,
                const absl::Status& why) override;
  void Answer();

  Http2Stream& stream_;
  const int http_status_;
  const bool is_head_;
  const ShortText request_id_;
  size_t bytes_ = 0;
  Timer too_slow_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_PLAIN_ANSWER_H_
