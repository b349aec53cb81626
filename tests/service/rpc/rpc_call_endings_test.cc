// Calls that end, by whoever's doing, at each moment that a handler can be in.
// What they prove about memory they prove under a sanitizer.

#include <coroutine>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"

namespace gateway {
namespace {

// Resumes the handler from within the cancel itself, as an exchange upstream
// does that closes its socket at once.
class WithinTheCancel {
 public:
  explicit WithinTheCancel(CancelSignal& signal) : signal_(signal) {}

  bool await_ready() const noexcept { return signal_.cancelled(); }
  void await_suspend(std::coroutine_handle<> handle) {
    listener_.emplace(signal_, [handle] { handle.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  CancelSignal& signal_;
  std::optional<CancelListener> listener_;
};

class RpcCallEndingsTest : public RpcTestBase {
 protected:
  // Keeps what its handler was told.
  absl::Status seen_;
  bool done_ = true;
};

TEST_F(RpcCallEndingsTest, AHandlerMayEndWithinTheCancel) {
  methods_.expand = [&](CallContext& call, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    co_await WithinTheCancel(call.cancel());
    done_ = co_await writer.Write(EchoResponse());
    seen_ = call.cancel().status();
    co_return seen_;
  };
  Run([&]() -> Task<void> {
    ClientCall& reset = client_.CallWith("Expand", Text(""));
    co_await reset.AwaitBody(1);
    reset.stream().Reset(Http2Error::kCancel);
    co_await AwaitIdle();
    EXPECT_FALSE(done_);
    EXPECT_EQ(FaultReason(seen_), v1::ERROR_REASON_CANCELLED);

    const HttpField soon[] = {{"grpc-timeout", "10m"}};
    ClientCall& late = client_.CallWith("Expand", Text(""), soon);
    co_await late.AwaitClosed();
    EXPECT_EQ(FaultReason(late.status()),
              v1::ERROR_REASON_DEADLINE_EXCEEDED);

    ClientCall& drained = client_.CallWith("Expand", Text(""));
    co_await drained.AwaitBody(1);
    listener_->calls().CancelAll(absl::UnavailableError("closing"));
    co_await drained.AwaitClosed();
    EXPECT_EQ(drained.status().message(), "closing");
  });
}

TEST_F(RpcCallEndingsTest, ABadMessageMayEndTheCallWithinItsRead) {
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    for (;;) {
      const bool more = co_await reader.Read(&request);
      if (!more) break;
    }
    co_return call.cancel().status();
  };
  Run([&]() -> Task<void> {
    const std::string good = Framed(Text("good"));
    const std::string bad = Framed("\xff\xff\xff");
    for (const std::string& bytes : {bad, good + bad, bad + good,
                                     std::string("\2 no such flag")}) {
      ClientCall& call = client_.Call("Chat");
      co_await Settle();  // It waits in its read.
      call.stream().Send(bytes);
      co_await call.AwaitClosed();
      EXPECT_FALSE(call.status().ok());
      EXPECT_EQ(call.error(), Http2Error::kNoError);
    }
  });
}

TEST_F(RpcCallEndingsTest, AResetWakesAHandlerThatWrites) {
  methods_.expand = [&](CallContext& call, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(std::string(1'000'000, 'p'));
    do {
      done_ = co_await writer.Write(response);
    } while (done_);
    const bool again = co_await writer.Write(response);
    EXPECT_FALSE(again);
    seen_ = call.cancel().status();
    co_return seen_;
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Expand", Text(""));
    call.set_consumes(false);
    co_await call.AwaitBody(1000);
    co_await Settle();
    call.stream().Reset(Http2Error::kCancel);
    co_await AwaitIdle();
    EXPECT_FALSE(done_);
    EXPECT_EQ(FaultReason(seen_), v1::ERROR_REASON_CANCELLED);
  });
}

TEST_F(RpcCallEndingsTest, AResetWakesAHandlerThatReads) {
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    done_ = co_await reader.Read(&request);
    const bool again = co_await reader.Read(&request);
    EXPECT_FALSE(again);
    seen_ = call.cancel().status();
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Chat");
    co_await Settle();
    EXPECT_EQ(running(), 1u);
    call.stream().Reset(Http2Error::kCancel);
    co_await AwaitIdle();
    EXPECT_FALSE(done_);
    EXPECT_EQ(FaultReason(seen_), v1::ERROR_REASON_CANCELLED);
  });
}

TEST_F(RpcCallEndingsTest, ADeadlineReachesWhoeverWaits) {
  methods_.expand = [&](CallContext& call, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(std::string(100'000, 'p'));
    do {
      done_ = co_await writer.Write(response);
    } while (done_);
    seen_ = call.cancel().status();
    co_return absl::UnavailableError("cannot know why");
  };
  Run([&]() -> Task<void> {
    const HttpField soon[] = {{"grpc-timeout", "30m"}};
    ClientCall& call = client_.CallWith("Expand", Text(""), soon);
    call.set_consumes(false);
    co_await call.AwaitBody(1000);
    co_await AwaitIdle();
    EXPECT_EQ(FaultReason(seen_), v1::ERROR_REASON_DEADLINE_EXCEEDED);
    // The status waits behind what the client has not read yet.
    call.set_consumes(true);
    if (!call.closed()) call.stream().Consume(call.body().size());
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()),
              v1::ERROR_REASON_DEADLINE_EXCEEDED);
  });
}

TEST_F(RpcCallEndingsTest, AHandlerMayEndWithinTheReadOfItsLastMessage) {
  methods_.collect = [&](CallContext&, MessageReader& reader,
                         EchoResponse*) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    for (const bool ends : {true, false}) {
      ClientCall& call = client_.Call("Collect");
      co_await Settle();
      call.stream().Send(Framed(Text("a")) + Framed(Text("b")));
      if (ends) call.stream().End();
      co_await call.AwaitClosed();
      EXPECT_TRUE(call.status().ok()) << call.status();
    }
  });
}

