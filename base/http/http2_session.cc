#include "base/http/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/http/http2_callbacks.h"
#include "base/memory/block_pool.h"
#include "base/os/random.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// How many blocks are read from one connection before others get their turn.
constexpr int kReadsPerTurn = 4;

// A client begins no more streams on a connection that has come so far, since
// the ids end soon.
constexpr int32_t kLastStreamId = INT32_MAX - 1000;

// What a stream takes in this session and in nghttp2, beside its body.
constexpr size_t kStreamBytes = 1536;

// The second GOAWAY of a drain follows the first when a ping has come back, or
// after this.
constexpr absl::Duration kGoodbyeTimeout = absl::Seconds(1);

// What answers whose handlers are done may hold until the end of the turn.
constexpr size_t kLeftBytesMax = 128 * 1024;

// How many times a connection is written to before others get their turn.
constexpr int kWritesPerTurn = 16;

// A peer is not read from while so many frames of nghttp2's own, such as
// acknowledgements, wait for it to read.
constexpr size_t kClogFrames = 500;

// How long the peer is given to close a connection that was drained, and one on
// which it was told that it broke the rules; the latter is also how long
// telling it may take.
constexpr absl::Duration kLingerTimeout = absl::Seconds(30);
constexpr absl::Duration kRefusedTimeout = absl::Seconds(1);

}  // namespace

void Http2Session::Delete::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

void Http2Session::FailOnError(int result) {
  if (result == 0) return;
  Close(
      absl::InternalError(absl::StrCat("nghttp2: ", nghttp2_strerror(result))));
}

void Http2Session::Owner::OnRequest(Http2Stream& stream,
                                    absl::Span<const HttpField>, bool) {
  stream.Reset(Http2Error::kRefusedStream);
}

void Http2Session::Owner::OnOversizedRequest(Http2Stream& stream) {
  const HttpField head[] = {{":status", "431"}};
  stream.SendHead(head, /*end=*/true);
}

Http2Session::Http2Session(Role role, std::unique_ptr<Stream> stream,
                           const Http2Limits& limits, Owner& owner)
    : loop_(*EventLoop::Current()),
      role_(role),
      limits_(limits),
      owner_(owner),
      stream_(std::move(stream)),
      nghttp2_(Http2Callbacks::NewNghttp2(role, this)),
      output_(loop_.blocks()),
      guard_(
          role == Role::kServer ? Http2Guard::Peer::kClient
                                : Http2Guard::Peer::kServer,
          limits.concurrent_streams, loop_.Now(),
          [this](int32_t id) { return StateOf(id); },
          [this] { return share_.Take(loop_.turn()); }),
      last_read_(loop_.Now()),
      handshake_timer_([this] { OnHandshakeTimeout(); }),
      idle_timer_([this] { OnIdle(); }),
      keepalive_timer_([this] { OnKeepalive(); }),
      age_timer_([this] { OnAge(); }),
      stall_timer_([this] { OnStallCheck(); }),
      farewell_timer_([this] { OnFarewellTimeout(); }) {}

Http2Session::~Http2Session() {
  assert(first_ == nullptr);
  stream_->SetObserver(nullptr);
}

void Http2Session::Start(std::string_view bytes) {
  stream_->SetObserver(this);
  SubmitSettings();
  Arm(handshake_timer_, limits_.handshake_timeout);
  Arm(keepalive_timer_, limits_.keepalive_time);
  Arm(age_timer_, SpreadAge(limits_.age_max, SystemRandom()));
  while (!bytes.empty()) bytes = Feed(bytes);
  read_more_ = true;
  ScheduleFlush();
}

void Http2Session::SubmitSettings() {
  absl::InlinedVector<nghttp2_settings_entry, 4> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<uint32_t>(limits_.header_list_bytes)},
  };
  if (role_ == Role::kServer) {
    settings.push_back(
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.concurrent_streams});
    // Streams are served in turn (Http2Callbacks::ServeInTurn); the old tree of
    // weights is not kept.
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  FailOnError(nghttp2_submit_settings(nghttp2(), NGHTTP2_FLAG_NONE,
                                      settings.data(), settings.size()));
  const uint64_t window =
      uint64_t{limits_.concurrent_streams} * limits_.stream_window_bytes;
  FailOnError(nghttp2_session_set_local_window_size(
      nghttp2(), NGHTTP2_FLAG_NONE, 0,
      static_cast<int32_t>(std::min<uint64_t>(window, INT32_MAX))));
}

