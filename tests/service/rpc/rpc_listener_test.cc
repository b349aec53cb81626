#include "service/rpc/rpc_listener.h"

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "errors/fault.h"
#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"

namespace gateway {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

class RpcListenerTest : public RpcTestBase {
 protected:
  static ClientCall& Health(RpcClient& client, std::string_view path) {
    const HttpField fields[] = {{":method", "POST"},
                                {":scheme", "http"},
                                {":authority", "test"},
                                {":path", path},
                                {"te", "trailers"},
                                {"content-type", "application/grpc"}};
    ClientCall& call = client.Request(fields, false);
    call.stream().Send(Framed(HealthCheckRequest()));
    call.stream().End();
    return call;
  }

  // What the messages of a health call said.
  static std::vector<int> Healths(const ClientCall& call) {
    std::vector<int> healths;
    for (const auto& message : call.messages()) {
      HealthCheckResponse response;
      EXPECT_TRUE(response.ParseFromString(message.second));
      healths.push_back(response.status());
    }
    return healths;
  }
};

TEST_F(RpcListenerTest, OverItsLimitTheOldestWithoutACallMakesRoom) {
  limits_.connections = 2;
  Run([&]() -> Task<void> {
    RpcClient second;
    const bool connected = co_await second.Connect(port());
    EXPECT_TRUE(connected);
    ClientCall& one = client_.CallWith("Echo", Text(""));
    ClientCall& two = second.CallWith("Echo", Text(""));
    co_await one.AwaitClosed();
    co_await two.AwaitClosed();

    RpcClient third;
    const bool accepted = co_await third.Connect(port());
    EXPECT_TRUE(accepted);
    ClientCall& three = third.CallWith("Echo", Text(""));
    co_await three.AwaitClosed();
    EXPECT_TRUE(three.status().ok()) << three.status();
    co_await client_.AwaitEnded();
    EXPECT_EQ(Closed("limit"), 1);
    EXPECT_EQ(Count("llmgw_grpc_connections", "test"), 2);
    co_await second.Close();
    co_await third.Close();
  });
}

TEST_F(RpcListenerTest, WhereAllHaveCallsOneMoreIsClosed) {
  limits_.connections = 1;
  WakeUp has_begun;
  methods_.echo = [&](CallContext& call, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    has_begun.Set();
    co_return co_await AwaitCancel(call);
  };
  Run([&]() -> Task<void> {
    ClientCall& one = client_.CallWith("Echo", Text(""));
    co_await has_begun.Wait();
    RpcClient second;
    const bool accepted = co_await second.Connect(port());
    if (accepted) co_await second.AwaitEnded();
    co_await second.Close();
    EXPECT_EQ(Closed("limit"), 1);
    EXPECT_EQ(Count("llmgw_grpc_connections", "test"), 1);
    one.stream().Reset(Http2Error::kCancel);
    co_await one.AwaitClosed();
  });
}

TEST_F(RpcListenerTest, DrainingTakesNobodyAndFailsNobody) {
  methods_.health().StartServing();
  Run([&]() -> Task<void> {
    ClientCall& chat = client_.Call("Chat");
    ClientCall& unary = client_.Call("Echo");
    ClientCall& watch = Health(client_, "/grpc.health.v1.Health/Watch");
    co_await watch.AwaitBody(1);
    bool idle = false;
    listener_->StartDraining();
    listener_->WhenIdle([&] { idle = true; });
    // On its way before the client could know.
    ClientCall& late = client_.CallWith("Echo", Text(""));
    co_await late.AwaitClosed();
    EXPECT_TRUE(late.status().ok()) << late.status();
    EXPECT_EQ(Refused("DRAINING"), 0);
    co_await client_.AwaitRetiring();

    RpcClient next;
    const bool connected = co_await next.Connect(port());
    EXPECT_FALSE(connected);

    EXPECT_EQ(running(), 2u);
    chat.stream().Send(Framed(Text("still")));
    chat.stream().End();
    co_await chat.AwaitClosed();
    EXPECT_TRUE(chat.status().ok()) << chat.status();
    unary.stream().Send(Framed(Text("here")));
    unary.stream().End();
    co_await unary.AwaitClosed();
    EXPECT_TRUE(unary.status().ok()) << unary.status();
    co_await Settle();
    EXPECT_TRUE(idle);
    EXPECT_FALSE(watch.closed());
    EXPECT_EQ(Healths(watch), std::vector<int>{HealthCheckResponse::SERVING});
  });
}

TEST_F(RpcListenerTest, IsNotIdleWhileACallMayBeOnItsWay) {
  Run([&]() -> Task<void> {
    bool idle = false;
    listener_->StartDraining();
    listener_->WhenIdle([&] { idle = true; });
    EXPECT_FALSE(idle);
    ClientCall& late = client_.CallWith("Echo", Text(""));
    co_await late.AwaitClosed();
    EXPECT_TRUE(late.status().ok()) << late.status();
    co_await client_.AwaitEnded();
    co_await Settle();
    EXPECT_TRUE(idle);
  });
}

TEST_F(RpcListenerTest, RetiringRefusesWhatStillComes) {
  Run([&]() -> Task<void> {
    listener_->Retire();
    ClientCall& late = client_.CallWith("Echo", Text(""));
    co_await late.AwaitClosed();
    EXPECT_EQ(FaultReason(late.status()), v1::ERROR_REASON_DRAINING);
    EXPECT_EQ(Refused("DRAINING"), 1);
  });
}

TEST_F(RpcListenerTest, RetiringClosesWhatHasNothingToDo) {
  Run([&]() -> Task<void> {
    RpcClient busy;
    const bool connected = co_await busy.Connect(port());
    EXPECT_TRUE(connected);
    ClientCall& chat = busy.Call("Chat");
    ClientCall& echo = client_.CallWith("Echo", Text(""));
    co_await echo.AwaitClosed();
    co_await Settle();
    listener_->Retire();
    co_await client_.AwaitEnded();
    EXPECT_EQ(running(), 1u);
    chat.stream().End();
    co_await chat.AwaitClosed();
    EXPECT_TRUE(chat.status().ok()) << chat.status();
    co_await busy.AwaitEnded();
    co_await busy.Close();
    co_await AwaitGone();
    RpcClient late;
    const bool accepted = co_await late.Connect(port());
    EXPECT_FALSE(accepted);
  });
}

TEST_F(RpcListenerTest, ClosingAllEndsTheCallsToo) {
  absl::Status seen;
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    seen = call.cancel().status();
    co_return seen;
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Chat");
    co_await Settle();
    listener_->CloseAll();
    co_await call.AwaitClosed();
    co_await client_.AwaitEnded();
    co_await AwaitGone();
    EXPECT_EQ(FaultReason(seen), v1::ERROR_REASON_CANCELLED);
  });
}

TEST_F(RpcListenerTest, IsGoneOnlyWithItsLastHandler) {
  WakeUp go;
  methods_.echo = [&](CallContext&, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    co_await go.Wait();
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    client_.CallWith("Echo", Text(""));
    co_await Settle();
    bool gone = false;
    listener_->WhenGone([&] { gone = true; });
    co_await client_.Close();
    co_await Settle();
    EXPECT_FALSE(gone);
    EXPECT_EQ(running(), 1u);
    go.Set();
    co_await Settle();
    EXPECT_TRUE(gone);
  });
}

}  // namespace
}  // namespace gateway
