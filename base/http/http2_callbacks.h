// What nghttp2 calls: each function finds its session, hands over, and turns
// the outcome into nghttp2's words. Nothing throws out of them, and none is
// called after the session's end. With them stands Http2Fields, a list of
// fields as nghttp2 takes it. For base/http/http2_session.cc and
// base/http/http2_stream.cc only.
//
// Thread contract: the table is immutable; calls come on the session's loop.

#ifndef BASE_HTTP_HTTP2_CALLBACKS_H_
#define BASE_HTTP_HTTP2_CALLBACKS_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "base/http/http2_session.h"
#include "base/memory/byte_queue.h"

namespace gateway {

class Http2Callbacks {
 public:
  // Makes a session of nghttp2 that calls these functions. Ends the process if
  // there is no memory, as `new` does.
  static Http2Session::Nghttp2 NewNghttp2(Http2Session::Role role,
                                          Http2Session* self);

  // The table of callbacks, which all sessions share.
  static const nghttp2_session_callbacks* Table();

  // The source that nghttp2 reads the body of a stream from.
  static nghttp2_data_provider Body(Http2Stream* stream);

 private:
  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame,
                            void* self) noexcept;
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame,
                      const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t flags,
                      void* self) noexcept;
  static int OnFrameReceived(nghttp2_session*, const nghttp2_frame* frame,
                             void* self) noexcept;
  static int OnDataChunk(nghttp2_session*, uint8_t flags, int32_t id,
                         const uint8_t* data, size_t size, void* self) noexcept;
  static int OnStreamClose(nghttp2_session*, int32_t id, uint32_t error,
                           void* self) noexcept;
  static int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame,
                         void* self) noexcept;
  static int OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame,
                            int error, void* self) noexcept;
  static ssize_t ReadBody(nghttp2_session*, int32_t id, uint8_t* buffer,
                          size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void* self) noexcept;
  static int SendData(nghttp2_session*, nghttp2_frame* frame,
                      const uint8_t* head, size_t size,
                      nghttp2_data_source* source, void* self) noexcept;

  static void HandleBlock(Http2Session& session, const nghttp2_frame& frame);
  static void HandleSettings(Http2Session& session, const nghttp2_frame& frame);
  // Frees what the stream's head lies in once that is sent.
  static void DropSentHead(Http2Stream& stream, const nghttp2_headers& sent);
  static void OnGoawaySent(Http2Session& session, uint32_t error);
  static void ServeInTurn(nghttp2_session* session, int32_t id);
  static Http2Stream* StreamOf(Http2Session& session, int32_t id);
};

// The fields in nghttp2's form. Secrets, and what is new each time, never enter
// the table by which blocks are compressed.
class Http2Fields {
 public:
  // They point at `fields`, which nghttp2 copies.
  explicit Http2Fields(absl::Span<const HttpField> fields)
      : Http2Fields(fields, NGHTTP2_NV_FLAG_NONE) {}

  // They point at a copy that is appended to `kept`, and must stay there until
  // nghttp2 has sent or dropped the block: nghttp2's own copy would put each
  // name into lower case, byte by byte.
  Http2Fields(absl::Span<const HttpField> fields, ByteQueue* kept);

  // They point at `fields`, which must stay for as long. Their block is the
  // next that the connection of `names` sends.
  static Http2Fields OfKept(absl::Span<const HttpField> fields,
                            Http2Names& names);

  nghttp2_nv* data() { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  static constexpr uint8_t kNoCopies =
      NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

  Http2Fields(absl::Span<const HttpField> fields, uint8_t flags);

  absl::InlinedVector<nghttp2_nv, 24> fields_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_CALLBACKS_H_