Http2Stream* Http2Session::StartRequest(absl::Span<const HttpField> fields,
                                        bool end, Http2StreamEvents& events) {
  assert(role_ == Role::kClient);
  if (!accepting()) return nullptr;
  Http2Stream* const stream = AddStream(0);
  stream->events_ = &events;
  stream->head_sent_ = true;
  stream->ended_ = end;
  Http2Fields head(fields, &stream->head_);
  const nghttp2_data_provider body = Http2Callbacks::Body(stream);
  const int32_t id =
      nghttp2_submit_request(nghttp2(), nullptr, head.data(), head.size(),
                             end ? nullptr : &body, stream);
  if (id < 0) {
    stream->events_ = nullptr;
    RemoveStream(stream, Http2Error::kInternalError, absl::OkStatus());
    return nullptr;
  }
  stream->id_ = id;
  if (id >= kLastStreamId) Drain();
  ScheduleFlush();
  return stream;
}

bool Http2Session::accepting() const {
  return !retiring() && open_streams_ < limits_.concurrent_streams &&
         open_streams_ <
             nghttp2_session_get_remote_settings(
                 nghttp2(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) &&
         nghttp2_session_check_request_allowed(nghttp2()) != 0;
}

void Http2Session::Drain() {
  if (goodbye_ != Goodbye::kNo || phase_ != Phase::kOpen) return;
  idle_timer_.Cancel();
  goodbye_ = Goodbye::kAnnounced;
  if (role_ == Role::kClient) return SayGoodbye();
  FailOnError(nghttp2_submit_shutdown_notice(nghttp2()));
  Arm(farewell_timer_, kGoodbyeTimeout);
  ScheduleFlush();
}

void Http2Session::SayGoodbye() {
  if (goodbye_ != Goodbye::kAnnounced || phase_ != Phase::kOpen) return;
  goodbye_ = Goodbye::kSaid;
  farewell_timer_.Cancel();
  FailOnError(
      nghttp2_submit_goaway(nghttp2(), NGHTTP2_FLAG_NONE,
                            nghttp2_session_get_last_proc_stream_id(nghttp2()),
                            NGHTTP2_NO_ERROR, nullptr, 0));
  ScheduleFlush();
  if (role_ == Role::kServer) owner_.OnLastRequest();
}

void Http2Session::Close(absl::Status why) {
  if (phase_ == Phase::kLingering) {
    phase_ = Phase::kParted;
    return ScheduleFlush();
  }
  if (over()) return;
  phase_ = Phase::kOver;
  if (why_.ok()) why_ = std::move(why);
  ScheduleFlush();
}

void Http2Session::ScheduleFlush() { loop_.RunAtTurnEnd(*this); }

// --- Reading.

void Http2Session::OnUnawaited(bool) {
  if (!over()) Read();
  // Many connections may be read in one turn: what their answers hold would
  // wait for its end all together, also where nobody is left to take it.
  if (left_bytes_ > kLeftBytesMax) return OnTurnEnd();
  ScheduleFlush();
}

bool Http2Session::clogged() const {
  return !output_.empty() &&
         nghttp2_session_get_outbound_queue_size(nghttp2()) > kClogFrames;
}

void Http2Session::Read() {
  read_more_ = false;
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    if (!ReadOnce()) return;
  }
  read_more_ = true;
}

bool Http2Session::ReadOnce() {
  if (phase_ != Phase::kOpen) return false;
  if (share_.held().empty() && !stream_->readable()) return false;
  if (nghttp2_session_want_read(nghttp2()) == 0) return false;
  read_paused_ = clogged();
  if (read_paused_) return false;
  read_more_ = share_.IsSpent(loop_.turn());
  if (read_more_) return false;
  if (!share_.held().empty()) {
    read_more_ = !share_.HoldOn(Feed(share_.held()));
    return !read_more_;
  }
  Block block = loop_.blocks().Take();
  const IoResult got = stream_->TryRead(block.data(), Block::capacity());
  switch (got.kind) {
    case IoResult::Kind::kBytes: {
      last_read_ = loop_.Now();
      if (std::exchange(pinged_, false)) {
        Arm(keepalive_timer_, limits_.keepalive_time);
      }
      const std::string_view rest = Feed({block.data(), got.bytes});
      read_more_ = !share_.Hold(rest, std::move(block));
      return !read_more_;
    }
    case IoResult::Kind::kWouldBlock:
      return false;
    case IoResult::Kind::kEnd:
      Close(open_streams_ == 0
                ? absl::OkStatus()
                : absl::UnavailableError("the peer closed the connection"));
      return false;
    case IoResult::Kind::kError:
      Close(stream_->error());
      return false;
  }
  return false;
}

