// How calls end before their time, with either engine.

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/slice.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/grpc/grpc_call_test_base.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

using EchoRequest = EchoServer::EchoRequest;
using EchoResponse = EchoServer::EchoResponse;
class GrpcCallEndingsTest : public GrpcCallTest {};

INSTANTIATE_TEST_SUITE_P(, GrpcCallEndingsTest,
                         testing::Values(Engine::kNative, Engine::kGrpcCore),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(GrpcCallEndingsTest, TheDeadlineReachesTheHandler) {
  Event ended;
  absl::Status seen;
  absl::Duration deadline;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    deadline = call.deadline() - call.arrival_time();
    seen = co_await AwaitCancel(call);
    ended.Set();
    co_return absl::UnavailableError("the socket was closed");
  };
  grpc::ClientContext context;
  context.set_deadline(After(absl::Milliseconds(100)));
  EXPECT_EQ(Echo(context, Request("")).code(),
            absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(ended.Wait());
  EXPECT_EQ(seen.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(FaultReason(seen), v1::ERROR_REASON_DEADLINE_EXCEEDED);
  EXPECT_GT(deadline, absl::ZeroDuration());
  EXPECT_LE(deadline, absl::Milliseconds(101));
}

TEST_P(GrpcCallEndingsTest, ACallWithoutADeadlineHasNone) {
  absl::Duration deadline;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    deadline = call.deadline();
    co_return absl::OkStatus();
  };
  grpc::ClientContext context;
  ASSERT_TRUE(Echo(context, Request("")).ok());
  EXPECT_EQ(deadline, absl::InfiniteDuration());
}

TEST_P(GrpcCallEndingsTest, ADeadlineBeyondAllYearsIsNone) {
  absl::Duration deadline;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    deadline = call.deadline();
    co_return absl::OkStatus();
  };
  grpc::ClientContext context;
  gpr_timespec far = gpr_now(GPR_CLOCK_REALTIME);
  far.tv_sec += int64_t{3600} * 50'000'000;  // Hours.
  context.set_deadline(far);
  const absl::Status status = Echo(context, Request(""));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(deadline, absl::InfiniteDuration());
}

