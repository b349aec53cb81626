// Whatever a peer sends, and however it arrives, a server's session ends in
// order: every stream is told once that it is over, and the owner once.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/event_loop.h"
#include "base/http1_codec.h"
#include "base/http2_session.h"
#include "base/http2_stream.h"
#include "base/stream.h"
#include "base/task.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Answers with what it is sent. The path's first letter says how.
class Echo final : public Http2StreamEvents {
 public:
  Echo(Http2Stream& stream, char kind, int& alive)
      : kind_(kind), alive_(alive) {
    ++alive_;
    const HttpField head[] = {{":status", "200"}, {"content-type", "x"}};
    if (kind_ != 'l') stream.SendHead(head);
  }
  ~Echo() { --alive_; }

  void OnData(Http2Stream& stream, std::string_view bytes) override {
    stream.Send(bytes);
    if (kind_ != 's') stream.Consume(bytes.size());
    if (kind_ == 'r') stream.Reset(Http2Error::kCancel);
  }
  void OnTrailers(Http2Stream&, absl::Span<const HttpField> fields) override {
    Require(!fields.empty());
  }
  void OnEnd(Http2Stream& stream) override {
    Require(stream.peer_ended());
    const HttpField trailers[] = {{"x-sum", "42"}};
    if (!stream.head_sent()) {
      const HttpField head[] = {{":status", "404"}};
      stream.SendHead(head, /*end=*/true);
    } else {
      stream.End(trailers);
    }
    if (kind_ == 'd') {
      stream.SetEvents(nullptr);
      delete this;
    }
  }
  void OnClosed(Http2Stream&, Http2Error, const absl::Status&) override {
    delete this;
  }

 private:
  const char kind_;
  int& alive_;
};

class Owner final : public Http2Session::Owner {
 public:
  void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                 bool) override {
    Require(ended_ == 0);
    char kind = ' ';
    for (const HttpField& field : fields) {
      if (field.name == ":path" && field.value.size() > 1) {
        kind = field.value[1];
      }
    }
    if (kind == 'q') session_->Drain();
    if (kind == 'c') session_->Close(absl::OkStatus());
    stream.SetEvents(new Echo(stream, kind, alive_));
  }
  void OnEnded(const absl::Status&) override {
    ++ended_;
    changed_.Set();
  }

  Http2Session* session_ = nullptr;
  int alive_ = 0;
  int ended_ = 0;
  WakeUp changed_;
};

// The input: a byte for the sizes of its pieces, and what the peer says.
Task<void> Play(std::string_view input) {
  int fds[2];
  Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  Http2Limits limits;
  limits.concurrent_streams = 8;
  limits.header_list_bytes = 1024;
  limits.stream_window_bytes = 4096;
  limits.keepalive_time = absl::InfiniteDuration();
  Owner owner;
  Http2Session session(Http2Session::Role::kServer, *Stream::Adopt(fds[0]),
                       limits, owner);
  owner.session_ = &session;
  const size_t step = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  const size_t at_once = std::min<size_t>(input.size(), step % 32);
  session.Start(input.substr(0, at_once));
  input.remove_prefix(at_once);
  char answer[4096];
  while (!input.empty() && owner.ended_ == 0) {
    // Up to 255 bytes at a time, or all of them.
    const size_t size = step == 0 ? input.size() : std::min(step, input.size());
    const ssize_t sent =
        send(fds[1], input.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) input.remove_prefix(static_cast<size_t>(sent));
    while (recv(fds[1], answer, sizeof(answer), MSG_DONTWAIT) > 0) {
    }
    co_await YieldToLoop();
    if (sent < 0 && owner.ended_ > 0) break;
  }
  for (int i = 0; i < 3; ++i) co_await YieldToLoop();
  close(fds[1]);
  while (owner.ended_ == 0) co_await owner.changed_.Wait();
  for (int i = 0; i < 2; ++i) co_await YieldToLoop();
  Require(owner.ended_ == 1);
  Require(owner.alive_ == 0);
  Require(session.open_streams() == 0);
}

Task<void> PlayAndStop(std::string_view input, EventLoop* loop) {
  co_await Play(input);
  loop->Stop();
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 1'000'000) return 0;
  static gateway::EventLoop* const loop =
      gateway::EventLoop::Create()->release();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  loop->Post([input] { gateway::Spawn(gateway::PlayAndStop(input, loop)); });
  loop->Run();
  return 0;
}
