// What calls keep of their requests: for how long it counts, and what becomes
// of a request for which there is no room.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "errors/fault.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/rpc/rpc_call.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"

namespace gateway {
namespace {

class RpcCallMemoryTest : public RpcTestBase {
 protected:
  // Sends all of the request but its end, in more than one piece.
  Task<void> SendAllButTheEnd(ClientCall& call, size_t bytes) {
    const std::string frame = Framed(Text("", 0, bytes));
    call.stream().Send(frame.substr(0, bytes / 2));
    co_await call.AwaitSent();
    call.stream().Send(frame.substr(bytes / 2));
    co_await call.AwaitSent();
  }
  // Asks the reflection service for the file of a symbol, so many times.
  ClientCall& Reflect(const std::string& symbol, int times = 1) {
    grpc::reflection::v1::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    const HttpField fields[] = {
        {":method", "POST"},
        {":scheme", "http"},
        {":path", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"},
        {":authority", "localhost"},
        {"te", "trailers"},
        {"content-type", "application/grpc"}};
    ClientCall& call = client_.Request(fields, /*end=*/false);
    for (int i = 0; i < times; ++i) call.stream().Send(Framed(request));
    call.stream().End();
    return call;
  }
  size_t loop_bytes() { return runner_.loop().request_bytes().used_bytes(); }
};

TEST_F(RpcCallMemoryTest, HeadsOfCallsThatWaitAreBounded) {
  limits_.request_buffer_bytes = 200'000;
  Run([&]() -> Task<void> {
    // Large ones are refused before they are kept, small ones soon after; of
    // methods that do not wait for a message, too.
    const std::string large(10'000, 'm');
    for (const auto& [method, metadata] :
         {std::pair("Echo", large), std::pair("Chat", large),
          std::pair("Echo", std::string("m"))}) {
      const HttpField field[] = {{"x-more", metadata}};
      std::vector<ClientCall*> calls;
      for (int i = 0; i < 40; ++i) {
        calls.push_back(&client_.Call(method, field));
      }
      co_await calls.back()->AwaitClosed();
      EXPECT_LE(loop_bytes(), 100'000u);
      size_t refused = 0;
      for (ClientCall* call : calls) {
        if (call->closed()) {
          ++refused;
          EXPECT_EQ(FaultReason(call->status()), v1::ERROR_REASON_OVERLOADED);
        } else {
          call->stream().Reset(Http2Error::kCancel);
        }
      }
      EXPECT_GE(refused, 10u);
      EXPECT_LE(refused, 35u);
      co_await AwaitIdle();
      EXPECT_EQ(loop_bytes(), 0u);
    }
  });
}

TEST_F(RpcCallMemoryTest, ASmallHeadOfAKnownCallersCallNeedsNoRoom) {
  WakeUp running;
  WakeUp let_go;
  methods_.echo = [&](CallContext&, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    running.Set();
    co_await let_go.Wait();
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    const std::string small(900, 'm');
    const HttpField field[] = {{"x-more", small}};
    ClientCall& call = client_.CallWith("Echo", Text("hello"), field);
    co_await running.Wait();
    co_await Settle();
    EXPECT_EQ(loop_bytes(), 0u);
    let_go.Set();
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
  });
}

TEST_F(RpcCallMemoryTest, OfAnybodyNothingIsReadWhileAnAnswerWaits) {
  constexpr int kQuestions = 60;
  limits_.unsent_bytes = 20'000;
  Run([&]() -> Task<void> {
    ClientCall& call =
        Reflect("llmgateway.testing.v1.EchoService", kQuestions);
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
    EXPECT_EQ(call.messages().size(), kQuestions + size_t{0});
  });
}

TEST_F(RpcCallMemoryTest, AnswersToAnybodyThatWaitAreBounded) {
  limits_.unsent_bytes = 20'000;
  Run([&]() -> Task<void> {
    // All in one turn, at whose end the answers leave.
    std::vector<ClientCall*> calls;
    for (int i = 0; i < 40; ++i) {
      calls.push_back(&Reflect("llmgateway.testing.v1.EchoService"));
    }
    size_t refused = 0;
    for (ClientCall* call : calls) {
      co_await call->AwaitClosed();
      if (call->status().ok()) continue;
      ++refused;
      EXPECT_EQ(FaultReason(call->status()), v1::ERROR_REASON_OVERLOADED);
      EXPECT_EQ(RetryDelay(call->status()), absl::Seconds(1));
    }
    EXPECT_GE(refused, 10u);
    EXPECT_LT(refused, 40u);
    ClientCall& again = Reflect("llmgateway.testing.v1.EchoService");
    co_await again.AwaitClosed();
    EXPECT_TRUE(again.status().ok()) << again.status();
  });
}

TEST_F(RpcCallMemoryTest, WhatAnybodyMayAskIsShort) {
  Run([&]() -> Task<void> {
    ClientCall& call = Reflect(std::string(20'000, 's'));
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_REQUEST_TOO_LARGE);
    ClientCall& shorter = Reflect(std::string(10'000, 's'));
    co_await shorter.AwaitClosed();
    EXPECT_TRUE(shorter.status().ok()) << shorter.status();
  });
}

TEST_F(RpcCallMemoryTest, WhatCallsKeepOfTheirRequestsIsBounded) {
  limits_.request_buffer_bytes = 1'000'000;
  Run([&]() -> Task<void> {
    const std::string frame = Framed(Text("", 0, 300'000));
    std::vector<ClientCall*> calls;
    for (int i = 0; i < 4; ++i) calls.push_back(&client_.Call("Echo"));
    calls[0]->stream().Send(frame.substr(0, 250'000));
    co_await calls[0]->AwaitSent();
    for (size_t i = 1; i < calls.size(); ++i) {
      calls[i]->stream().Send(frame.substr(0, 250'000));
      co_await calls[i]->AwaitClosed();
      EXPECT_EQ(FaultReason(calls[i]->status()), v1::ERROR_REASON_OVERLOADED);
      EXPECT_EQ(RetryDelay(calls[i]->status()), absl::Seconds(1));
    }
    // Neither small calls nor other connections are troubled.
    ClientCall& small = client_.CallWith("Echo", Text("small"));
    co_await small.AwaitClosed();
    EXPECT_TRUE(small.status().ok()) << small.status();
    RpcClient other;
    const bool connected = co_await other.Connect(port());
    EXPECT_TRUE(connected);
    ClientCall& beside = other.CallWith("Echo", Text("", 0, 200'000));
    co_await beside.AwaitClosed();
    EXPECT_TRUE(beside.status().ok()) << beside.status();
    co_await other.Close();

    calls[0]->stream().Send(frame.substr(250'000));
    calls[0]->stream().End();
    co_await calls[0]->AwaitClosed();
    EXPECT_TRUE(calls[0]->status().ok()) << calls[0]->status();
    ClientCall& again = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await again.AwaitClosed();
    EXPECT_TRUE(again.status().ok()) << again.status();
  });
}

TEST_F(RpcCallMemoryTest, ARequestThatDoesNotEndIsBoundedToo) {
  limits_.request_buffer_bytes = 200'000;
  Run([&]() -> Task<void> {
    // Each lies whole in what is read at once, and is parsed.
    const std::string frame = Framed(Text("", 0, 10'000));
    std::vector<ClientCall*> calls;
    size_t refused = 0;
    for (int i = 0; i < 30; ++i) {
      calls.push_back(&client_.Call("Echo"));
      calls.back()->stream().Send(frame);
      co_await calls.back()->AwaitSent();
    }
    co_await calls.back()->AwaitClosed();
    for (ClientCall* call : calls) {
      if (!call->closed()) continue;
      ++refused;
      EXPECT_EQ(FaultReason(call->status()), v1::ERROR_REASON_OVERLOADED);
    }
    EXPECT_GE(refused, 20u);
    EXPECT_LE(refused, 25u);
    // One that ends in the same piece needs no room.
    ClientCall& whole = client_.CallWith("Echo", Text("", 0, 10'000));
    co_await whole.AwaitClosed();
    EXPECT_TRUE(whole.status().ok()) << whole.status();
    for (ClientCall* call : calls) {
      if (call->closed()) continue;
      call->stream().End();
      co_await call->AwaitClosed();
      EXPECT_TRUE(call->status().ok()) << call->status();
    }
  });
}

TEST_F(RpcCallMemoryTest, ARequestCountsUntilItsCallEnds) {
  limits_.request_buffer_bytes = 1'000'000;
  WakeUp running;
  WakeUp let_go;
  methods_.echo = [&](CallContext&, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    running.Set();
    co_await let_go.Wait();
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& first = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await running.Wait();
    // Of the budget of all listeners.
    EXPECT_GE(loop_bytes(), 300'000u);
    ClientCall& second = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await second.AwaitClosed();
    EXPECT_EQ(FaultReason(second.status()), v1::ERROR_REASON_OVERLOADED);
    let_go.Set();
    co_await first.AwaitClosed();
    EXPECT_TRUE(first.status().ok()) << first.status();
    co_await AwaitIdle();
    EXPECT_EQ(loop_bytes(), 0u);
    ClientCall& third = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await running.Wait();
    let_go.Set();
    co_await third.AwaitClosed();
    EXPECT_TRUE(third.status().ok()) << third.status();
  });
}

TEST_F(RpcCallMemoryTest, AStreamThatLetsGoOfItsRequestKeepsNoRoom) {
  WakeUp let_go;
  methods_.expand = [&](CallContext& call, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    EXPECT_GE(loop_bytes(), 300'000u);
    call.ReleaseRequest();
    const EchoResponse begun;
    co_await writer.Write(begun);
    co_await let_go.Wait();
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Expand", Text("", 0, 300'000));
    co_await call.AwaitHead();
    EXPECT_EQ(loop_bytes(), 0u);
    let_go.Set();
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
  });
}

TEST_F(RpcCallMemoryTest, WhatAllApisOfALoopHoldIsBounded) {
  Run([&]() -> Task<void> {
    runner_.loop().request_bytes().SetLimit(400'000);
    ClientCall& call = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_OVERLOADED);
    ClientCall& less = client_.CallWith("Echo", Text("", 0, 190'000));
    co_await less.AwaitClosed();
    EXPECT_TRUE(less.status().ok()) << less.status();
  });
}

TEST_F(RpcCallMemoryTest, ThereIsRoomForOneMessageAtTheLimit) {
  limits_.call.message_bytes = 1'000'000;
  limits_.request_buffer_bytes = 2'000'000;
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Echo");
    co_await SendAllButTheEnd(call, 999'900);
    co_await Settle();
    EXPECT_FALSE(call.closed());
    call.stream().End();
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
  });
}

}  // namespace
}  // namespace gateway
