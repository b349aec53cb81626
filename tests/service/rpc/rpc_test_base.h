// RpcTestBase is an RpcListener with EchoMethods on the loop of the test, whose
// calls come from RpcClients on the same loop, so that every turn is known.
//
//   TEST_F(RpcCallTest, AnswersACall) {
//     Run([&]() -> Task<void> {
//       ClientCall& call = client_.CallWith("Echo", Text("hello"));
//       co_await call.AwaitClosed();
//       EXPECT_EQ(call.status(), absl::OkStatus());
//     });
//   }
//
// Thread contract: the test's.

#ifndef TESTS_SERVICE_RPC_RPC_TEST_BASE_H_
#define TESTS_SERVICE_RPC_RPC_TEST_BASE_H_

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/listener.h"
#include "base/net/tls_context.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/rpc/rpc_listener.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/testing/echo/echo.pb.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/loop_runner.h"

namespace gateway {

class RpcTestBase : public testing::Test {
 protected:
  using EchoRequest = EchoMethods::EchoRequest;
  using EchoResponse = EchoMethods::EchoResponse;

  static EchoRequest Text(const std::string& text, int repeat = 0,
                          size_t payload_bytes = 0) {
    EchoRequest request;
    request.set_text(text);
    request.set_repeat(repeat);
    request.set_payload(std::string(payload_bytes, 'p'));
    return request;
  }

  // Opens the listener, runs `story` with `client_` connected, and closes.
  void Run(const std::function<Task<void>()>& story) {
    runner_.Run(Whole(&story, /*connects=*/true));
  }
  // The same without a client.
  void RunAlone(const std::function<Task<void>()>& story) {
    runner_.Run(Whole(&story, /*connects=*/false));
  }

  uint16_t port() const { return address_->port(); }
  size_t running() const { return listener_->running_calls(); }

  // Of llmgw_grpc_connections_closed_total, or _calls_refused_total.
  double Count(std::string_view name, std::string_view reason) const {
    for (const MetricFamilyValue& family : metrics_.Read().families) {
      if (family.name != name) continue;
      for (const MetricValue& metric : family.metrics) {
        if (metric.labels.back().second == reason) return metric.number;
      }
    }
    return 0;
  }
  double Closed(std::string_view reason) const {
    return Count("llmgw_grpc_connections_closed_total", reason);
  }
  double Refused(std::string_view reason) const {
    return Count("llmgw_grpc_calls_refused_total", reason);
  }

  // Until nothing is left of any call or connection.
  Task<void> AwaitGone() {
    const auto gone = std::make_shared<WakeUp>();
    listener_->WhenGone([gone] { gone->Set(); });
    co_await gone->Wait();
  }
  Task<void> AwaitIdle() {
    const auto idle = std::make_shared<WakeUp>();
    listener_->calls().WhenIdle([idle] { idle->Set(); });
    co_await idle->Wait();
  }

  // Until all that can happen without the client has happened, which takes few
  // turns of the loop.
  static Task<void> Settle() {
    for (int turn = 0; turn < 100; ++turn) co_await YieldToLoop();
  }

  // To be changed before Run.
  EchoMethods methods_;
  RpcLimits limits_;
  std::shared_ptr<TlsContext> tls_;

  MetricRegistry metrics_{SystemClock()};
  LoopRunner runner_;
  RpcClient client_;
  std::unique_ptr<RpcListener> listener_;  // Exists within Run.

 private:
  Task<void> Whole(const std::function<Task<void>()>* story, bool connects) {
    address_.emplace(*BindAddress("127.0.0.1:0"));
    listener_ =
        std::make_unique<RpcListener>(methods_.table(), limits_, tls_, "test",
                                      &metrics_);
    if (!listener_->Open(*address_).ok()) std::abort();
    if (connects) {
      const bool connected = co_await client_.Connect(port());
      if (!connected) std::abort();
    }
    co_await (*story)();
    co_await client_.Close();
    listener_->Retire();
    listener_->CloseAll();
    co_await AwaitGone();
    listener_.reset();
  }

  std::optional<ListenAddress> address_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_RPC_RPC_TEST_BASE_H_
