// Http2Stream is one request and its response on an Http2Session, seen from
// one end; Http2StreamEvents is told what the other end does. See
// base/http/http2_session.h for how they are used.
//
// Thread contract: the session's event loop.

#ifndef BASE_HTTP_HTTP2_STREAM_H_
#define BASE_HTTP_HTTP2_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/http/field_block.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_output.h"
#include "base/memory/byte_queue.h"
#include "base/memory/recycler.h"

namespace gateway {

class Http2Session;
class Http2Stream;

// The error codes of RFC 9113 §7.
enum class Http2Error : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

// Returns the code's name, such as `REFUSED_STREAM`, or `error 0x2a` for one
// that is not in the list.
std::string Http2ErrorName(Http2Error error);

// Is told what happens to a stream. Each call may end the stream's use, and
// destroy the object that is told; OnClosed is the last.
class Http2StreamEvents {
 public:
  // Client only: the response's head, `:status` first. Interim responses are
  // not reported. The fields' views end with the call.
  virtual void OnHead(Http2Stream&, absl::Span<const HttpField>) {}

  // Called with the next bytes of the body, at least one, valid during the
  // call. They count against the stream's window until Consume.
  virtual void OnData(Http2Stream& stream, std::string_view bytes) = 0;

  // Called with the fields behind the body.
  virtual void OnTrailers(Http2Stream&, absl::Span<const HttpField>) {}

  // Called when the peer has ended its side of the stream.
  virtual void OnEnd(Http2Stream& stream) = 0;

  // Called when all that was given to Send, Extend and SendBorrowed has been
  // taken for the connection's next write.
  virtual void OnSent(Http2Stream&) {}

  // The stream is over, and gone when this returns. `error` is kNoError if
  // nobody broke it off (see peer_ended() for whether all has come), and
  // kRefusedStream if the peer has not looked at the request, or it was never
  // written, so that it can be made again; `why` is OK or says more in words.
  virtual void OnClosed(Http2Stream& stream, Http2Error error,
                        const absl::Status& why) = 0;

 protected:
  ~Http2StreamEvents() = default;
};

// Made, owned and destroyed by its session.
class Http2Stream final : public Recycled {
 public:
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  int32_t id() const { return id_; }
  Http2Session& session() { return session_; }

  // Replaces whom to tell. With null, what was given is still sent (what was
  // borrowed is copied), and what comes is thrown away; the rest of a request
  // whose answer has been sent is refused.
  void SetEvents(Http2StreamEvents* events);

  // Server only: the head of an interim response, `:status` 1xx first.
  // REQUIRES: no head has been sent.
  void SendInterim(absl::Span<const HttpField> fields);

  // Server only: the response's head, `:status` first, names in lower case.
  // With `end` there is no body. REQUIRES: no head has been sent.
  void SendHead(absl::Span<const HttpField> fields, bool end = false);

  // Appends to the body. REQUIRES, as do the other ways: !ended().
  void Send(std::string_view bytes);

  // Appends `bytes` to the body, which the caller writes where this points to
  // before the loop's turn ends.
  char* Extend(size_t bytes);

  // Appends to the body without copying: pieces and bytes must stay valid
  // until OnSent or OnClosed. REQUIRES: until then only End is called.
  void SendBorrowed(absl::Span<const std::string_view> pieces);

  // Copies what was borrowed and has not been taken, so that it need not stay
  // valid.
  void KeepBorrowed();

  // Ends the body, with trailers if there are any.
  void End(absl::Span<const HttpField> trailers = {});

  // Breaks the stream off in both directions: OnClosed follows at the end of
  // the turn, with `why`. Nothing more is taken of what was given, borrowed
  // bytes included.
  void Reset(Http2Error error, absl::Status why = absl::OkStatus());

  // Tells that bytes of the body have been dealt with: the peer may send as
  // many more.
  void Consume(size_t bytes);

  // Counts the bytes of the body that were not taken yet, because the turn has
  // not ended or the peer's window is full.
  size_t unsent() const { return unsent_.size() + borrowed_bytes_; }

  bool head_sent() const { return head_sent_; }
  // True once End was called, or there was no body.
  bool ended() const { return ended_; }
  // True once the peer has ended its side; OnEnd was called.
  bool peer_ended() const { return peer_ended_; }

 private:
  friend class Http2Session;
  friend class Http2Callbacks;

  Http2Stream(Http2Session& session, int32_t id, absl::Duration now)
      : session_(session), id_(id), opened_at_(now) {}
  ~Http2Stream() = default;

  // True if what the peer sends is handed to anybody.
  bool listens() const { return events_ != nullptr && !reset_; }

  // Tells nghttp2 that there is more to send than it last heard of.
  void Resume();

  // Tells a peer that still sends, though it was answered, to stop.
  void StopPeer();

  void DropBorrowed();

  // Drops what is to be sent; nobody is told of what comes.
  void Abandon();

  // Moves the next `size` bytes of the body to the connection's output.
  void TakeInto(Http2Output& output, size_t size);

  Http2Session& session_;
  int32_t id_;
  const absl::Duration opened_at_;
  bool head_sent_ = false;
  bool head_received_ = false;  // Client only.
  int interim_answers_ = 0;     // Client only: those that came before the head.
  bool begun_ = false;  // The request's head has been written, or the answer's.
  bool ended_ = false;
  bool end_sent_ = false;
  bool peer_ended_ = false;
  bool deferred_ = false;  // nghttp2 was told that there is nothing to send.
  // Waited for a window at the last look, and nothing was taken since.
  bool waiting_ = false;
  bool reset_ = false;
  bool in_sent_ = false;  // OnSent is to be called.
  // SetEvents(nullptr) was called: the session accounts for it.
  bool left_ = false;
  Http2StreamEvents* events_ = nullptr;
  ByteQueue unsent_;
  absl::Span<const std::string_view> borrowed_;  // Sent after unsent_.
  size_t borrowed_begin_ = 0;                    // Offset in the first piece.
  size_t borrowed_bytes_ = 0;
  ByteQueue head_;       // Its fields, until nghttp2 has sent them.
  FieldBlock trailers_;  // Sent after the body's last byte.
  absl::Status why_;

  // Links of the session's list of all streams.
  Http2Stream* previous_ = nullptr;
  Http2Stream* next_ = nullptr;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_STREAM_H_
