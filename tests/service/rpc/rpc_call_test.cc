// Calls frame by frame. What callers see of them is in
// tests/service/grpc/grpc_call_test.cc, and the ways a handler can end in
// rpc_call_endings_test.cc.

#include "service/rpc/rpc_call.h"

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
#include "base/http/zlib_codec.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/rpc/message_encoding.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class RpcCallTest : public RpcTestBase {
 protected:
  // The one message of an answer, with its flag.
  static std::pair<bool, std::string> MessageOf(const ClientCall& call) {
    const auto messages = call.messages();
    EXPECT_THAT(messages, SizeIs(1));
    return messages.empty() ? std::pair<bool, std::string>() : messages[0];
  }

  static EchoResponse AnswerOf(const ClientCall& call) {
    EchoResponse response;
    EXPECT_TRUE(response.ParseFromString(MessageOf(call).second));
    return response;
  }

  static std::string Gzip(const std::string& text) {
    std::string packed;
    EXPECT_TRUE(CompressGzip(text, &packed).ok());
    return packed;
  }
};

TEST_F(RpcCallTest, AnAnswerHasHeadMessageAndTrailers) {
  Run([&]() -> Task<void> {
    const HttpField mine[] = {{"x-request-id", "mine"}};
    ClientCall& call = client_.CallWith("Echo", Text("hello"), mine);
    co_await call.AwaitClosed();
    EXPECT_THAT(call.head(),
                ElementsAre(Pair(":status", "200"),
                            Pair("content-type", "application/grpc"),
                            Pair("grpc-accept-encoding",
                                 "identity,deflate,gzip")));
    EXPECT_EQ(AnswerOf(call).text(), "hello");
    EXPECT_THAT(call.trailers(), ElementsAre(Pair("grpc-status", "0"),
                                             Pair("x-request-id", "mine")));
    EXPECT_EQ(call.error(), Http2Error::kNoError);
  });
}

TEST_F(RpcCallTest, AnErrorWithoutAMessageIsTrailersOnly) {
  methods_.echo = [](CallContext&, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    co_return absl::NotFoundError("50% of \xe2\x82\xac");
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Echo", Text(""));
    co_await call.AwaitClosed();
    EXPECT_EQ(call.Field(":status"), "200");
    EXPECT_EQ(call.Field("grpc-status"), "5");
    EXPECT_EQ(call.Field("grpc-message"), "50%25 of %E2%82%AC");
    EXPECT_EQ(call.Field("x-request-id").size(), 32u);
    EXPECT_EQ(call.Field("grpc-accept-encoding"), "identity,deflate,gzip");
    EXPECT_EQ(call.status().message(), "50% of \xe2\x82\xac");
    EXPECT_THAT(call.body(), IsEmpty());
    EXPECT_THAT(call.trailers(), IsEmpty());
  });
}

TEST_F(RpcCallTest, TakesARequestHoweverItIsCut) {
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Echo");
    for (const char byte : Framed(Text("cut in pieces"))) {
      call.stream().Send(std::string(1, byte));
      co_await call.AwaitSent();
    }
    EXPECT_EQ(running(), 1u);
    EXPECT_FALSE(call.closed());
    call.stream().End();  // A frame with nothing but the end in it.
    co_await call.AwaitClosed();
    EXPECT_EQ(AnswerOf(call).text(), "cut in pieces");
    EXPECT_TRUE(call.status().ok()) << call.status();
  });
}

