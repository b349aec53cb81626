// Http2Session speaks HTTP/2 over one connection, as server or as client. The
// protocol engine is nghttp2; this class gives it a socket, timers, limits and
// C++ lifetimes, and knows nothing of what is carried.
//
//   class Echo final : public Http2Session::Owner, public Http2StreamEvents {
//     void OnRequest(Http2Stream& stream, absl::Span<const HttpField>,
//                    bool) override {
//       stream.SetEvents(this);
//       const HttpField head[] = {{":status", "200"}};
//       stream.SendHead(head);
//     }
//     void OnData(Http2Stream& stream, std::string_view bytes) override {
//       stream.Send(bytes);
//       stream.Consume(bytes.size());
//     }
//     void OnEnd(Http2Stream& stream) override { stream.End(); }
//     ...
//   };
//
// Nothing that is sent leaves at once: all that becomes ready on a connection
// in one turn of the loop leaves in one write at its end. (Under TLS in one for
// each 16 KB: a record is made where OpenSSL wants it, and to gather several
// would take a copy of each.) What is read goes to nghttp2 where it lies. An
// idle connection holds no buffer but nghttp2's own, for one frame.
//
// Flow control: connection credit returns as bytes arrive, stream credit when
// they are consumed. So a slow consumer closes its own stream's window and no
// other's, and what a connection can make its owner hold is its streams times
// the stream window (CheckHttp2Limits).
//
// A peer that keeps the connection busy with frames that carry nothing uses up
// a budget (base/http/http2_guard.h), and is closed with ENHANCE_YOUR_CALM.
// A request that a client gives up in the same bytes in which it comes is told
// to nobody, and of many that come at once a few are told of in each turn of
// the loop (base/http/http2_turn_share.h). Whoever breaks the rules loses all
// streams at the end of the turn, and the connection within a second, also if
// it does not read why.
//
// Thread contract: one event loop. Events may call anything here except the
// session's destructor, which is for OnEnded alone.

#ifndef BASE_HTTP_HTTP2_SESSION_H_
#define BASE_HTTP_HTTP2_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/http/field_block.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_guard.h"
#include "base/http/http2_limits.h"
#include "base/http/http2_linger.h"
#include "base/http/http2_names.h"
#include "base/http/http2_output.h"
#include "base/http/http2_stream.h"
#include "base/http/http2_turn_share.h"
#include "base/memory/recycler.h"
#include "base/net/stream.h"

typedef struct nghttp2_session nghttp2_session;

