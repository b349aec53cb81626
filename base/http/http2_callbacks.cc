#include "base/http/http2_callbacks.h"

#include <sys/types.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/http/http2_limits.h"
#include "base/http/http_client.h"

namespace gateway {
namespace {

Http2Session& Session(void* self) { return *static_cast<Http2Session*>(self); }

std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A header list over so many times the limit closes the connection: it is no
// mistake, since a few bytes can stand for kilobytes (an HPACK bomb), and each
// field has to be unfolded.
constexpr size_t kBombFactor = 16;

// nghttp2's own limits are raised out of the way of ours
// (base/http/http2_guard.h): it closes without saying why.
constexpr uint64_t kResetsOfNghttp2 = 1'000'000;
constexpr size_t kAnswersOfNghttp2 = 10'000;
constexpr size_t kContinuationsOfNghttp2 = 1'000'000;

// Payload of the ping that tells when the first GOAWAY of two has arrived.
constexpr std::string_view kGoodbyePing = "goodbye!";

bool EndsStream(const nghttp2_frame_hd& head) {
  return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

bool IsInterim(absl::Span<const HttpField> head) {
  return !head.empty() && head.front().name == ":status" &&
         head.front().value.starts_with('1');
}

// Returns whether the field's value is new each time: to keep it in the table
// would push out something of use.
bool IsNewEachTime(std::string_view name) {
  switch (name.size()) {
    case 10:
      return name == "request-id";
    case 12:
      return name == "x-request-id" || name == "grpc-message";
    case 20:
      return name == "openai-processing-ms";
    case 23:
      return name == "grpc-status-details-bin";
    default:
      return false;
  }
}

}  // namespace

Http2Fields::Http2Fields(absl::Span<const HttpField> fields, uint8_t flags) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  fields_.reserve(fields.size());
  for (const HttpField& field : fields) {
    // A guess could be tried against a secret that compression remembers.
    const uint8_t indexing = field.secret || IsNewEachTime(field.name)
                                 ? NGHTTP2_NV_FLAG_NO_INDEX
                                 : NGHTTP2_NV_FLAG_NONE;
    fields_.push_back({bytes(field.name), bytes(field.value), field.name.size(),
                       field.value.size(),
                       static_cast<uint8_t>(flags | indexing)});
  }
}

Http2Fields::Http2Fields(absl::Span<const HttpField> fields, ByteQueue* kept)
    : Http2Fields(fields, kNoCopies) {
  size_t size = 0;
  for (const nghttp2_nv& each : fields_) size += each.namelen + each.valuelen;
  char* at = kept->Extend(size);
  const auto keep = [&at](uint8_t*& text, size_t text_size) {
    if (text_size > 0) memcpy(at, text, text_size);
    text = reinterpret_cast<uint8_t*>(at);
    at += text_size;
  };
  for (nghttp2_nv& each : fields_) {
    keep(each.name, each.namelen);
    keep(each.value, each.valuelen);
  }
}

Http2Fields Http2Fields::OfKept(absl::Span<const HttpField> fields,
                                Http2Names& names) {
  Http2Fields kept(fields, kNoCopies);
  for (size_t i = 0; i < fields.size(); ++i) {
    constexpr uint8_t kNoIndex = NGHTTP2_NV_FLAG_NO_INDEX;
    uint8_t& flags = kept.fields_[i].flags;
    switch (names.UseOf(fields[i].name)) {
      case Http2Names::Use::kOther:
        break;
      case Http2Names::Use::kEnters:
        if (!fields[i].secret) flags &= static_cast<uint8_t>(~kNoIndex);
        break;
      case Http2Names::Use::kKnown:
        flags |= kNoIndex;
        break;
    }
  }
  return kept;
}

Http2Session::Nghttp2 Http2Callbacks::NewNghttp2(Http2Session::Role role,
                                                 Http2Session* self) {
  nghttp2_option* option = nullptr;
  nghttp2_session* session = nullptr;
  int result = nghttp2_option_new(&option);
  if (result == 0) {
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_stream_reset_rate_limit(option, kResetsOfNghttp2,
                                               kResetsOfNghttp2);
    nghttp2_option_set_max_outbound_ack(option, kAnswersOfNghttp2);
    nghttp2_option_set_max_continuations(option, kContinuationsOfNghttp2);
    const auto begin = role == Http2Session::Role::kServer
                           ? nghttp2_session_server_new2
                           : nghttp2_session_client_new2;
    result = begin(&session, Table(), self, option);
    nghttp2_option_del(option);
  }
  if (result != 0) std::abort();  // As when `new` finds no memory.
  return Http2Session::Nghttp2(session);
}

const nghttp2_session_callbacks* Http2Callbacks::Table() {
  static const nghttp2_session_callbacks* const table = [] {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                            OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                         OnFrameReceived);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                              OnDataChunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           OnStreamClose);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks,
                                                         OnFrameSent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks,
                                                             OnFrameNotSent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, SendData);
    return callbacks;
  }();
  return table;
}