TEST_F(RpcCallTest, AMessageOverTheLimitIsRefusedAtItsPrefix) {
  Run([&]() -> Task<void> {
    for (const char* method : {"Echo", "Collect"}) {
      ClientCall& call = client_.Call(method);
      call.stream().Send(std::string("\0\x7f\xff\xff\xff", 5));
      co_await call.AwaitClosed();  // Though the rest never comes.
      EXPECT_EQ(call.status().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(call.error(), Http2Error::kNoError);
    }
    // Others on the connection do not notice.
    ClientCall& next = client_.CallWith("Echo", Text("next"));
    co_await next.AwaitClosed();
    EXPECT_TRUE(next.status().ok());
  });
}

TEST_F(RpcCallTest, BothSidesOfTheMessageLimit) {
  limits_.call.message_bytes = 1000;
  Run([&]() -> Task<void> {
    EchoRequest request = Text("", 0, 1000 - 3);
    EXPECT_EQ(request.ByteSizeLong(), 1000u);
    ClientCall& most = client_.CallWith("Echo", request);
    co_await most.AwaitClosed();
    EXPECT_TRUE(most.status().ok()) << most.status();
    request.mutable_payload()->push_back('p');
    ClientCall& over = client_.CallWith("Echo", request);
    co_await over.AwaitClosed();
    EXPECT_EQ(over.status().code(), absl::StatusCode::kResourceExhausted);
  });
}

TEST_F(RpcCallTest, AnUnauthenticatedCallersRequestIsNotKept) {
  methods_.admits = [](const CallContext&) { return false; };
  methods_.echo = [](CallContext& call, const EchoRequest& request,
                     EchoResponse*) -> Task<absl::Status> {
    EXPECT_TRUE(request.text().empty());
    EXPECT_EQ(call.request_bytes(), 0u);
    co_return MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "who are you?");
  };
  Run([&]() -> Task<void> {
    const std::string frame = Framed(Text("secret", 0, 1'000'000));
    // Told before the rest has come, and with all of it on its way.
    for (const size_t sent : {size_t{10}, frame.size()}) {
      ClientCall& call = client_.Call("Echo");
      call.stream().Send(frame.substr(0, sent));
      if (sent == frame.size()) call.stream().End();
      co_await call.AwaitClosed();
      EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_API_KEY_INVALID);
      EXPECT_EQ(call.error(), Http2Error::kNoError);
    }
    co_await AwaitIdle();
  });
}

TEST_F(RpcCallTest, WhoCallsIsAskedWhenTheHeadIsThere) {
  methods_.admits = [](const CallContext&) { return false; };
  methods_.echo = [](CallContext&, const EchoRequest&,
                     EchoResponse*) -> Task<absl::Status> {
    co_return MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "who are you?");
  };
  methods_.expand = [](CallContext&, const EchoRequest&,
                       MessageWriter&) -> Task<absl::Status> {
    co_return MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "who are you?");
  };
  Run([&]() -> Task<void> {
    for (const char* method : {"Echo", "Expand"}) {
      ClientCall& call = client_.Call(method);
      co_await call.AwaitClosed();
      EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_API_KEY_INVALID);
    }
    co_await AwaitIdle();
  });
}

TEST_F(RpcCallTest, OfARequestThatComesWholeTheHandlerAlone) {
  int asked = 0;
  methods_.admits = [&](const CallContext&) {
    ++asked;
    return true;
  };
  Run([&]() -> Task<void> {
    ClientCall& whole = client_.CallWith("Echo", Text("whole"));
    co_await whole.AwaitClosed();
    EXPECT_TRUE(whole.status().ok()) << whole.status();
    EXPECT_EQ(asked, 0);
    ClientCall& pieces = client_.Call("Echo");
    co_await Settle();
    EXPECT_EQ(asked, 1);
    pieces.stream().Send(Framed(Text("later")));
    pieces.stream().End();
    co_await pieces.AwaitClosed();
    EXPECT_TRUE(pieces.status().ok()) << pieces.status();
    EXPECT_EQ(asked, 1);
  });
}

TEST_F(RpcCallTest, AMessageMayBeLargerThanTheWindow) {
  limits_.http2.stream_window_bytes = 16 * 1024;
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Echo", Text("", 0, 1'000'000));
    co_await call.AwaitClosed();
    EXPECT_EQ(AnswerOf(call).payload().size(), 1'000'000u);
  });
}