TEST_P(GrpcCallEndingsTest, ACancelMidStreamReachesTheHandler) {
  Event cancelled;
  absl::Status seen;
  bool wrote_after = true;
  server_.expand = [&](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    const absl::Status why = co_await AwaitCancel(call);
    seen = why;
    wrote_after = co_await writer.Write(EchoResponse());
    cancelled.Set();
    co_return why;  // The test may be over, and what it has with it.
  };
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request(""));
  ASSERT_TRUE(stream->Read(&response_));
  context->TryCancel();
  ASSERT_TRUE(cancelled.Wait());
  EXPECT_EQ(seen.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(FaultReason(seen), v1::ERROR_REASON_CANCELLED);
  EXPECT_FALSE(wrote_after);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_P(GrpcCallEndingsTest, ACancelWakesAHandlerThatReads) {
  Event started;
  Event ended;
  bool read = true;
  server_.chat = [&](CallContext&, MessageReader& reader,
                     MessageWriter&) -> Task<absl::Status> {
    started.Set();
    EchoRequest request;
    read = co_await reader.Read(&request);
    ended.Set();
    co_return absl::OkStatus();
  };
  const auto context = NewContext();
  const auto stream = stub_->Chat(context.get());
  ASSERT_TRUE(started.Wait());
  context->TryCancel();
  ASSERT_TRUE(ended.Wait());
  EXPECT_FALSE(read);
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_P(GrpcCallEndingsTest, ALostConnectionReachesTheHandler) {
  Event cancelled;
  server_.expand = [&](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    const absl::Status why = co_await AwaitCancel(call);
    cancelled.Set();
    co_return why;
  };
  {
    auto stub = server_.NewStub();
    const auto context = NewContext();
    const auto stream = stub->Expand(context.get(), Request(""));
    ASSERT_TRUE(stream->Read(&response_));
    stub.reset();
  }
  EXPECT_TRUE(cancelled.Wait());
}

TEST_P(GrpcCallEndingsTest, BadBytesMidStreamEndTheCall) {
  Event ended;
  bool read = true;
  server_.chat = [&](CallContext& call, MessageReader& reader,
                     MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    read = co_await reader.Read(&request);
    ended.Set();
    co_return call.cancel().status();
  };
  class Client : public grpc::ClientBidiReactor<grpc::ByteBuffer,
                                                grpc::ByteBuffer> {
   public:
    void OnDone(const grpc::Status& result) override {
      status = result;
      done.Set();
    }
    grpc::Status status;
    Event done;
  };
  grpc::GenericStub stub(server_.NewChannel());
  const auto context = NewContext();
  Client client;
  stub.PrepareBidiStreamingCall(context.get(),
                                "/llmgateway.testing.v1.EchoService/Chat",
                                grpc::StubOptions(), &client);
  const grpc::Slice slice("\xff\xff\xff");
  const grpc::ByteBuffer bytes(&slice, 1);
  client.StartWrite(&bytes);
  client.StartCall();
  ASSERT_TRUE(client.done.Wait());
  ASSERT_TRUE(ended.Wait());
  EXPECT_FALSE(read);
  EXPECT_EQ(FaultReason(Received(client.status)),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_P(GrpcCallEndingsTest, ASlowReaderHoldsTheHandlerUp) {
  constexpr int kMessages = 1000;
  std::atomic<int> started_writes = 0;
  server_.expand = [&](CallContext& call, const EchoRequest& request,
                       MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(request.payload());
    for (int i = 0; i < kMessages; ++i) {
      ++started_writes;
      const bool written = co_await writer.Write(response);
      if (!written) co_return call.cancel().status();
    }
    co_return absl::OkStatus();
  };
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request("", 0, 65'536));
  ASSERT_TRUE(stream->Read(&response_));

  // Calls beside it go on. Whatever the stream can do without its reader, it
  // has done when the count no longer moves.
  int before;
  int after = started_writes;
  do {
    before = after;
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(Echo(Request("tick")).ok());
    after = started_writes;
  } while (before != after && after < kMessages);
  EXPECT_LT(after, kMessages / 4);

  int read = 1;
  while (stream->Read(&response_)) ++read;
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(read, kMessages);
}

// Calls of every kind, ended by their clients at any moment. What it proves is
// that nothing is used after it has gone, so it proves it under a sanitizer.
TEST_P(GrpcCallEndingsTest, SurvivesClientsThatVanishAtAnyMoment) {
  constexpr int kCalls = 400;
  const auto client = [this](int seed) {
    auto stub = server_.NewStub();
    for (int i = 0; i < kCalls; ++i) {
      const int moment = (i * 7 + seed) % 40;
      grpc::ClientContext context;
      context.set_deadline(After(moment < 8 ? absl::Microseconds(i * 13 % 3000)
                                            : absl::Seconds(30)));
      EchoResponse response;
      if (i % 3 == 0) {
        const auto stream =
            stub->Expand(&context, Request("n", moment, 2000));
        for (int k = 0; k < moment / 2; ++k) stream->Read(&response);
        context.TryCancel();
        stream->Finish();
      } else if (i % 3 == 1) {
        const auto stream = stub->Chat(&context);
        for (int k = 0; k < moment % 5; ++k) stream->Write(Request("c"));
        if (moment % 2 == 0) context.TryCancel();
        stream->WritesDone();
        while (stream->Read(&response)) {
        }
        stream->Finish();
      } else {
        stub->Echo(&context, Request("u", 0, moment * 1000), &response);
      }
      if (i % 50 == 49) stub = server_.NewStub();
    }
  };
  std::vector<Thread> clients;
  for (int seed = 0; seed < 4; ++seed) {
    clients.emplace_back("client", [&client, seed] { client(seed); });
  }
  clients.clear();
  EXPECT_TRUE(Echo(Request("still here")).ok());
  EXPECT_TRUE(server_.server().AwaitIdle(absl::Seconds(20)));
}

}  // namespace
}  // namespace gateway