nghttp2_data_provider Http2Callbacks::Body(Http2Stream* stream) {
  nghttp2_data_provider provider;
  provider.source.ptr = stream;
  provider.read_callback = ReadBody;
  return provider;
}

Http2Stream* Http2Callbacks::StreamOf(Http2Session& session, int32_t id) {
  Http2Stream* const latest = session.latest_;
  if (latest != nullptr && latest->id_ == id) return latest;
  auto* const stream = static_cast<Http2Stream*>(
      nghttp2_session_get_stream_user_data(session.nghttp2(), id));
  if (stream != nullptr) session.latest_ = stream;
  return stream;
}

// Sets the streams' order. nghttp2 would send the oldest stream's body to its
// end before the next one's (RFC 9218 §10 for what is not incremental); here
// all share the connection alike, whatever a client asks for.
void Http2Callbacks::ServeInTurn(nghttp2_session* session, int32_t id) {
  const nghttp2_extpri in_turn{NGHTTP2_EXTPRI_DEFAULT_URGENCY, /*inc=*/1};
  nghttp2_session_change_extpri_stream_priority(session, id, &in_turn,
                                                /*ignore_client_signal=*/1);
}

int Http2Callbacks::OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame,
                                   void* self) noexcept {
  Http2Session& session = Session(self);
  if (session.over()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  session.block_.Clear();
  session.block_bytes_ = 0;
  if (session.role_ == Http2Session::Role::kServer &&
      frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    Http2Stream* const stream = session.AddStream(frame->hd.stream_id);
    session.latest_ = stream;
    nghttp2_session_set_stream_user_data(session.nghttp2(), frame->hd.stream_id,
                                         stream);
    ServeInTurn(session.nghttp2(), frame->hd.stream_id);
  }
  return 0;
}

int Http2Callbacks::OnHeader(nghttp2_session*, const nghttp2_frame*,
                             const uint8_t* name, size_t name_size,
                             const uint8_t* value, size_t value_size, uint8_t,
                             void* self) noexcept {
  Http2Session& session = Session(self);
  session.block_bytes_ += name_size + value_size + kFieldOverheadBytes;
  // A block that is too large is read on all the same: the table that
  // decompresses the next blocks depends on it.
  if (session.block_bytes_ <= session.limits_.header_list_bytes) {
    session.block_.Add(View(name, name_size), View(value, value_size));
  } else if (session.block_bytes_ / kBombFactor >
             session.limits_.header_list_bytes) {
    session.Refuse({Http2Error::kEnhanceYourCalm, "a header list without end"});
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  return 0;
}

int Http2Callbacks::OnFrameReceived(nghttp2_session*,
                                    const nghttp2_frame* frame,
                                    void* self) noexcept {
  Http2Session& session = Session(self);
  if (session.over()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      HandleBlock(session, *frame);
      break;
    case NGHTTP2_DATA:
      break;
    case NGHTTP2_SETTINGS:
      HandleSettings(session, *frame);
      return 0;
    case NGHTTP2_GOAWAY:
      session.goaway_received_ = true;
      session.owner_.OnCapacity();
      return 0;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
          session.goodbye_ == Http2Session::Goodbye::kAnnounced &&
          View(frame->ping.opaque_data, kGoodbyePing.size()) == kGoodbyePing) {
        session.SayGoodbye();
      }
      return 0;
    default:
      return 0;
  }
  if (!EndsStream(frame->hd)) return 0;
  Http2Stream* const stream = StreamOf(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  stream->peer_ended_ = true;
  if (stream->listens()) stream->events_->OnEnd(*stream);
  return 0;
}

void Http2Callbacks::HandleSettings(Http2Session& session,
                                    const nghttp2_frame& frame) {
  if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
    session.settings_acked_ = true;
  } else {
    if (!session.settings_received_ && session.open_streams_ == 0) {
      session.Arm(session.idle_timer_, session.limits_.idle_timeout);
    }
    session.settings_received_ = true;
    session.owner_.OnCapacity();
  }
}

void Http2Callbacks::HandleBlock(Http2Session& session,
                                 const nghttp2_frame& frame) {
  Http2Stream* const stream = StreamOf(session, frame.hd.stream_id);
  if (stream == nullptr || stream->reset_) return;
  // Given up already, so that nobody needs to hear of it.
  if (session.guard_.IsResetAhead(frame.hd.stream_id)) return;
  // Moved out, since what the call sets off may begin another block.
  const FieldBlock block = std::move(session.block_);
  FieldViews views;
  const absl::Span<const HttpField> fields = block.View(views);
  const bool oversized =
      session.block_bytes_ > session.limits_.header_list_bytes;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (oversized) {
      session.owner_.OnOversizedRequest(*stream);
    } else {
      session.owner_.OnRequest(*stream, fields, EndsStream(frame.hd));
    }
    return;
  }
  if (stream->events_ == nullptr) return;
  if (oversized) {
    stream->Reset(Http2Error::kCancel,
                  absl::ResourceExhaustedError("the header is too large"));
  } else if (session.role_ == Http2Session::Role::kServer ||
             stream->head_received_) {
    stream->events_->OnTrailers(*stream, fields);
  } else if (!IsInterim(fields)) {
    stream->head_received_ = true;
    stream->events_->OnHead(*stream, fields);
  } else if (++stream->interim_answers_ > kInterimAnswersMax) {
    stream->Reset(Http2Error::kEnhanceYourCalm,
                  absl::InternalError(
                      "the server sends interim answers without end"));
  }
}