TEST_F(RpcCallTest, AUnaryCallHasOneMessage) {
  Run([&]() -> Task<void> {
    ClientCall& none = client_.Call("Echo", {}, /*end=*/true);
    co_await none.AwaitClosed();
    EXPECT_EQ(FaultReason(none.status()), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_THAT(std::string(none.status().message()),
                HasSubstr("without a request message"));

    ClientCall& two = client_.Call("Echo");
    two.stream().Send(Framed(Text("1")) + Framed(Text("2")));
    co_await two.AwaitClosed();
    EXPECT_EQ(FaultReason(two.status()), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_THAT(std::string(two.status().message()),
                HasSubstr("more than one request message"));

    for (const size_t cut : {1, 4, 6}) {
      ClientCall& call = client_.Call("Echo");
      call.stream().Send(Framed(Text("whole")).substr(0, cut));
      call.stream().End();
      co_await call.AwaitClosed();
      EXPECT_EQ(call.status().code(), absl::StatusCode::kInternal) << cut;
    }
    co_await AwaitIdle();
  });
}

TEST_F(RpcCallTest, AStreamMayHaveNoMessageButNoHalfOne) {
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Collect", {}, /*end=*/true);
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
    ClientCall& cut = client_.Call("Collect");
    cut.stream().Send(Framed(Text("a")) + "\1");
    cut.stream().End();
    co_await cut.AwaitClosed();
    EXPECT_EQ(cut.status().code(), absl::StatusCode::kInternal);
  });
}