std::string_view Http2Session::Feed(std::string_view bytes) {
  size_t good = 0;
  const auto violation = guard_.Inspect(bytes, loop_.Now(), &good);
  const ssize_t used = nghttp2_session_mem_recv(
      nghttp2(), reinterpret_cast<const uint8_t*>(bytes.data()), good);
  if (used < 0) {
    Close(absl::InternalError(absl::StrCat(
        "the peer broke HTTP/2: ", nghttp2_strerror(static_cast<int>(used)))));
    return {};
  }
  for (const int32_t id : guard_.late_streams()) {
    FailOnError(nghttp2_submit_rst_stream(nghttp2(), NGHTTP2_FLAG_NONE, id,
                                          NGHTTP2_STREAM_CLOSED));
  }
  if (violation.has_value()) Refuse(*violation);
  WatchHeaderBlock();
  if (phase_ != Phase::kOpen) return {};
  return bytes.substr(good);
}

Http2Guard::StreamState Http2Session::StateOf(int32_t id) const {
  using State = Http2Guard::StreamState;
  auto* const known = nghttp2_session_find_stream(nghttp2(), id);
  if (known == nullptr) return State::kGone;
  const auto* const stream = static_cast<const Http2Stream*>(
      nghttp2_session_get_stream_user_data(nghttp2(), id));
  const bool early = stream != nullptr && !stream->begun_ &&
                     loop_.Now() - stream->opened_at_ < Http2Guard::kEarlyReset;
  return early ? State::kEarly : State::kOpen;
}

void Http2Session::WatchHeaderBlock() {
  if (phase_ != Phase::kOpen) return;
  const bool greeting = !settings_received_ || !settings_acked_;
  if (!greeting && !guard_.in_header_block()) {
    handshake_timer_.Disarm();
  } else if (!greeting && guard_.began_header_block()) {
    Arm(handshake_timer_, limits_.handshake_timeout);
  } else if (!handshake_timer_.armed()) {
    Arm(handshake_timer_, limits_.handshake_timeout);
  }
}

void Http2Session::Refuse(const Http2Guard::Violation& violation) {
  if (why_.ok()) {
    const bool is_flood = role_ == Role::kServer &&
                          violation.error == Http2Error::kEnhanceYourCalm;
    why_ = absl::Status(
        is_flood ? absl::StatusCode::kAborted : absl::StatusCode::kInternal,
        absl::StrCat("the peer broke HTTP/2: ", ToAbsl(violation.what)));
  }
  FailOnError(nghttp2_session_terminate_session(
      nghttp2(), static_cast<uint32_t>(violation.error)));
  OnRefused();
}

void Http2Session::OnRefused() {
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kRefused;
  handshake_timer_.Cancel();
  Arm(farewell_timer_, kRefusedTimeout);
  ScheduleFlush();
}

// --- Writing.

void Http2Session::OnWritable() {
  if (!over()) ScheduleFlush();
}

void Http2Session::OnTurnEnd() {
  if (phase_ == Phase::kParted) return End();  // May destroy this session.
  if (phase_ >= Phase::kLingering) return;
  if (!over() && read_more_) Read();
  if (!over()) Flush();
  TellHeld();
  EndIfDone();
  if (over()) return Finish();  // May destroy this session.
  if (phase_ == Phase::kRefused) TellStreams();
  if (read_more_) ScheduleFlush();
}

void Http2Session::Flush() {
  int writes = 0;
  for (;;) {
    while (!over() && writes < kWritesPerTurn && WriteOnce()) ++writes;
    if (over()) return;
    if (sent_.empty()) break;
    CallSent();
  }
  if (writes == kWritesPerTurn) ScheduleFlush();
  if (read_paused_ && !clogged()) read_more_ = true;
  if (!output_.empty()) WatchForStalls();
}

