// What a call is with either engine. What is particular to the native one is in
// tests/service/rpc.

#include "service/grpc/grpc_call.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/slice.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/cancellation.h"
#include "base/event_loop.h"
#include "base/task.h"
#include "base/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using EchoRequest = EchoServer::EchoRequest;
using EchoResponse = EchoServer::EchoResponse;

EchoRequest Request(const std::string& text, int repeat = 0,
                    size_t payload_bytes = 0) {
  EchoRequest request;
  request.set_text(text);
  request.set_repeat(repeat);
  request.set_payload(std::string(payload_bytes, 'p'));
  return request;
}

class GrpcCallTest : public testing::TestWithParam<Engine> {
 protected:
  absl::Status Echo(const EchoRequest& request) {
    context_ = NewContext();
    return Echo(*context_, request);
  }

  absl::Status Echo(grpc::ClientContext& context, const EchoRequest& request) {
    return Received(stub_->Echo(&context, request, &response_));
  }

  // Calls Echo with bytes instead of a message.
  absl::Status EchoBytes(const std::string& bytes) {
    grpc::GenericStub stub(server_.NewChannel());
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const auto context = NewContext();
    Event done;
    grpc::Status status;
    stub.UnaryCall(context.get(), "/llmgateway.testing.v1.EchoService/Echo",
                   grpc::StubOptions(), &request, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Set();
                   });
    EXPECT_TRUE(done.Wait());
    return Received(status);
  }

  EchoServer server_{{.engine = GetParam()}};
  std::unique_ptr<EchoServer::EchoService::Stub> stub_ = server_.NewStub();
  std::unique_ptr<grpc::ClientContext> context_;
  EchoResponse response_;
};

