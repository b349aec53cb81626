// Whatever a peer sends, and however it arrives, a session ends in order:
// every stream is told once that it is over, and the owner once. A client's
// streams are told of an answer in its order, too.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/net/stream.h"

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

class Owner : public Http2Session::Owner {
 public:
  void OnEnded(const absl::Status&) override {
    ++ended_;
    changed_.Set();
  }

  Http2Session* session_ = nullptr;
  int alive_ = 0;
  int ended_ = 0;
  WakeUp changed_;

 protected:
  ~Owner() = default;
};

class Server final : public Owner {
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
};

// Makes requests as soon as they are allowed: one without a body, one with
// more of it than the peer may want, one that echoes the answer, and so on.
class Client final : public Owner {
 public:
  void OnCapacity() override {
    Require(ended_ == 0);
    while (asked_ < wanted_ && session_->accepting()) Ask();
  }

  // As for a request which nobody has looked at.
  void AskAgain() {
    if (wanted_ < kRequestsMax) ++wanted_;
  }

 private:
  void Ask();

  static constexpr int kRequestsMax = 8;

  int asked_ = 0;
  int wanted_ = 3;
};

// Waits for an answer, whose status says what becomes of it.
class Asker final : public Http2StreamEvents {
 public:
  Asker(Client& client, bool echoes) : client_(client), echoes_(echoes) {
    ++client_.alive_;
  }
  ~Asker() { --client_.alive_; }

  void OnHead(Http2Stream& stream, absl::Span<const HttpField> head) override {
    Require(status_.empty());
    Require(!head.empty() && head.front().name == ":status");
    status_ = std::string(head.front().value);
    Require(status_.size() == 3 && status_[0] != '1');
    if (status_ == "201") client_.session_->Drain();
    if (status_ == "202") client_.session_->Close(absl::OkStatus());
    if (status_ == "203") stream.Reset(Http2Error::kCancel);
    if (status_ == "206") {
      stream.SetEvents(nullptr);
      delete this;
    }
  }
  void OnData(Http2Stream& stream, std::string_view bytes) override {
    Require(!status_.empty() && !bytes.empty() && !stream.peer_ended());
    if (echoes_) stream.Send(bytes);
    if (status_ != "205") stream.Consume(bytes.size());
  }
  void OnTrailers(Http2Stream&, absl::Span<const HttpField>) override {
    Require(!status_.empty());
  }
  void OnEnd(Http2Stream& stream) override {
    Require(!status_.empty() && stream.peer_ended());
    if (!stream.ended()) stream.End();
  }
  void OnClosed(Http2Stream&, Http2Error error, const absl::Status&) override {
    if (error == Http2Error::kRefusedStream) client_.AskAgain();
    delete this;
  }

 private:
  Client& client_;
  const bool echoes_;
  std::string status_;
};

void Client::Ask() {
  constexpr size_t kBodyBytes = 10'000;
  const HttpField head[] = {{":method", "POST"},
                            {":scheme", "http"},
                            {":authority", "x"},
                            {":path", "/"}};
  const HttpField trailers[] = {{"x-sum", "42"}};
  const int kind = asked_++ % 3;
  Asker* const asker = new Asker(*this, /*echoes=*/kind == 2);
  Http2Stream* const stream =
      session_->StartRequest(head, /*end=*/kind == 0, *asker);
  if (stream == nullptr) {
    delete asker;
  } else if (kind == 1) {
    stream->Send(std::string(kBodyBytes, 'b'));
    stream->End(trailers);
  }
}

// Waits until what is to be done in a turn has been done, above all to read
// and to write: a loop that is kept busy puts that off for a while.
class TurnEnd final : private TurnEndTask {
 public:
  Task<void> Wait() {
    EventLoop::Current()->RunAtTurnEnd(*this);
    co_await over_.Wait();
  }

 private:
  void OnTurnEnd() override { over_.Set(); }

  WakeUp over_;
};

// The input: a byte for the role, its highest bit, and for the sizes of the
// pieces; then what the peer says.
Task<void> Play(std::string_view input) {
  int fds[2];
  Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  Http2Limits limits;
  limits.concurrent_streams = 8;
  limits.header_list_bytes = 1024;
  limits.stream_window_bytes = 4096;
  limits.keepalive_time = absl::InfiniteDuration();
  const uint8_t choice = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  const bool asks = choice >= 0x80;
  const size_t step = choice % 0x80;
  Server server;
  Client client;
  Owner& owner = asks ? static_cast<Owner&>(client) : server;
  Http2Session session(
      asks ? Http2Session::Role::kClient : Http2Session::Role::kServer,
      *Stream::Adopt(fds[0]), limits, owner);
  owner.session_ = &session;
  const size_t at_once = std::min<size_t>(input.size(), step % 32);
  session.Start(input.substr(0, at_once));
  input.remove_prefix(at_once);
  TurnEnd turn_end;
  if (asks && owner.ended_ == 0) {
    client.OnCapacity();
    co_await turn_end.Wait();  // Answers come after the requests.
  }
  char answer[4096];
  while (!input.empty() && owner.ended_ == 0) {
    // Up to 127 bytes at a time, or all of them.
    const size_t size = step == 0 ? input.size() : std::min(step, input.size());
    const ssize_t sent =
        send(fds[1], input.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) input.remove_prefix(static_cast<size_t>(sent));
    while (recv(fds[1], answer, sizeof(answer), MSG_DONTWAIT) > 0) {
    }
    co_await turn_end.Wait();
    if (sent < 0 && owner.ended_ > 0) break;
  }
  co_await turn_end.Wait();
  close(fds[1]);
  while (owner.ended_ == 0) co_await owner.changed_.Wait();
  co_await turn_end.Wait();
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