bool Http2Session::WriteOnce() {
  while (!output_.full()) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(nghttp2(), &data);
    if (size < 0) {
      Close(absl::InternalError(nghttp2_strerror(static_cast<int>(size))));
      return false;
    }
    if (size == 0) break;
    output_.Append(
        {reinterpret_cast<const char*>(data), static_cast<size_t>(size)});
  }
  if (output_.empty()) return false;
  iovec pieces[Http2Output::kBlocksMax];
  const IoResult wrote = stream_->TryWrite(pieces, output_.Pieces(pieces));
  if (wrote.kind == IoResult::Kind::kBytes) {
    output_waiting_ = false;
    output_.Consume(wrote.bytes);
    return true;
  }
  if (!wrote.would_block()) Close(stream_->error());
  return false;
}

void Http2Session::OnSent(Http2Stream* stream) {
  if (stream->in_sent_ || stream->events_ == nullptr) return;
  stream->in_sent_ = true;
  sent_.push_back(stream);
}

void Http2Session::CallSent() {
  // By index, since a stream that is told may send more and end other streams.
  for (size_t i = 0; i < sent_.size(); ++i) {
    Http2Stream* const stream = sent_[i];
    if (stream == nullptr) continue;
    stream->in_sent_ = false;
    if (stream->events_ != nullptr && stream->unsent() == 0) {
      stream->events_->OnSent(*stream);
    }
  }
  sent_.clear();
}

// --- Streams.

void Http2Session::OnLeft(Http2Stream& stream) {
  if (std::exchange(stream.left_, true)) return;
  left_bytes_ += kStreamBytes + stream.unsent_.size();
}

void Http2Session::TellHeld() {
  const size_t held = left_bytes_ + block_.bytes() + share_.held_block_bytes();
  if (held == held_told_) return;
  owner_.OnHeld(std::exchange(held_told_, held), held);
}

Http2Stream* Http2Session::AddStream(int32_t id) {
  Http2Stream* const stream = new Http2Stream(*this, id, loop_.Now());
  stream->next_ = first_;
  if (first_ != nullptr) first_->previous_ = stream;
  first_ = stream;
  if (open_streams_++ == 0) idle_timer_.Disarm();
  WatchForStalls();
  return stream;
}

void Http2Session::RemoveStream(Http2Stream* stream, Http2Error error,
                                const absl::Status& why) {
  if (stream->previous_ != nullptr) {
    stream->previous_->next_ = stream->next_;
  } else {
    first_ = stream->next_;
  }
  if (stream->next_ != nullptr) stream->next_->previous_ = stream->previous_;
  if (latest_ == stream) latest_ = nullptr;
  if (stream->in_sent_) {
    std::replace(sent_.begin(), sent_.end(), stream,
                 static_cast<Http2Stream*>(nullptr));
  }
  if (stream->left_) left_bytes_ -= kStreamBytes + stream->unsent_.size();
  --open_streams_;
  TellClosed(stream, error, why);
  delete stream;
  if (open_streams_ == 0 && !retiring()) {
    Arm(idle_timer_, limits_.idle_timeout);
  }
  if (role_ == Role::kClient && !over()) owner_.OnCapacity();
}

void Http2Session::TellClosed(Http2Stream* stream, Http2Error error,
                              const absl::Status& why) {
  if (stream->events_ == nullptr) return;
  // A stream that was never written, and is not one that never can be, may be
  // begun elsewhere.
  if (stream->session_.role_ == Role::kClient && !stream->begun_ &&
      !stream->reset_ && stream->why_.ok()) {
    error = Http2Error::kRefusedStream;
  }
  std::exchange(stream->events_, nullptr)->OnClosed(*stream, error, why);
}

void Http2Session::TellStreams() {
  const absl::Status why = WhyStreamsEnd();
  for (Http2Stream* stream = first_; stream != nullptr;
       stream = stream->next_) {
    TellClosed(stream, Http2Error::kInternalError, why);
    stream->Abandon();
  }
}

absl::Status Http2Session::WhyStreamsEnd() const {
  return why_.ok() ? absl::UnavailableError("the connection is closed") : why_;
}

// --- The end.

void Http2Session::EndIfDone() {
  if (over()) return;
  const bool dead = nghttp2_session_want_read(nghttp2()) == 0 &&
                    nghttp2_session_want_write(nghttp2()) == 0;
  const bool drained = retiring() && open_streams_ == 0 &&
                       (goodbye_ == Goodbye::kSaid || goaway_received_) &&
                       nghttp2_session_want_write(nghttp2()) == 0;
  if ((!dead && !drained) || !output_.empty()) return;
  if (role_ == Role::kServer && !stream_->hung_up()) {
    linger_in_all_ =
        phase_ == Phase::kRefused ? kRefusedTimeout : kLingerTimeout;
  }
  Close(absl::OkStatus());
}

