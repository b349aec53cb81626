// HttpUploadTest has what tests of bodies that come bit by bit need: a server's
// handler that reads them, a client that sends them, and a proxy between that
// passes them on, each on a loop of its own, over real sockets.
//
// Thread contract: the test's.

#ifndef TESTS_BASE_HTTP_HTTP_UPLOAD_TEST_BASE_H_
#define TESTS_BASE_HTTP_HTTP_UPLOAD_TEST_BASE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/body_source.h"
#include "base/http/http_client.h"
#include "base/http/http_handler.h"
#include "base/http/negotiating_http_client.h"
#include "base/net/resolver.h"
#include "base/os/mutex.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/pattern.h"
#include "tests/testing/test_http_server.h"

namespace gateway {

inline constexpr uint64_t kLarge = 256 * 1024 * 1024;
inline constexpr size_t kPeriod = 64 * 1024;
// What a body on its way may take: buffers of the kernel's on two connections.
inline constexpr uint64_t kInFlightMax = 32 * 1024 * 1024;

// The same bytes over and over, twice, so that any piece of them is in one row.
inline const std::string& Repeated() {
  static const auto* const text = new std::string([] {
    const std::string once = Pattern(kPeriod);
    return once + once + std::string(64, '\0');
  }());
  return *text;
}

// Counts the bytes that come, and whether they are those of Repeated.
struct BodySum {
  void Add(std::string_view piece) {
    while (!piece.empty()) {
      const size_t part = std::min(piece.size(), kPeriod);
      right = right && std::memcmp(piece.data(),
                                   Repeated().data() + bytes % kPeriod,
                                   part) == 0;
      bytes += part;
      piece.remove_prefix(part);
    }
  }
  std::string Text() const {
    return absl::StrCat(bytes, right ? " right" : " wrong");
  }

  uint64_t bytes = 0;
  bool right = true;
};

// A body of so many bytes, made as it is taken.
class MadeBody final : public BodySource {
 public:
  MadeBody(uint64_t bytes, bool says_length)
      : bytes_(bytes), says_(says_length) {}

  std::optional<uint64_t> length() const override {
    if (!says_) return std::nullopt;
    return bytes_;
  }
  absl::StatusOr<State> Take(std::string_view* piece) override {
    if (on_take) on_take(taken);
    if (taken >= fails_at) return failure;
    if (taken >= stops_at) return State::kLater;
    const uint64_t left = bytes_ - taken;
    if (left == 0) return State::kEnd;
    *piece = std::string_view(Repeated()).substr(
        taken % kPeriod, std::min<uint64_t>(left, kPeriod - 1000));
    taken += piece->size();
    return State::kPiece;
  }
  void SetWakeUp(WakeUp*) override {}

  std::function<void(uint64_t)> on_take;
  uint64_t fails_at = UINT64_MAX;
  absl::Status failure = absl::DataLossError("the disk is gone");
  uint64_t stops_at = UINT64_MAX;
  uint64_t taken = 0;

 private:
  const uint64_t bytes_;
  const bool says_;
};

// Does with a body what the path says.
class UploadReceiver final : public HttpHandler {
 public:
  HttpAdmission Admit(const HttpRequest&, HttpResponder&) override {
    return HttpAdmission::AsItComes();
  }

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    if (request.path == "/proxy") return PassOn(request, responder);
    if (request.path == "/echo") return Echo(request, responder);
    if (request.path == "/ignore") return Say(responder, "not needed");
    return Count(request, responder);
  }

  // Set before the server starts.
  std::shared_ptr<const HttpDestination> upstream;
  HttpClient* client = nullptr;
  // How many turns of the loop are spent on each piece.
  int turns = 0;
  std::atomic<uint64_t> received = 0;

  // Why a body could not be had: each is told once, in order. Waits for the
  // next; UNKNOWN if there is none.
  absl::Status AwaitFailure() {
    MutexLock lock(mu_);
    while (failures_.empty()) {
      if (!failed_.WaitFor(lock, absl::Seconds(20))) {
        return absl::UnknownError("no body has failed");
      }
    }
    absl::Status failure = std::move(failures_.front());
    failures_.pop_front();
    return failure;
  }

  Event holding;
  WakeUp let_go;  // Of the server's thread.

 private:
  void Fail(const absl::Status& why) {
    MutexLock lock(mu_);
    // A copy that shares nothing: its count of owners is kept in a library
    // which ThreadSanitizer cannot look into.
    failures_.emplace_back(why.code(), why.message());
    failed_.NotifyAll();
  }

  static Task<void> Say(HttpResponder& responder, std::string text) {
    const std::string_view body[] = {text};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }

  Task<void> Count(const HttpRequest& request, HttpResponder& responder) {
    if (request.source == nullptr) {
      co_await Say(responder, absl::StrCat(request.body.size(), " whole"));
      co_return;
    }
    const bool first_only = request.path == "/early";
    if (request.path == "/hold") {
      holding.Set();
      co_await let_go.Wait();
    }
    BodySum sum;
    for (;;) {
      const absl::StatusOr<std::string_view> piece =
          co_await request.source->Read();
      if (!piece.ok()) {
        Fail(piece.status());
        co_return;
      }
      sum.Add(*piece);
      received = sum.bytes;
      if (piece->empty()) break;
      if (first_only) break;
      for (int i = 0; i < turns; ++i) co_await YieldToLoop();
    }
    // By itself: GCC 12 would destroy a choice within co_await twice.
    std::string text = first_only ? "early" : sum.Text();
    co_await Say(responder, std::move(text));
  }

