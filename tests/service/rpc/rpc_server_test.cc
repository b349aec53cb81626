// The server over its loops. What callers see of it is in
// tests/service/grpc/grpc_server_test.cc.

#include "service/rpc/rpc_server.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "base/os/mutex.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/stream_pair.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using EchoRequest = EchoMethods::EchoRequest;
using EchoResponse = EchoMethods::EchoResponse;

class RpcServerTest : public testing::Test {
 protected:
  RpcServer::Options Options() {
    RpcServer::Options options;
    options.address = "127.0.0.1:0";
    options.table = &methods_.table();
    options.loops = {&first_.loop(), &second_.loop()};
    options.health = &methods_.health();
    return options;
  }

  void Start() { Start(Options()); }
  void Start(RpcServer::Options options) {
    auto server = RpcServer::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  uint16_t port() const { return static_cast<uint16_t>(server_->port()); }

  // Runs the clients' side on a loop of their own.
  void RunClients(const std::function<Task<void>()>& story) {
    ASSERT_TRUE(clients_.RunTask(story));
  }

  // Begins a call that goes on until it is cancelled; returns what it is told
  // in the end.
  static Task<absl::Status> Linger(uint16_t port, Event* begun) {
    RpcClient client;
    const bool connected = co_await client.Connect(port);
    EXPECT_TRUE(connected);
    ClientCall& call = client.Call("Chat");
    call.stream().Send(Framed(EchoRequest()));
    co_await call.AwaitBody(1);
    begun->Set();
    co_await call.AwaitClosed();
    co_await client.Close();
    co_return call.status();
  }

  EchoMethods methods_;
  LoopThread first_;
  LoopThread second_;
  LoopThread clients_;
  std::unique_ptr<RpcServer> server_;
};

TEST_F(RpcServerTest, RefusesToStartWithMistakes) {
  auto options = Options();
  options.loops.clear();
  EXPECT_EQ(RpcServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = Options();
  options.limits.http2.concurrent_streams = 1024;
  options.limits.http2.stream_window_bytes = 2 * 1024 * 1024;
  EXPECT_EQ(RpcServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = Options();
  options.address = "no address";
  EXPECT_EQ(RpcServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RpcServerTest, ConnectionsSpreadOverTheLoops) {
  constexpr int kConnections = 64;
  Mutex mu;
  std::multiset<EventLoop*> loops;
  std::atomic<int> strays = 0;
  methods_.echo = [&](CallContext& call, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    if (EventLoop::Current() != &call.loop()) ++strays;
    MutexLock lock(mu);
    loops.insert(&call.loop());
    co_return absl::OkStatus();
  };
  Start();
  RunClients([&]() -> Task<void> {
    std::vector<std::unique_ptr<RpcClient>> clients;
    std::vector<ClientCall*> calls;
    for (int i = 0; i < kConnections; ++i) {
      clients.push_back(std::make_unique<RpcClient>());
      const bool connected = co_await clients.back()->Connect(port());
      EXPECT_TRUE(connected);
      calls.push_back(&clients.back()->CallWith("Echo", EchoRequest()));
    }
    for (ClientCall* call : calls) {
      co_await call->AwaitClosed();
      EXPECT_TRUE(call->status().ok()) << call->status();
    }
    for (const auto& client : clients) co_await client->Close();
  });
  EXPECT_EQ(strays, 0);
  MutexLock lock(mu);
  EXPECT_EQ(loops.size(), static_cast<size_t>(kConnections));
  // None has all of them: the kernel deals by a hash of the addresses.
  EXPECT_GT(loops.count(&first_.loop()), 0u);
  EXPECT_GT(loops.count(&second_.loop()), 0u);
}

TEST_F(RpcServerTest, WaitsForCallsAndThenCancelsThem) {
  Start();
  Event begun;
  Event ended;
  absl::Status status;
  clients_.loop().Post([&] {
    Spawn([](uint16_t port, Event* begun, Event* ended,
             absl::Status* status) -> Task<void> {
      *status = co_await Linger(port, begun);
      ended->Set();
    }(port(), &begun, &ended, &status));
  });
  ASSERT_TRUE(begun.Wait());
  EXPECT_EQ(server_->running_calls(), 1u);
  server_->StartDraining();
  EXPECT_FALSE(server_->AwaitIdle(absl::Milliseconds(1)));
  server_->Drain(absl::Milliseconds(1));
  ASSERT_TRUE(ended.Wait());
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(server_->running_calls(), 0u);
  EXPECT_TRUE(server_->AwaitIdle(absl::ZeroDuration()));
  server_->Shutdown();  // Once more does no harm.
}

TEST_F(RpcServerTest, NobodyIsAcceptedAfterTheShutdown) {
  Start();
  const uint16_t port = this->port();
  server_->Shutdown();
  RunClients([port]() -> Task<void> {
    RpcClient client;
    const bool connected = co_await client.Connect(port);
    EXPECT_FALSE(connected);
  });
}

TEST_F(RpcServerTest, ShutsDownPastAClientThatDoesNotRead) {
  methods_.expand = [](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(std::string(1'000'000, 'p'));
    for (;;) {
      const bool more = co_await writer.Write(response);
      if (!more) break;
    }
    co_return call.cancel().status();
  };
  Start();
  Event stuck;
  Event ended;
  clients_.loop().Post([&] {
    Spawn([](uint16_t port, Event* stuck, Event* ended) -> Task<void> {
      RpcClient client;
      const bool connected = co_await client.Connect(port);
      EXPECT_TRUE(connected);
      ClientCall& call = client.CallWith("Expand", EchoRequest());
      call.set_consumes(false);
      co_await call.AwaitBody(10'000);
      stuck->Set();
      co_await call.AwaitClosed();
      co_await client.Close();
      ended->Set();
    }(port(), &stuck, &ended));
  });
  ASSERT_TRUE(stuck.Wait());
  server_->Drain(absl::Milliseconds(1));
  EXPECT_TRUE(ended.Wait());
}

TEST_F(RpcServerTest, ShutsDownPastAHandshakeThatDoesNotEnd) {
  const TestCertificates certificates;
  auto options = Options();
  options.tls = ServerTls(certificates.good(), {"h2"});
  Start(std::move(options));
  std::unique_ptr<Stream> silent;
  RunClients([&]() -> Task<void> {
    silent = BeginConnectTo(port());
    const absl::Status connected = co_await silent->Connected();
    EXPECT_TRUE(connected.ok());
  });
  server_->Shutdown();
  RunClients([&]() -> Task<void> {
    while (!silent->hung_up()) co_await silent->Readable();
    silent.reset();
  });
}

TEST_F(RpcServerTest, MayGoWithCallsUnderWay) {
  Start();
  Event begun;
  Event ended;
  clients_.loop().Post([&] {
    Spawn([](uint16_t port, Event* begun, Event* ended) -> Task<void> {
      const absl::Status status = co_await Linger(port, begun);
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
      ended->Set();
    }(port(), &begun, &ended));
  });
  ASSERT_TRUE(begun.Wait());
  server_.reset();
  EXPECT_TRUE(ended.Wait());
}

}  // namespace
}  // namespace gateway