TEST_F(RpcCallEndingsTest, ABadMessageWakesWhoeverWrites) {
  // Two coroutines of one handler: one reads while the other writes.
  struct Sides {
    WakeUp written;
    bool wrote = true;
    static Task<void> WriteOn(MessageWriter* writer, Sides* sides) {
      EchoResponse response;
      response.set_payload(std::string(100'000, 'p'));
      do {
        sides->wrote = co_await writer->Write(response);
      } while (sides->wrote);
      sides->written.Set();
    }
  };
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter& writer) -> Task<absl::Status> {
    Sides sides;
    Spawn(Sides::WriteOn(&writer, &sides));
    EchoRequest request;
    done_ = co_await reader.Read(&request);
    co_await sides.written.Wait();
    EXPECT_FALSE(sides.wrote);
    co_return call.cancel().status();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Chat");
    call.set_consumes(false);
    co_await call.AwaitBody(1000);
    co_await Settle();
    call.stream().Send(Framed("\xff\xff\xff"));
    co_await AwaitIdle();
    EXPECT_FALSE(done_);
    call.set_consumes(true);
    call.stream().Consume(call.body().size());
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_INVALID_REQUEST);
  });
}

TEST_F(RpcCallEndingsTest, ALostConnectionEndsAllItsCalls) {
  int ended = 0;
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    ++ended;
    co_return call.cancel().status();
  };
  Run([&]() -> Task<void> {
    for (int i = 0; i < 20; ++i) client_.Call("Chat");
    client_.Call("Echo");  // Its request never comes.
    co_await Settle();
    EXPECT_EQ(running(), 21u);
    co_await client_.Close();
    co_await AwaitGone();
    EXPECT_EQ(ended, 20);
  });
}

TEST_F(RpcCallEndingsTest, ACancelOfAllTellsEachWhy) {
  methods_.expand = [&](CallContext& call, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    co_return co_await AwaitCancel(call);
  };
  Run([&]() -> Task<void> {
    ClientCall& unary = client_.Call("Echo");
    ClientCall& chat = client_.Call("Chat");
    ClientCall& stream = client_.CallWith("Expand", Text(""));
    co_await stream.AwaitBody(1);
    co_await Settle();
    EXPECT_EQ(running(), 3u);
    listener_->calls().CancelAll(absl::UnavailableError("closing"));
    for (ClientCall* call : {&unary, &chat, &stream}) {
      co_await call->AwaitClosed();
      EXPECT_EQ(call->status().message(), "closing");
    }
  });
}

TEST_F(RpcCallEndingsTest, AHandlerThatOutlivesItsConnectionMayGoOnWriting) {
  WakeUp gone;
  methods_.expand = [&](CallContext&, const EchoRequest&,
                        MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    co_await gone.Wait();
    done_ = co_await writer.Write(EchoResponse());
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Expand", Text(""));
    co_await call.AwaitBody(1);
    co_await client_.Close();
    co_await Settle();
    EXPECT_EQ(running(), 1u);
    gone.Set();
    co_await AwaitIdle();
    EXPECT_FALSE(done_);
  });
}

}  // namespace
}  // namespace gateway