  static Task<void> Echo(const HttpRequest& request, HttpResponder& responder) {
    BodySource& source = *request.source;
    responder.Start({200, {}});
    for (;;) {
      const absl::StatusOr<std::string_view> piece = co_await source.Read();
      if (!piece.ok()) co_return responder.Abort();
      if (piece->empty()) break;
      const std::string_view out[] = {*piece};
      const absl::Status written = co_await responder.Write(out);
      if (!written.ok()) co_return;
    }
    static_cast<void>(co_await responder.Finish());
  }

  Task<void> PassOn(const HttpRequest& request, HttpResponder& responder) {
    const HttpRequestHead head(upstream, "POST",
                               std::string(request.query), {});
    HttpCall call;
    call.head = &head;
    call.source = request.source;
    call.cancel = &responder.gone();
    const absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
        co_await client->Send(call);
    if (!exchange.ok()) {
      Fail(exchange.status());
      co_return;
    }
    const absl::StatusOr<std::string_view> body =
        co_await (*exchange)->ReadAll();
    std::string text = body.ok() ? std::string(*body) : "broken";
    co_await Say(responder, std::move(text));
  }

  Mutex mu_;
  CondVar failed_;
  std::list<absl::Status> failures_ GUARDED_BY(mu_);
};

// A client of the house's own on a loop of its own.
class UploadSender {
 public:
  UploadSender() {
    Await([this]() -> Task<void> {
      client_ = std::make_unique<NegotiatingHttpClient>(resolver_);
      co_return;
    });
  }
  ~UploadSender() {
    Await([this]() -> Task<void> {
      co_await client_->Close();
      client_.reset();
    });
  }

  static std::shared_ptr<HttpDestination> To(uint16_t port,
                                             HttpVersion version) {
    auto to = std::make_shared<HttpDestination>();
    to->host = "127.0.0.1";
    to->port = port;
    to->version = version;
    to->response_bytes_limit = 2 * kLarge;
    return to;
  }

  // The answer's body, or why there is none.
  absl::StatusOr<std::string> Post(
      std::shared_ptr<const HttpDestination> to, std::string path,
      BodySource& source, HttpProgress* progress = nullptr) {
    absl::StatusOr<std::string> result;
    Await([&]() -> Task<void> {
      CancelSignal never;
      HttpProgress own;
      const HttpRequestHead head(to, "POST", path, {});
      HttpCall call;
      call.head = &head;
      call.source = &source;
      call.cancel = &never;
      call.progress = progress != nullptr ? progress : &own;
      const absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
          co_await client_->Send(call);
      if (!exchange.ok()) {
        result = exchange.status();
        co_return;
      }
      const absl::StatusOr<std::string_view> body =
          co_await (*exchange)->ReadAll();
      if (body.ok()) {
        result = absl::StrCat((*exchange)->status(), " ", ToAbsl(*body));
      } else {
        result = body.status();
      }
    });
    return result;
  }

  HttpClient& client() { return *client_; }
  size_t idle_connections() {
    size_t idle = 0;
    Await([&]() -> Task<void> {
      idle = client_->http1().stats().idle;
      co_return;
    });
    return idle;
  }

 private:
  void Await(const std::function<Task<void>()>& task) {
    if (!thread_.RunTask(task)) std::abort();
  }

  Resolver resolver_;
  LoopThread thread_;
  std::unique_ptr<NegotiatingHttpClient> client_;
};

// A server that passes bodies on to another.
class UploadProxy {
 public:
  UploadProxy(uint16_t upstream, HttpVersion version,
              const HttpServerLimits& limits = {.body_bytes = 2 * kLarge}) {
    handler_.upstream = UploadSender::To(upstream, version);
    server_.emplace(handler_, limits);
    server_->Await([this]() -> Task<void> {
      client_ = std::make_unique<NegotiatingHttpClient>(resolver_);
      handler_.client = client_.get();
      co_return;
    });
  }
  ~UploadProxy() {
    server_->Await([this]() -> Task<void> {
      server_->server().CancelAll(absl::CancelledError("the test is over"));
      co_await client_->Close();
      client_.reset();
    });
  }

  uint16_t port() { return server_->port(); }
  UploadReceiver& handler() { return handler_; }

 private:
  Resolver resolver_;
  UploadReceiver handler_;
  std::optional<TestHttpServer> server_;
  std::unique_ptr<NegotiatingHttpClient> client_;
};

class HttpUploadTest : public testing::Test {
 protected:
  static std::string Head(std::string_view path, std::string_view more) {
    return absl::StrCat("POST ", ToAbsl(path), " HTTP/1.1\r\nhost: x\r\n",
                        ToAbsl(more), "\r\n\r\n");
  }
  static std::string Sized(std::string_view path, uint64_t length) {
    return Head(path, absl::StrCat("content-length: ", length));
  }
  static Http2Request Post(std::string path) {
    Http2Request request;
    request.method = "POST";
    request.path = std::move(path);
    request.whole = false;
    return request;
  }
  static std::string Bytes(size_t size) { return Repeated().substr(0, size); }
  static size_t KeptBytes(TestHttpServer& server) {
    size_t kept = 0;
    server.Do([&] { kept = server.loop().request_bytes().used_bytes(); });
    return kept;
  }

  UploadReceiver receiver_;
};

}  // namespace gateway

#endif  // TESTS_BASE_HTTP_HTTP_UPLOAD_TEST_BASE_H_
