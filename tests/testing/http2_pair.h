// Http2Pair is two sessions that talk to each other over loopback, both on the
// loop of the test, with owners and streams that write down what they are told
// and do what the test says.
//
//   Http2Pair pair;
//   pair.server_owner.on_end = AnswerWithEcho;
//   co_await pair.Open();
//   Http2Recorder answer;
//   pair.client->StartRequest(kHttp2Post, /*end=*/true, answer);
//   co_await answer.AwaitClosed();
//   co_await pair.Close();
//
// Thread contract: an event loop's thread.

#ifndef TESTS_TESTING_HTTP2_PAIR_H_
#define TESTS_TESTING_HTTP2_PAIR_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "tests/testing/stream_pair.h"

namespace gateway {

inline const HttpField kHttp2Post[] = {{":method", "POST"},
                                       {":scheme", "http"},
                                       {":authority", "test"},
                                       {":path", "/echo"}};

inline std::string TextOf(absl::Span<const HttpField> fields) {
  std::string text;
  for (const HttpField& field : fields) {
    text.append(field.name).append("=").append(field.value).append(";");
  }
  return text;
}

// A stream's whole story as one end saw it.
class Http2Recorder : public Http2StreamEvents {
 public:
  virtual ~Http2Recorder() = default;

  void OnHead(Http2Stream&, absl::Span<const HttpField> fields) override {
    head = TextOf(fields);
    changed.Set();
    if (on_head) on_head();
  }
  void OnData(Http2Stream& stream, std::string_view bytes) override {
    body += bytes;
    if (consumes) stream.Consume(bytes.size());
    changed.Set();
    if (on_data) on_data();
  }
  void OnTrailers(Http2Stream&, absl::Span<const HttpField> fields) override {
    trailers = TextOf(fields);
    if (on_trailers) on_trailers();
  }
  void OnEnd(Http2Stream&) override {
    ended = true;
    changed.Set();
  }
  void OnSent(Http2Stream&) override {
    ++sent;
    changed.Set();
    if (on_sent) on_sent();
  }
  void OnClosed(Http2Stream&, Http2Error with,
                const absl::Status& because) override {
    ++closed;
    error = with;
    why = because;
    changed.Set();
    if (on_closed) on_closed();
  }

  Task<void> AwaitClosed() {
    while (closed == 0) co_await changed.Wait();
  }
  Task<void> AwaitHead() {
    while (head.empty() && closed == 0) co_await changed.Wait();
  }
  Task<void> AwaitBody(size_t size) {
    while (body.size() < size && closed == 0) co_await changed.Wait();
  }

  std::string head;
  std::string body;
  std::string trailers;
  bool consumes = true;
  bool ended = false;
  int closed = 0;
  int sent = 0;
  Http2Error error = Http2Error::kNoError;
  absl::Status why;
  WakeUp changed;
  std::function<void()> on_head;
  std::function<void()> on_data;
  std::function<void()> on_trailers;
  std::function<void()> on_sent;
  std::function<void()> on_closed;
};

// A server's side of one stream, which a test tells what to do.
class Http2Served final : public Http2Recorder {
 public:
  void OnEnd(Http2Stream& stream) override {
    Http2Recorder::OnEnd(stream);
    if (on_end) on_end(stream, *this);
  }
  void OnClosed(Http2Stream& stream, Http2Error with,
                const absl::Status& because) override {
    this->stream = nullptr;
    Http2Recorder::OnClosed(stream, with, because);
  }

  Http2Stream* stream = nullptr;
  std::function<void(Http2Stream&, Http2Served&)> on_end;
};

inline void AnswerWithEcho(Http2Stream& stream, Http2Served& served) {
  const HttpField head[] = {{":status", "200"}, {"x-kind", "echo"}};
  stream.SendHead(head);
  stream.Send(served.body);
  const HttpField trailers[] = {{"x-sum", "42"}};
  stream.End(trailers);
}

class Http2TestOwner final : public Http2Session::Owner {
 public:
  void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                 bool) override {
    auto served = std::make_unique<Http2Served>();
    served->head = TextOf(fields);
    served->stream = &stream;
    served->on_end = on_end;
    served->consumes = consumes;
    stream.SetEvents(served.get());
    streams.push_back(std::move(served));
    changed.Set();
    if (on_request) on_request(*streams.back());
  }
  void OnCapacity() override {
    changed.Set();
    if (on_capacity) on_capacity();
  }
  void OnHeld(size_t, size_t now) override { held = now; }
  void OnEnded(const absl::Status& because) override {
    ++ended;
    why = because;
    changed.Set();
    if (on_ended) on_ended();
  }

  Task<void> AwaitEnded() {
    while (ended == 0) co_await changed.Wait();
  }
  Task<void> AwaitStreams(size_t count) {
    while (streams.size() < count) co_await changed.Wait();
  }

  int ended = 0;
  size_t held = 0;  // As OnHeld told last.
  bool consumes = true;
  absl::Status why;
  std::function<void(Http2Stream&, Http2Served&)> on_end = AnswerWithEcho;
  std::function<void(Http2Served&)> on_request;
  std::function<void()> on_capacity;
  std::function<void()> on_ended;
  std::vector<std::unique_ptr<Http2Served>> streams;
  WakeUp changed;
};

struct Http2Pair {
  Http2Limits client_limits;
  Http2Limits server_limits;
  Http2TestOwner client_owner;
  Http2TestOwner server_owner;
  std::unique_ptr<Http2Session> client;
  std::unique_ptr<Http2Session> server;

  Task<void> Open() {
    StreamPair streams = co_await ConnectedPair();
    Begin(std::move(streams));
  }

  void Begin(StreamPair streams) {
    using Role = Http2Session::Role;
    server = std::make_unique<Http2Session>(
        Role::kServer, std::move(streams.server), server_limits, server_owner);
    client = std::make_unique<Http2Session>(
        Role::kClient, std::move(streams.client), client_limits, client_owner);
    server->Start();
    client->Start();
  }

  // Both sides know each other's settings when a request has been answered.
  Task<void> Greet() {
    Http2Recorder answer;
    const auto on_request = std::exchange(server_owner.on_request, nullptr);
    const auto on_end = std::exchange(server_owner.on_end, AnswerWithEcho);
    client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    server_owner.on_request = on_request;
    server_owner.on_end = on_end;
    server_owner.streams.clear();
  }

  Task<void> Close() {
    client->Close(absl::OkStatus());
    co_await AwaitEnd();
  }

  Task<void> AwaitEnd() {
    co_await client_owner.AwaitEnded();
    co_await server_owner.AwaitEnded();
  }
};

}  // namespace gateway

#endif  // TESTS_TESTING_HTTP2_PAIR_H_