int Http2Callbacks::OnDataChunk(nghttp2_session*, uint8_t, int32_t id,
                                const uint8_t* data, size_t size,
                                void* self) noexcept {
  Http2Session& session = Session(self);
  if (session.over()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  nghttp2_session_consume_connection(session.nghttp2(), size);
  Http2Stream* const stream = StreamOf(session, id);
  if (stream == nullptr || !stream->listens()) {
    nghttp2_session_consume_stream(session.nghttp2(), id, size);
  } else {
    stream->events_->OnData(*stream, View(data, size));
  }
  return 0;
}

int Http2Callbacks::OnStreamClose(nghttp2_session*, int32_t id, uint32_t error,
                                  void* self) noexcept {
  Http2Session& session = Session(self);
  Http2Stream* const stream = StreamOf(session, id);
  if (stream == nullptr) return 0;
  // nghttp2 reports REFUSED_STREAM also for a head that it cannot send, now or
  // ever.
  if (error == NGHTTP2_REFUSED_STREAM && !stream->reset_ &&
      !stream->why_.ok()) {
    error = NGHTTP2_INTERNAL_ERROR;
  }
  session.RemoveStream(stream, static_cast<Http2Error>(error), stream->why_);
  return 0;
}

int Http2Callbacks::OnFrameSent(nghttp2_session*, const nghttp2_frame* frame,
                                void* self) noexcept {
  Http2Session& session = Session(self);
  const nghttp2_frame_hd& head = frame->hd;
  if (head.type == NGHTTP2_GOAWAY) {
    OnGoawaySent(session, frame->goaway.error_code);
    return 0;
  }
  if (head.type == NGHTTP2_RST_STREAM) {
    session.guard_.CountReset();
    Http2Stream* const stream = StreamOf(session, head.stream_id);
    if (stream != nullptr && stream->reset_) return 0;
    // The client had reset it before, and has paid for that.
    if (stream == nullptr &&
        frame->rst_stream.error_code == NGHTTP2_STREAM_CLOSED) {
      return 0;
    }
    const auto violation = session.guard_.CountOwnReset(session.loop_.Now());
    if (violation.has_value()) session.Refuse(*violation);
    return 0;
  }
  if (head.type != NGHTTP2_HEADERS && head.type != NGHTTP2_DATA) return 0;
  session.guard_.OnSent();
  Http2Stream* const stream = StreamOf(session, head.stream_id);
  if (stream == nullptr) return 0;
  stream->begun_ = true;
  if (head.type == NGHTTP2_HEADERS) DropSentHead(*stream, frame->headers);
  if (head.type == NGHTTP2_HEADERS &&
      frame->headers.cat == NGHTTP2_HCAT_RESPONSE) {
    session.guard_.OnAnswer();
  }
  if (EndsStream(head)) {
    stream->end_sent_ = true;
    stream->StopPeer();
  }
  return 0;
}

void Http2Callbacks::DropSentHead(Http2Stream& stream,
                                  const nghttp2_headers& sent) {
  if (sent.nvlen == 0 || stream.head_.empty()) return;
  // An interim answer, which goes ahead of it, points elsewhere.
  const auto* const first = reinterpret_cast<const char*>(sent.nva[0].name);
  if (first == stream.head_.bytes().data()) stream.head_.Clear();
}

void Http2Callbacks::OnGoawaySent(Http2Session& session, uint32_t error) {
  if (error != NGHTTP2_NO_ERROR) {
    if (session.why_.ok()) {
      session.why_ = absl::InternalError(
          absl::StrCat("the peer broke HTTP/2: ",
                       Http2ErrorName(static_cast<Http2Error>(error))));
    }
    session.OnRefused();
  } else if (session.goodbye_ == Http2Session::Goodbye::kAnnounced) {
    // The ping is sent after the GOAWAY is, since nghttp2 lets pings overtake.
    session.FailOnError(nghttp2_submit_ping(
        session.nghttp2(), NGHTTP2_FLAG_NONE,
        reinterpret_cast<const uint8_t*>(kGoodbyePing.data())));
  }
}

int Http2Callbacks::OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame,
                                   int error, void* self) noexcept {
  Http2Session& session = Session(self);
  Http2Stream* const stream = StreamOf(session, frame->hd.stream_id);
  if (frame->hd.type != NGHTTP2_HEADERS || stream == nullptr ||
      error != NGHTTP2_ERR_FRAME_SIZE_ERROR) {
    return 0;
  }
  // The stream is reset: one whose head or trailers cannot be sent would wait
  // forever.
  const absl::Status why =
      absl::ResourceExhaustedError("the header is too large to be sent");
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->why_ = why;
  } else {
    stream->Reset(Http2Error::kInternalError, why);
  }
  return 0;
}