void Http2Session::Finish() {
  // Written once more without waiting: what was said last may be why the
  // connection ends.
  if (!stream_->closed()) WriteOnce();
  output_.Clear();
  stream_->ShutdownWrite();
  phase_ = Phase::kLingering;
  for (Timer* timer : {&handshake_timer_, &idle_timer_, &keepalive_timer_,
                       &age_timer_, &stall_timer_, &farewell_timer_}) {
    timer->Cancel();
  }
  const absl::Status why = WhyStreamsEnd();
  while (first_ != nullptr) {
    RemoveStream(first_, Http2Error::kInternalError, why);
  }
  block_.Clear();
  share_.HoldOn({});
  TellHeld();
  if (phase_ == Phase::kParted || linger_in_all_ == absl::ZeroDuration()) {
    return End();  // May destroy this session.
  }
  linger_ = std::make_unique<Http2Linger>(*stream_, linger_in_all_,
                                          [this] { Close(absl::OkStatus()); });
  linger_->Begin();
}

void Http2Session::End() {
  phase_ = Phase::kEnded;
  linger_.reset();
  stream_->SetObserver(nullptr);
  stream_->Close();
  owner_.OnEnded(why_);  // May destroy this session.
}

// --- Time.

void Http2Session::Arm(Timer& timer, absl::Duration delay) {
  if (delay == absl::InfiniteDuration()) return timer.Cancel();
  loop_.ArmTimer(timer, delay);
}

void Http2Session::WatchForStalls() {
  if (!stall_timer_.armed()) Arm(stall_timer_, limits_.write_stall_timeout);
}

void Http2Session::OnHandshakeTimeout() {
  if (!settings_received_ || !settings_acked_) {
    FailOnError(
        nghttp2_session_terminate_session(nghttp2(), NGHTTP2_SETTINGS_TIMEOUT));
  }
  Close(absl::DeadlineExceededError(
      "the peer did not send its settings or header in time"));
}

void Http2Session::OnFarewellTimeout() {
  if (phase_ == Phase::kOpen) return SayGoodbye();
  Close(absl::DeadlineExceededError("the peer does not read why it must go"));
}

void Http2Session::OnIdle() {
  Drain();
  if (role_ == Role::kClient) owner_.OnCapacity();
}

void Http2Session::OnKeepalive() {
  const absl::Duration silent = loop_.Now() - last_read_;
  if (silent < limits_.keepalive_time) {
    Arm(keepalive_timer_, limits_.keepalive_time - silent);
  } else if (!pinged_) {
    pinged_ = true;
    FailOnError(nghttp2_submit_ping(nghttp2(), NGHTTP2_FLAG_NONE, nullptr));
    Arm(keepalive_timer_, limits_.keepalive_timeout);
    ScheduleFlush();
  } else {
    Close(absl::UnavailableError("the peer does not answer pings"));
  }
}

void Http2Session::OnAge() {
  if (std::exchange(aged_, true)) {
    Close(absl::UnavailableError("the connection has reached its age limit"));
    return;
  }
  Drain();
  Arm(age_timer_, limits_.age_grace);
  if (role_ == Role::kClient) owner_.OnCapacity();
}

void Http2Session::OnStallCheck() {
  if (std::exchange(output_waiting_, !output_.empty())) {
    Close(absl::DeadlineExceededError("the peer does not read"));
    return;
  }
  // Only a shut window is the peer's fault: a stream can also wait for its turn
  // behind others of a slow connection.
  const bool shut = !std::exchange(body_moved_, false) &&
                    nghttp2_session_get_remote_window_size(nghttp2()) <= 0;
  for (Http2Stream* stream = first_; stream != nullptr;
       stream = stream->next_) {
    const bool waits = stream->head_sent_ && stream->unsent() > 0 &&
                       (shut || nghttp2_session_get_stream_remote_window_size(
                                    nghttp2(), stream->id_) <= 0);
    if (std::exchange(stream->waiting_, waits) && waits) {
      stream->Reset(
          Http2Error::kCancel,
          absl::DeadlineExceededError("the peer takes nothing of the stream"));
    }
  }
  if (first_ != nullptr || !output_.empty()) WatchForStalls();
}

}  // namespace gateway
