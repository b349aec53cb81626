// What a call is with either engine; grpc_call_endings_test.cc has how calls
// end before their time. What is particular to the native one is in
// tests/service/rpc.

#include "service/grpc/grpc_call.h"

#include <grpc/compression.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/grpc/grpc_call_test_base.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/echo/echo_server.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using EchoRequest = EchoServer::EchoRequest;
using EchoResponse = EchoServer::EchoResponse;

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

TEST_P(GrpcCallTest, AHandlerCanForbidToTryAgain) {
  server_.echo = [](CallContext& call, const EchoRequest&,
                    EchoResponse*) -> Task<absl::Status> {
    call.ForbidRetry();
    co_return MakeFault(v1::ERROR_REASON_DRAINING, "draining");
  };
  EXPECT_EQ(Echo(Request("")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Trailer(*context_, "grpc-retry-pushback-ms"), "-1");
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
  const std::string raw("\0\xff", 2);  // The matcher keeps but a view.
  EXPECT_THAT(context->GetServerInitialMetadata(),
              UnorderedElementsAre(
                  Pair("x-text", "early"),
                  Pair("x-raw-bin", grpc::string_ref(raw))));
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
  server_.echo = [&](CallContext& call, const EchoRequest& request,
                     EchoResponse*) -> Task<absl::Status> {
    EXPECT_EQ(call.request_bytes(), request.ByteSizeLong());
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

}  // namespace
}  // namespace gateway