ssize_t Http2Callbacks::ReadBody(nghttp2_session* session, int32_t id, uint8_t*,
                                 size_t size, uint32_t* flags,
                                 nghttp2_data_source* source, void*) noexcept {
  Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
  const size_t unsent = stream.unsent();
  if ((unsent == 0 && !stream.ended_) || stream.reset_) {
    stream.deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (unsent <= size && stream.ended_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream.trailers_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      FieldViews views;
      Http2Fields trailers = Http2Fields::OfKept(stream.trailers_.View(views),
                                                 stream.session_.names_);
      const int submitted =
          nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
      if (submitted != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }
  return static_cast<ssize_t>(std::min(unsent, size));
}

int Http2Callbacks::SendData(nghttp2_session*, nghttp2_frame*,
                             const uint8_t* head, size_t size,
                             nghttp2_data_source* source, void* self) noexcept {
  constexpr size_t kFrameHeadBytes = 9;
  Http2Session& session = Session(self);
  Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
  // The stream was reset after the frame was begun: its bytes are gone.
  if (stream.reset_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (session.output_.full()) return NGHTTP2_ERR_WOULDBLOCK;
  session.output_.Append(View(head, kFrameHeadBytes));
  stream.TakeInto(session.output_, size);
  return 0;
}

}  // namespace gateway
