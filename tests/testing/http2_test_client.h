// Http2TestClient is a client that speaks HTTP/2 over a connection of its own,
// on a thread of its own, for tests that stand beside a server.
//
//   Http2TestClient client(server.port());
//   const Http2Answer answer = client.Ask({.path = "/hello"});
//   EXPECT_EQ(answer.status(), "200");
//
//   Http2TestCall& call = client.Begin({.path = "/stream"});
//   EXPECT_EQ(client.AwaitBody(call, 4), "one ");
//   client.Reset(call);
//
// What does not come in time ends the test process.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_HTTP2_TEST_CLIENT_H_
#define TESTS_TESTING_HTTP2_TEST_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/stream_pair.h"

namespace gateway {

struct Http2Request {
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool whole = true;  // Else the body is not ended.
};

struct Http2Answer {
  std::vector<std::pair<std::string, std::string>> head;
  std::string body;
  bool whole = false;  // The server has ended it.
  bool closed = false;
  Http2Error error = Http2Error::kNoError;

  std::string Find(std::string_view name) const {
    for (const auto& [key, value] : head) {
      if (key == name) return value;
    }
    return "";
  }
  std::string status() const { return Find(":status"); }
};

// Of the client's thread.
struct Http2TestCall final : public Http2StreamEvents {
  void OnHead(Http2Stream&, absl::Span<const HttpField> fields) override {
    for (const HttpField& field : fields) {
      answer.head.emplace_back(field.name, field.value);
    }
    changed.Set();
  }
  void OnData(Http2Stream& from, std::string_view bytes) override {
    answer.body += bytes;
    if (consumes) from.Consume(bytes.size());
    changed.Set();
  }
  void OnEnd(Http2Stream&) override {
    answer.whole = true;
    changed.Set();
  }
  void OnClosed(Http2Stream&, Http2Error error, const absl::Status&) override {
    stream = nullptr;
    answer.closed = true;
    answer.error = error;
    changed.Set();
  }

  Http2Stream* stream = nullptr;
  bool consumes = true;
  Http2Answer answer;
  WakeUp changed;
};

class Http2TestClient final : public Http2Session::Owner {
 public:
  explicit Http2TestClient(uint16_t port,
                           std::shared_ptr<TlsContext> tls = nullptr,
                           const Http2Limits& limits = {})
      : limits_(limits) {
    Await([this, port, tls]() -> Task<void> {
      std::unique_ptr<Stream> stream = BeginConnectTo(port);
      absl::Status ready = co_await stream->Connected();
      const std::string name = "localhost";
      if (ready.ok() && tls != nullptr) {
        ready = co_await stream->StartTls(*tls, name);
      }
      if (!ready.ok()) std::abort();
      alpn_ = stream->alpn();
      session_ = std::make_unique<Http2Session>(
          Http2Session::Role::kClient, std::move(stream), limits_, *this);
      session_->Start();
    });
  }

  ~Http2TestClient() {
    Do([this] { session_->Close(absl::OkStatus()); });
    AwaitEnd();
    Do([this] { session_.reset(); });
  }

  const std::string& alpn() const { return alpn_; }

  // Begins a request.
  Http2TestCall& Begin(const Http2Request& request) {
    Http2TestCall* const call =
        calls_.emplace_back(std::make_unique<Http2TestCall>()).get();
    Do([this, call, &request] {
      std::vector<HttpField> fields = {{":method", request.method},
                                       {":scheme", "http"},
                                       {":authority", "test"},
                                       {":path", request.path}};
      for (const auto& [name, value] : request.fields) {
        fields.push_back({name, value});
      }
      const bool bodiless = request.body.empty() && request.whole;
      call->stream = session_->StartRequest(fields, bodiless, *call);
      if (call->stream == nullptr) std::abort();
      call->stream->Send(request.body);
      if (request.whole && !bodiless) call->stream->End();
    });
    return *call;
  }

  // Sends more of a body.
  void Send(Http2TestCall& call, std::string_view bytes, bool end = false) {
    Do([&] {
      if (call.stream == nullptr) return;
      call.stream->Send(bytes);
      if (end) call.stream->End();
    });
  }

  void Reset(Http2TestCall& call) {
    Do([&] {
      if (call.stream != nullptr) call.stream->Reset(Http2Error::kCancel);
    });
  }

  // Waits until `done` holds for the answer, and returns what there is.
  Http2Answer AwaitAnswer(Http2TestCall& call,
                          std::function<bool(const Http2Answer&)> done) {
    Http2Answer answer;
    Await([&]() -> Task<void> {
      while (!done(call.answer)) co_await call.changed.Wait();
      answer = call.answer;
    });
    return answer;
  }
  Http2Answer AwaitClosed(Http2TestCall& call) {
    return AwaitAnswer(call, [](const Http2Answer& a) { return a.closed; });
  }
  // The whole answer, of which the server may not have heard all of the
  // request.
  Http2Answer AwaitWhole(Http2TestCall& call) {
    return AwaitAnswer(
        call, [](const Http2Answer& a) { return a.whole || a.closed; });
  }
  std::string AwaitBody(Http2TestCall& call, size_t bytes) {
    return AwaitAnswer(call, [bytes](const Http2Answer& answer) {
             return answer.body.size() >= bytes || answer.closed;
           }).body;
  }

  // Begins a request and waits for its end.
  Http2Answer Ask(const Http2Request& request) {
    return AwaitClosed(Begin(request));
  }

  // Another request may begin now. On the client's thread.
  bool accepting() const { return session_->accepting(); }

  // The server will take no more requests.
  void AwaitGoaway() {
    Await([this]() -> Task<void> {
      while (!session_->retiring()) co_await changed_.Wait();
    });
  }

  // The connection is closed.
  void AwaitEnd() {
    Await([this]() -> Task<void> {
      while (!ended_) co_await changed_.Wait();
    });
  }

  // Hangs up, without a word.
  void Close() {
    Do([this] { session_->Close(absl::CancelledError("the test")); });
  }

  // Runs `work` on the client's thread.
  void Do(const std::function<void()>& work) {
    if (!thread_.Run(work)) std::abort();
  }

 private:
  void Await(const std::function<Task<void>()>& task) {
    if (!thread_.RunTask(task)) std::abort();
  }

  void OnCapacity() override { changed_.Set(); }
  void OnEnded(const absl::Status&) override {
    ended_ = true;
    changed_.Set();
  }

  const Http2Limits limits_;
  std::string alpn_;
  std::vector<std::unique_ptr<Http2TestCall>> calls_;
  LoopThread thread_;
  // Of the client's thread.
  std::unique_ptr<Http2Session> session_;
  bool ended_ = false;
  WakeUp changed_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_HTTP2_TEST_CLIENT_H_
