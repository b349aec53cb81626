// Http2Linger leaves a connection on which all has been said to its peer to
// close. To close a socket on which the peer still sends, if only credit for
// what it has read so far, destroys what is on the way to it.
//
//   stream.ShutdownWrite();
//   Http2Linger linger(stream, absl::Seconds(30), [this] { Close(); });
//   linger.Begin();
//
// What still comes is thrown away. A peer that says too much, or nothing for a
// second, is waited for no longer.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP2_LINGER_H_
#define BASE_HTTP_HTTP2_LINGER_H_

#include <cstddef>
#include <functional>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/net/stream.h"

namespace gateway {

class Http2Linger final : private Stream::Observer {
 public:
  // Waits for the peer for `in_all` at most. `on_over` is called once, possibly
  // from within Begin; it must not destroy this. Borrows the stream.
  Http2Linger(Stream& stream, absl::Duration in_all,
              std::function<void()> on_over);
  ~Http2Linger();

  Http2Linger(const Http2Linger&) = delete;
  Http2Linger& operator=(const Http2Linger&) = delete;

  void Begin();

  // How many bytes the peer may still send.
  static constexpr size_t kBytesMax = 256 * 1024;

 private:
  void OnUnawaited(bool hung_up) override;
  void Wait();
  void End();

  EventLoop& loop_;
  Stream& stream_;
  const absl::Duration until_;
  const std::function<void()> on_over_;
  bool over_ = false;
  size_t bytes_ = 0;
  Timer timer_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_LINGER_H_