TEST_F(RpcCallTest, CompressedRequestsAreInflatedWithinTheLimit) {
  limits_.call.message_bytes = 100'000;
  Run([&]() -> Task<void> {
    const HttpField gzip[] = {{"grpc-encoding", "gzip"}};
    ClientCall& call = client_.Call("Echo", gzip);
    const EchoRequest request = Text("packed", 0, 90'000);
    call.stream().Send(Framed(Gzip(request.SerializeAsString()), true));
    call.stream().End();
    co_await call.AwaitClosed();
    EXPECT_EQ(AnswerOf(call).payload().size(), 90'000u);

    ClientCall& bomb = client_.Call("Echo", gzip);
    bomb.stream().Send(Framed(Gzip(std::string(50'000'000, '\0')), true));
    co_await bomb.AwaitClosed();
    EXPECT_EQ(bomb.status().code(), absl::StatusCode::kResourceExhausted);

    const HttpField snappy[] = {{"grpc-encoding", "snappy"}};
    ClientCall& unknown = client_.CallWith("Echo", request, snappy);
    co_await unknown.AwaitClosed();
    EXPECT_EQ(unknown.status().code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(unknown.Field("grpc-accept-encoding"), "identity,deflate,gzip");
  });
}

TEST_F(RpcCallTest, OnlyLargeAnswersOfOneMessageAreCompressed) {
  Run([&]() -> Task<void> {
    const HttpField gzip[] = {{"grpc-accept-encoding", "identity, gzip"}};
    ClientCall& large = client_.CallWith("Echo", Text("", 0, 100'000), gzip);
    co_await large.AwaitClosed();
    EXPECT_EQ(large.Field("grpc-encoding"), "gzip");
    EXPECT_TRUE(MessageOf(large).first);
    EXPECT_LT(large.body().size(), 5'000u);
    std::string inflated;
    EXPECT_TRUE(Inflate(ZlibFormat::kGzip, MessageOf(large).second,
                        1'000'000, &inflated)
                    .ok());
    EchoResponse response;
    EXPECT_TRUE(response.ParseFromString(inflated));
    EXPECT_EQ(response.payload().size(), 100'000u);

    ClientCall& huge = client_.CallWith("Echo", Text("", 0, 1'200'000), gzip);
    co_await huge.AwaitClosed();
    EXPECT_EQ(huge.Field("grpc-encoding"), "");
    EXPECT_EQ(AnswerOf(huge).payload().size(), 1'200'000u);

    ClientCall& small = client_.CallWith("Echo", Text("", 0, 10'000), gzip);
    ClientCall& stream =
        client_.CallWith("Expand", Text("", 1, 100'000), gzip);
    ClientCall& plain = client_.CallWith("Echo", Text("", 0, 100'000));
    for (ClientCall* call : {&small, &stream, &plain}) {
      co_await call->AwaitClosed();
      EXPECT_EQ(call->Field("grpc-encoding"), "");
      EXPECT_FALSE(MessageOf(*call).first);
    }
  });
}

TEST_F(RpcCallTest, ASlowReaderHoldsTheHandlerUp) {
  constexpr int kMessages = 1000;
  constexpr size_t kMessageBytes = 16 * 1024;
  int written = 0;
  methods_.expand = [&](CallContext& call, const EchoRequest& request,
                        MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(request.payload());
    for (int i = 0; i < kMessages; ++i) {
      const bool more = co_await writer.Write(response);
      if (!more) co_return call.cancel().status();
      ++written;
    }
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call =
        client_.CallWith("Expand", Text("", 0, kMessageBytes));
    call.set_consumes(false);
    const size_t window = Http2Limits().stream_window_bytes;
    co_await call.AwaitBody(window);
    co_await Settle();
    EXPECT_EQ(call.body().size(), window);
    // What the client took, what waits for it, and the message in hand.
    EXPECT_LE(static_cast<size_t>(written) * kMessageBytes,
              window + 64 * 1024 + kMessageBytes);
    call.set_consumes(true);
    call.stream().Consume(window);
    co_await call.AwaitClosed();
    EXPECT_EQ(written, kMessages);
    EXPECT_THAT(call.messages(), SizeIs(kMessages));
  });
}

TEST_F(RpcCallTest, AHandlerThatDoesNotReadHoldsTheClientUp) {
  WakeUp go;
  methods_.collect = [&](CallContext& call, MessageReader& reader,
                         EchoResponse* response) -> Task<absl::Status> {
    co_await go.Wait();
    EchoRequest request;
    for (;;) {
      const bool more = co_await reader.Read(&request);
      if (!more) break;
      response->set_text(response->text() + request.text());
    }
    co_return call.cancel().status();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Collect");
    const std::string piece(1000, 'x');
    for (int i = 0; i < 200; ++i) call.stream().Send(Framed(Text(piece)));
    const size_t all = call.stream().unsent();
    co_await Settle();
    EXPECT_EQ(all - call.stream().unsent(),
              limits_.http2.stream_window_bytes);
    go.Set();
    call.stream().End();
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
    EXPECT_EQ(AnswerOf(call).text().size(), 200'000u);
  });
}

TEST_F(RpcCallTest, ARequestThatBreaksOffRunsNothing) {
  int runs = 0;
  methods_.echo = [&](CallContext&, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    ++runs;
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Echo");
    call.stream().Send(Framed(Text("", 0, 50'000)).substr(0, 10'000));
    co_await call.AwaitSent();
    co_await Settle();
    EXPECT_EQ(running(), 1u);
    call.stream().Reset(Http2Error::kCancel);
    co_await AwaitIdle();
    EXPECT_EQ(runs, 0);
  });
}

TEST_F(RpcCallTest, AMessageThatCannotBeReadEndsItsCallUnread) {
  methods_.chat = [&](CallContext& call, MessageReader& reader,
                      MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    co_return co_await AwaitCancel(call);
  };
  limits_.call.message_bytes = 1000;
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Chat");
    call.stream().Send(Framed(Text("fine")));
    co_await call.AwaitSent();
    co_await Settle();
    call.stream().Send(Framed(std::string(1001, 'x')));
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()),
              v1::ERROR_REASON_REQUEST_TOO_LARGE);
    EXPECT_EQ(call.error(), Http2Error::kNoError);
  });
}

TEST_F(RpcCallTest, ADeadlineDoesNotWaitForTheRequest) {
  Run([&]() -> Task<void> {
    const HttpField soon[] = {{"grpc-timeout", "10m"}};
    ClientCall& call = client_.Call("Echo", soon);
    call.stream().Send(std::string(1, '\0'));
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()),
              v1::ERROR_REASON_DEADLINE_EXCEEDED);
    EXPECT_THAT(std::string(call.status().message()), HasSubstr("deadline"));

    const HttpField past[] = {{"grpc-timeout", "0n"}};
    ClientCall& late = client_.CallWith("Expand", Text(""), past);
    co_await late.AwaitClosed();
    EXPECT_EQ(FaultReason(late.status()),
              v1::ERROR_REASON_DEADLINE_EXCEEDED);
  });
}

TEST_F(RpcCallTest, ARequestHasItsTimeToArrive) {
  limits_.call.request_timeout = absl::Milliseconds(20);
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Echo");
    call.stream().Send(std::string(1, '\0'));
    co_await call.AwaitClosed();
    EXPECT_EQ(call.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(call.status().message()),
                HasSubstr("did not arrive in time"));
    EXPECT_EQ(call.error(), Http2Error::kNoError);
  });
}

TEST_F(RpcCallTest, ARequestThatCameInTimeHasItsDeadlineOnly) {
  limits_.call.request_timeout = absl::Milliseconds(10);
  methods_.echo = [&](CallContext& call, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    co_return co_await AwaitCancel(call);
  };
  Run([&]() -> Task<void> {
    const HttpField later[] = {{"grpc-timeout", "50m"}};
    ClientCall& call = client_.CallWith("Echo", Text(""), later);
    co_await call.AwaitClosed();
    EXPECT_THAT(std::string(call.status().message()),
                HasSubstr("the caller's deadline passed"));
  });
}

TEST_F(RpcCallTest, HandlersKnowHowLargeTheirRequestWas) {
  size_t bytes = 0;
  methods_.echo = [&](CallContext& call, const EchoRequest& request,
                      EchoResponse*) -> Task<absl::Status> {
    bytes = call.request_bytes();
    EXPECT_EQ(bytes, request.ByteSizeLong());
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    const EchoRequest request = Text("hello", 0, 100'000);
    ClientCall& plain = client_.CallWith("Echo", request);
    co_await plain.AwaitClosed();
    EXPECT_GT(bytes, 100'000u);
    bytes = 0;
    const HttpField gzip[] = {{"grpc-encoding", "gzip"}};
    ClientCall& packed = client_.Call("Echo", gzip);
    packed.stream().Send(Framed(Gzip(request.SerializeAsString()), true));
    packed.stream().End();
    co_await packed.AwaitClosed();
    EXPECT_GT(bytes, 100'000u);
  });
}

TEST_F(RpcCallTest, MetadataIsDecoded) {
  std::vector<std::pair<std::string, std::string>> seen;
  methods_.echo = [&](CallContext& call, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    for (const MetadataEntry& entry : call.metadata()) {
      seen.emplace_back(entry.name, entry.value);
    }
    call.AddInitialMetadata("x-raw-bin", std::string("\0\xff", 2));
    call.AddTrailer("x-raw-bin", std::string("\xff\0", 2));
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    const HttpField fields[] = {{"x-a-bin", "AP8=,/w"}, {"x-text", "as is"}};
    ClientCall& call = client_.CallWith("Echo", Text(""), fields);
    co_await call.AwaitClosed();
    EXPECT_THAT(seen, ElementsAre(Pair("x-a-bin", std::string("\0\xff", 2)),
                                  Pair("x-a-bin", "\xff"),
                                  Pair("x-text", "as is")));
    EXPECT_EQ(call.head().back().second, "AP8");
    EXPECT_EQ(call.trailers().back().second, "/wA");

    const HttpField bad[] = {{"x-a-bin", "no base64!"}};
    ClientCall& refused = client_.CallWith("Echo", Text(""), bad);
    co_await refused.AwaitClosed();
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(running(), 0u);
  });
}

TEST_F(RpcCallTest, AnAnswerThatDoesNotWaitForTheRestStopsIt) {
  methods_.chat = [](CallContext&, MessageReader& reader,
                     MessageWriter&) -> Task<absl::Status> {
    EchoRequest request;
    co_await reader.Read(&request);
    co_return absl::FailedPreconditionError("enough");
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.Call("Chat");
    for (int i = 0; i < 50; ++i) {
      call.stream().Send(Framed(Text("", 0, 10'000)));
    }
    co_await call.AwaitClosed();
    EXPECT_EQ(call.status().message(), "enough");
    // RFC 9113 §8.1: the answer counts, the rest of the request does not.
    EXPECT_EQ(call.error(), Http2Error::kNoError);
  });
}

}  // namespace
}  // namespace gateway