namespace gateway {

class Http2Session final : private Stream::Observer,
                           private TurnEndTask,
                           public Recycled {
 public:
  enum class Role { kServer, kClient };

  class Owner {
   public:
    // Server only: the head of a new request, after which comes no body if
    // `ended`. The owner calls SetEvents, or answers, or resets the stream.
    // The fields' views end with the call.
    virtual void OnRequest(Http2Stream& stream,
                           absl::Span<const HttpField> fields, bool ended);

    // Server only: a request with a head over the limit. Answered 431 unless
    // overridden.
    virtual void OnOversizedRequest(Http2Stream& stream);

    // Tells that the session now holds `now` bytes, where it held `before`,
    // that no handler accounts for: header blocks that have not ended, what
    // waits for the next turn, and streams whose events are null, such as those
    // of answers that the peer does not take. Called at the end of a turn.
    virtual void OnHeld(size_t before, size_t now) {
      static_cast<void>(before);
      static_cast<void>(now);
    }

    // Server only: called once no further request can come, since the second
    // GOAWAY of a drain is on its way. Not called if the connection is closed
    // before.
    virtual void OnLastRequest() {}

    // Client only: called when accepting() may have changed, either way.
    virtual void OnCapacity() {}

    // Called once, at the end of a turn, when the connection is closed and all
    // streams were told; may destroy the session. `why` is OK if it was
    // drained, idle or closed by the peer in peace; see IsFlood.
    virtual void OnEnded(const absl::Status& why) = 0;

   protected:
    ~Owner() = default;
  };

  // Returns whether `why`, with which a server's session has ended, says that
  // the client sent a flood.
  static bool IsFlood(const absl::Status& why) { return absl::IsAborted(why); }

  // Takes over a connected stream, after TLS. Borrows `limits` and `owner`.
  Http2Session(Role role, std::unique_ptr<Stream> stream,
               const Http2Limits& limits, Owner& owner);

  // REQUIRES: OnEnded was called, or Start was not.
  ~Http2Session();

  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Begins to read and write. `bytes` were read from the stream already.
  void Start(std::string_view bytes = {});

  // Client only: begins a request; pseudo fields first, names in lower case.
  // With `end` there is no body. Null if not accepting().
  Http2Stream* StartRequest(absl::Span<const HttpField> fields, bool end,
                            Http2StreamEvents& events);

  // Client only: true if another request may begin now. Until the peer's
  // settings are there, this guesses what it allows.
  bool accepting() const;

  // True once the peer has shown that it speaks HTTP/2, and said what it
  // allows.
  bool settings_received() const { return settings_received_; }

  // True if no request may begin on this connection ever again.
  bool retiring() const {
    return phase_ != Phase::kOpen || goodbye_ != Goodbye::kNo ||
           goaway_received_;
  }

  size_t open_streams() const { return open_streams_; }

  // Takes no new streams, lets those that are open end, and closes. A server
  // says so twice, so that no request on its way is lost (RFC 9113 §6.8).
  void Drain();

  // Closes at the end of the turn. Streams and owner are told `why`.
  void Close(absl::Status why);

  // Steady time at which bytes came last.
  absl::Duration last_read() const { return last_read_; }

  std::string PeerAddress() const { return stream_->PeerAddress(); }

 private:
  friend class Http2Stream;
  friend class Http2Callbacks;

  struct Delete {
    void operator()(nghttp2_session* session) const noexcept;
  };
  using Nghttp2 = std::unique_ptr<nghttp2_session, Delete>;

  // The phases of a connection, which come in this order; some may be left out.
  enum class Phase {
    kOpen,
    kRefused,    // The peer is still to be told why; nothing is read.
    kOver,       // Nothing is read or written any more.
    kLingering,  // The streams were told; the peer is given time to close.
    kParted,     // The peer has closed, or its time is over.
    kEnded,      // The owner was told, too.
  };
  // How many GOAWAYs of a drain were sent.
  enum class Goodbye { kNo, kAnnounced, kSaid };

  nghttp2_session* nghttp2() const { return nghttp2_.get(); }
  bool over() const { return phase_ >= Phase::kOver; }
  // Closes the connection if nghttp2 failed. It does for want of memory, or for
  // our own mistakes; then nothing on the connection can be relied on.
  void FailOnError(int result);

  void OnUnawaited(bool hung_up) override;
  void OnWritable() override;
  void OnTurnEnd() override;

  void SubmitSettings();
  void Read();
  // Reads once. Returns false if there is nothing to read now.
  bool ReadOnce();
  // Returns what has to wait for the next turn.
  std::string_view Feed(std::string_view bytes);
  Http2Guard::StreamState StateOf(int32_t id) const;
  // True while so much waits for the peer to read that we read no more from it.
  bool clogged() const;
  void Flush();
  // Writes once. Returns false when there is nothing to write now.
  bool WriteOnce();
  void OnSent(Http2Stream* stream);
  void CallSent();
  void EndIfDone();
  void Finish();
  void End();
  void ScheduleFlush();

  // Tells the peer that it has broken the rules, and closes.
  void Refuse(const Http2Guard::Violation& violation);
  // Logs that the peer was refused.
  void OnRefused();

  // Called when a stream's events became null: the session accounts for what it
  // holds.
  void OnLeft(Http2Stream& stream);
  void TellHeld();

  Http2Stream* AddStream(int32_t id);
  void RemoveStream(Http2Stream* stream, Http2Error error,
                    const absl::Status& why);
  static void TellClosed(Http2Stream* stream, Http2Error error,
                         const absl::Status& why);
  // Tells all streams that they are over, though nghttp2 still has them.
  void TellStreams();
  absl::Status WhyStreamsEnd() const;

  void Arm(Timer& timer, absl::Duration delay);
  void WatchHeaderBlock();
  void WatchForStalls();
  void OnHandshakeTimeout();
  void OnFarewellTimeout();
  void OnIdle();
  void OnKeepalive();
  void OnAge();
  void OnStallCheck();
  void SayGoodbye();  // Sends the second GOAWAY of a server's drain.

  // Constant after construction.
  EventLoop& loop_;
  const Role role_;
  const Http2Limits& limits_;
  Owner& owner_;

  const std::unique_ptr<Stream> stream_;
  const Nghttp2 nghttp2_;
  Http2Output output_;
  Http2Names names_;  // Of trailers that were sent.
  Http2Guard guard_;

  Http2TurnShare share_;

  // The header block that is being read. Blocks do not interleave.
  FieldBlock block_;
  size_t block_bytes_ = 0;

  Http2Stream* first_ = nullptr;
  // The stream that nghttp2 named last; often the next, too.
  Http2Stream* latest_ = nullptr;
  size_t open_streams_ = 0;
  size_t left_bytes_ = 0;  // Bytes held by streams whose events are null.
  size_t held_told_ = 0;   // What OnHeld was told last.
  // Streams to call OnSent of; null for one gone meanwhile.
  std::vector<Http2Stream*> sent_;

  Phase phase_ = Phase::kOpen;
  Goodbye goodbye_ = Goodbye::kNo;
  bool settings_received_ = false;
  bool settings_acked_ = false;
  bool goaway_received_ = false;
  bool pinged_ = false;  // A keepalive ping is out, and nothing has come since.
  // The connection has reached its greatest age; the grace runs.
  bool aged_ = false;
  bool read_more_ = false;
  bool read_paused_ = false;  // True while clogged.
  // Output waited at the last look, and none was taken since.
  bool output_waiting_ = false;
  bool body_moved_ = false;  // A body has moved since stalls were looked for.
  absl::Status why_;

  absl::Duration last_read_;
  absl::Duration linger_in_all_;  // Zero to close at once.
  std::unique_ptr<Http2Linger> linger_;
  Timer handshake_timer_;  // Also times header blocks.
  Timer idle_timer_;
  Timer keepalive_timer_;
  Timer age_timer_;
  Timer stall_timer_;
  // Runs between two GOAWAYs, and while the peer is refused.
  Timer farewell_timer_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_SESSION_H_
