#include "base/http/http2_stream.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/http/http2_callbacks.h"
#include "base/http/http2_session.h"

namespace gateway {

std::string Http2ErrorName(Http2Error error) {
  const uint32_t code = static_cast<uint32_t>(error);
  if (code <= static_cast<uint32_t>(Http2Error::kHttp11Required)) {
    return nghttp2_http2_strerror(code);
  }
  return absl::StrCat("error 0x", absl::Hex(code));
}

void Http2Stream::SetEvents(Http2StreamEvents* events) {
  events_ = events;
  if (events != nullptr) return;
  KeepBorrowed();
  session_.OnLeft(*this);
  if (!peer_ended_) {
    // Consumed here, so that bytes which were handed over and not consumed do
    // not keep the window closed.
    const int32_t unconsumed =
        nghttp2_session_get_stream_effective_recv_data_length(
            session_.nghttp2(), id_);
    if (unconsumed > 0) Consume(static_cast<size_t>(unconsumed));
  }
  StopPeer();
}

void Http2Stream::StopPeer() {
  // The rest of a request that has been answered will not be read: the peer is
  // told to stop.
  if (events_ != nullptr || !end_sent_ || peer_ended_) return;
  if (session_.role_ == Http2Session::Role::kServer) {
    Reset(Http2Error::kNoError);
  }
}

void Http2Stream::SendInterim(absl::Span<const HttpField> fields) {
  assert(!head_sent_);
  Http2Fields head(fields);
  const int32_t sent =
      nghttp2_submit_headers(session_.nghttp2(), NGHTTP2_FLAG_NONE, id_,
                             nullptr, head.data(), head.size(), nullptr);
  session_.FailOnError(sent);
  session_.ScheduleFlush();
}

void Http2Stream::SendHead(absl::Span<const HttpField> fields, bool end) {
  assert(!head_sent_);
  head_sent_ = true;
  ended_ |= end;
  Http2Fields head(fields, &head_);
  const nghttp2_data_provider body = Http2Callbacks::Body(this);
  session_.FailOnError(nghttp2_submit_response(session_.nghttp2(), id_,
                                               head.data(), head.size(),
                                               end ? nullptr : &body));
  session_.ScheduleFlush();
}

void Http2Stream::Send(std::string_view bytes) {
  if (bytes.empty()) return;
  assert(!ended_ && borrowed_.empty());
  unsent_.Append(bytes);
  Resume();
}

char* Http2Stream::Extend(size_t bytes) {
  assert(!ended_ && borrowed_.empty());
  Resume();
  return unsent_.Extend(bytes);
}

void Http2Stream::SendBorrowed(absl::Span<const std::string_view> pieces) {
  assert(!ended_ && borrowed_.empty());
  size_t bytes = 0;
  for (std::string_view piece : pieces) bytes += piece.size();
  if (bytes == 0) return;
  borrowed_ = pieces;
  borrowed_begin_ = 0;
  borrowed_bytes_ = bytes;
  Resume();
}

void Http2Stream::KeepBorrowed() {
  size_t begin = borrowed_begin_;
  for (std::string_view piece : borrowed_) {
    unsent_.Append(piece.substr(begin));
    begin = 0;
  }
  DropBorrowed();
}

void Http2Stream::DropBorrowed() {
  borrowed_ = {};
  borrowed_begin_ = 0;
  borrowed_bytes_ = 0;
}

void Http2Stream::End(absl::Span<const HttpField> trailers) {
  assert(!ended_);
  ended_ = true;
  for (const HttpField& field : trailers) {
    trailers_.Add(field.name, field.value);
  }
  Resume();
}

void Http2Stream::Reset(Http2Error error, absl::Status why) {
  if (reset_) return;
  why_ = std::move(why);
  Abandon();
  session_.FailOnError(nghttp2_submit_rst_stream(session_.nghttp2(),
                                                 NGHTTP2_FLAG_NONE, id_,
                                                 static_cast<uint32_t>(error)));
  session_.ScheduleFlush();
}

void Http2Stream::Abandon() {
  reset_ = true;
  if (left_) session_.left_bytes_ -= unsent_.size();
  unsent_.Clear();
  DropBorrowed();
}

void Http2Stream::Consume(size_t bytes) {
  nghttp2_session_consume_stream(session_.nghttp2(), id_, bytes);
  session_.ScheduleFlush();
}

void Http2Stream::Resume() {
  if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(session_.nghttp2(), id_);
  }
  session_.ScheduleFlush();
}

void Http2Stream::TakeInto(Http2Output& output, size_t size) {
  waiting_ = false;
  session_.body_moved_ = true;
  const size_t queued = std::min(size, unsent_.size());
  output.Append(unsent_.bytes().substr(0, queued));
  unsent_.Consume(queued);
  if (left_) session_.left_bytes_ -= queued;
  size -= queued;
  borrowed_bytes_ -= size;
  while (size > 0) {
    const std::string_view piece = borrowed_.front().substr(borrowed_begin_);
    const size_t taken = std::min(size, piece.size());
    output.Append(piece.substr(0, taken));
    size -= taken;
    borrowed_begin_ += taken;
    if (borrowed_begin_ == borrowed_.front().size()) {
      borrowed_.remove_prefix(1);
      borrowed_begin_ = 0;
    }
  }
  if (borrowed_bytes_ == 0) borrowed_ = {};
  if (unsent() == 0) session_.OnSent(this);
}

}  // namespace gateway