INSTANTIATE_TEST_SUITE_P(, GrpcCallTest,
                         testing::Values(Engine::kNative, Engine::kGrpcCore),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(GrpcCallTest, AnswersAUnaryCall) {
  ASSERT_TRUE(Echo(Request("hello", 0, 100'000)).ok());
  EXPECT_EQ(response_.text(), "hello");
  EXPECT_EQ(response_.payload(), std::string(100'000, 'p'));
  ASSERT_TRUE(Echo(EchoRequest()).ok());  // No bytes at all.
  EXPECT_EQ(response_.ByteSizeLong(), 0u);
}

TEST_P(GrpcCallTest, StreamsManyAnswersInOrder) {
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request("n", 2000));
  EchoResponse response;
  int count = 0;
  while (stream->Read(&response)) {
    ASSERT_EQ(response.text(), absl::StrCat("n", count++));
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(count, 2000);
  EXPECT_EQ(Trailer(*context, "x-request-id").size(), 32u);
}

TEST_P(GrpcCallTest, AnswersAnEmptyStream) {
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request("n", 0));
  EchoResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_P(GrpcCallTest, CollectsWhatAClientStreams) {
  const auto context = NewContext();
  const auto stream = stub_->Collect(context.get(), &response_);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(stream->Write(Request(absl::StrCat(i, ","))));
    absl::StrAppend(&expected, i, ",");
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(response_.text(), expected);
}

TEST_P(GrpcCallTest, ChatsBothWays) {
  const auto context = NewContext();
  const auto stream = stub_->Chat(context.get());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->Write(Request(absl::StrCat(i))));
    ASSERT_TRUE(stream->Read(&response_));
    ASSERT_EQ(response_.text(), absl::StrCat(i));
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response_));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_P(GrpcCallTest, AHandlerMayEndBeforeItHasReadAll) {
  server_.chat = [](CallContext&, MessageReader& reader,
                    MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    co_return absl::FailedPreconditionError("enough");
  };
  const auto context = NewContext();
  const auto stream = stub_->Chat(context.get());
  while (stream->Write(Request("more", 0, 10'000))) {
  }
  EXPECT_EQ(Received(stream->Finish()).message(), "enough");
}

TEST_P(GrpcCallTest, EachCallStaysOnItsLoop) {
  std::atomic<int> strays = 0;
  server_.chat = [&](CallContext& call, MessageReader& reader,
                     MessageWriter& writer) -> Task<absl::Status> {
    EchoRequest request;
    EchoResponse response;
    for (;;) {
      const bool more = co_await reader.Read(&request);
      if (!more) break;
      if (EventLoop::Current() != &call.loop()) ++strays;
      co_await writer.Write(response);
      if (EventLoop::Current() != &call.loop()) ++strays;
    }
    co_return absl::OkStatus();
  };
  for (int i = 0; i < 4; ++i) {
    const auto context = NewContext();
    const auto stream = stub_->Chat(context.get());
    ASSERT_TRUE(stream->Write(Request("x")));
    ASSERT_TRUE(stream->Read(&response_));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_EQ(strays, 0);
}

TEST_P(GrpcCallTest, ErrorsCarryTheirDetails) {
  server_.echo = [](CallContext& call, const EchoRequest&,
                    EchoResponse*) -> Task<absl::Status> {
    absl::Status status =
        MakeFault(v1::ERROR_REASON_RATE_LIMITED, "zu schnell: 7 \xe2\x82\xac");
    AddFaultMetadata(status, "provider", "mock");
    AddFieldViolation(status, "messages[0]", "too many");
    SetRetryDelay(status, absl::Milliseconds(1500));
    call.AddTrailer("x-target", "mock");
    co_return status;
  };
  const absl::Status status = Echo(Request(""));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "zu schnell: 7 \xe2\x82\xac");
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(status, "provider"), "mock");
  EXPECT_THAT(FieldViolations(status),
              ElementsAre(Pair("messages[0]", "too many")));
  EXPECT_EQ(RetryDelay(status), absl::Milliseconds(1500));
  EXPECT_EQ(Trailer(*context_, "grpc-retry-pushback-ms"), "1500");
  EXPECT_EQ(Trailer(*context_, "x-target"), "mock");
  EXPECT_EQ(Trailer(*context_, "x-request-id").size(), 32u);
}

TEST_P(GrpcCallTest, InitialMetadataLeavesBeforeTheFirstMessage) {
  server_.expand = [](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    call.AddInitialMetadata("x-text", "early");
    call.AddInitialMetadata("x-raw-bin", std::string("\0\xff", 2));
    call.AddTrailer("x-raw-bin", std::string("\xff\0", 2));
    co_await writer.Write(EchoResponse());
    co_return co_await AwaitCancel(call);
  };
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request(""));
  stream->WaitForInitialMetadata();
  EXPECT_THAT(context->GetServerInitialMetadata(),
              UnorderedElementsAre(
                  Pair("x-text", "early"),
                  Pair("x-raw-bin", std::string("\0\xff", 2))));
  context->TryCancel();
  stream->Finish();
}

TEST_P(GrpcCallTest, InitialMetadataLeavesWithAnAnswerOrAnError) {
  absl::Status outcome;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    call.AddInitialMetadata("x-text", "early");
    call.AddTrailer("x-raw-bin", std::string("\xff\0", 2));
    co_return outcome;
  };
  for (const auto& status : {absl::OkStatus(), absl::NotFoundError("none")}) {
    outcome = status;
    EXPECT_EQ(Echo(Request("")).code(), status.code());
    EXPECT_THAT(context_->GetServerInitialMetadata(),
                ElementsAre(Pair("x-text", "early")));
    EXPECT_EQ(Trailer(*context_, "x-raw-bin"), std::string("\xff\0", 2));
  }
}

TEST_P(GrpcCallTest, AnErrorMayFollowAnswers) {
  server_.expand = [](CallContext&, const EchoRequest&,
                      MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    co_return MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "broke off");
  };
  const auto context = NewContext();
  const auto stream = stub_->Expand(context.get(), Request(""));
  EXPECT_TRUE(stream->Read(&response_));
  EXPECT_FALSE(stream->Read(&response_));
  EXPECT_EQ(FaultReason(Received(stream->Finish())),
            v1::ERROR_REASON_STREAM_INTERRUPTED);
}

TEST_P(GrpcCallTest, WhatIsNotServedIsUnimplemented) {
  const auto context = NewContext();
  context->AddMetadata("x-request-id", "mine");
  const absl::Status status =
      Received(stub_->Forget(context.get(), Request(""), &response_));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_UNIMPLEMENTED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("EchoService/Forget"));
  EXPECT_EQ(Trailer(*context, "x-request-id"), "mine");
}

TEST_P(GrpcCallTest, EchoesAValidRequestIdAndReplacesABadOne) {
  std::string seen;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    seen = std::string(call.request_id());
    co_return absl::OkStatus();
  };
  for (const std::string& good : {std::string("a:b.c_d-9"),
                                  std::string(128, 'r')}) {
    const auto context = NewContext();
    context->AddMetadata("x-request-id", good);
    ASSERT_TRUE(Echo(*context, Request("")).ok());
    EXPECT_EQ(seen, good);
    EXPECT_EQ(Trailer(*context, "x-request-id"), good);
  }
  for (const std::string& bad : {std::string("a b"), std::string("<script>"),
                                 std::string(129, 'r')}) {
    const auto context = NewContext();
    context->AddMetadata("x-request-id", bad);
    ASSERT_TRUE(Echo(*context, Request("")).ok());
    EXPECT_NE(seen, bad);
    EXPECT_EQ(seen.size(), 32u);
    EXPECT_EQ(Trailer(*context, "x-request-id"), seen);
  }
}

TEST_P(GrpcCallTest, HandlersSeeMetadataAndPeer) {
  std::optional<std::string> token;
  std::string binary;
  std::string peer;
  std::string method;
  server_.echo = [&](CallContext& call, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    token = call.FindMetadata("authorization");
    binary = call.FindMetadata("x-trace-bin").value_or("none");
    peer = std::string(call.peer());
    method = std::string(call.method());
    co_return absl::OkStatus();
  };
  const auto context = NewContext();
  context->AddMetadata("authorization", "Bearer key");
  context->AddMetadata("x-trace-bin", std::string("\0\xfe", 2));
  ASSERT_TRUE(Echo(*context, Request("")).ok());
  EXPECT_EQ(token, "Bearer key");
  EXPECT_EQ(binary, std::string("\0\xfe", 2));
  EXPECT_THAT(peer, testing::StartsWith("127.0.0.1:"));
  EXPECT_EQ(method, "llmgateway.testing.v1.EchoService/Echo");
}

TEST_P(GrpcCallTest, MoreMetadataThanAllowedIsRefused) {
  const auto context = NewContext();
  for (int i = 0; i < 20; ++i) {
    context->AddMetadata(absl::StrCat("x-filler-", i), std::string(1000, 'f'));
  }
  EXPECT_EQ(Echo(*context, Request("")).code(),
            absl::StatusCode::kResourceExhausted);
  // gRPC C++ gives up the whole connection; others do not notice.
  stub_ = server_.NewStub();
  const absl::Status next = Echo(Request(""));
  EXPECT_TRUE(next.ok()) << next;
}

TEST_P(GrpcCallTest, AMessageOverTheLimitIsRefusedUnseen) {
  std::atomic<int> runs = 0;
  server_.echo = [&](CallContext&, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    ++runs;
    co_return absl::OkStatus();
  };
  EXPECT_EQ(Echo(Request("", 0, 4 * 1024 * 1024)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(Echo(Request("", 0, 4 * 1024 * 1024 - 10)).ok());
  EXPECT_EQ(runs, 1);
}

TEST_P(GrpcCallTest, BytesThatAreNoMessageAreTheCallersMistake) {
  for (const std::string& bytes :
       {std::string("\x0a\x05" "abc"),    // Cut short.
        std::string("\x0a\x02\xc3\x28"),  // A string that is not UTF-8.
        std::string("\xff\xff\xff\xff")}) {
    const absl::Status status = EchoBytes(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_EQ(status.message(),
              "not a valid llmgateway.testing.v1.EchoRequest");
  }
  EXPECT_TRUE(EchoBytes("\x0a\x01" "a").ok());
  EXPECT_TRUE(EchoBytes("\xba\x3e\x01" "a").ok());  // An unknown field.
}

TEST_P(GrpcCallTest, ACompressedRequestIsInflatedWhereThatIsBounded) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const auto context = NewContext();
    context->set_compression_algorithm(algorithm);
    const absl::Status status = Echo(*context, Request("", 0, 10'000));
    if (GetParam() == Engine::kNative) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_EQ(response_.payload().size(), 10'000u);
    } else {
      // gRPC C++ inflates without a bound, so it is not asked to.
      EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    }
  }
}

TEST_P(GrpcCallTest, WhatInflatesOverTheLimitIsRefused) {
  if (GetParam() == Engine::kGrpcCore) return;  // Inflates nothing.
  const auto context = NewContext();
  context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
  EXPECT_EQ(Echo(*context, Request("", 0, 16 * 1024 * 1024)).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_P(GrpcCallTest, TheDeadlineReachesTheHandler) {
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

TEST_P(GrpcCallTest, ACallWithoutADeadlineHasNone) {
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

TEST_P(GrpcCallTest, ADeadlineBeyondAllYearsIsNone) {
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

TEST_P(GrpcCallTest, ACancelMidStreamReachesTheHandler) {
  Event cancelled;
  absl::Status seen;
  bool wrote_after = true;
  server_.expand = [&](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    seen = co_await AwaitCancel(call);
    wrote_after = co_await writer.Write(EchoResponse());
    cancelled.Set();
    co_return seen;
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

TEST_P(GrpcCallTest, ACancelWakesAHandlerThatReads) {
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

TEST_P(GrpcCallTest, ALostConnectionReachesTheHandler) {
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

TEST_P(GrpcCallTest, BadBytesMidStreamEndTheCall) {
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

TEST_P(GrpcCallTest, ASlowReaderHoldsTheHandlerUp) {
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
TEST_P(GrpcCallTest, SurvivesClientsThatVanishAtAnyMoment) {
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
