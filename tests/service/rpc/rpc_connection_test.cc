// What a connection does with each request, and which clients it serves.

#include <sys/uio.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"
#include "tests/testing/stream_pair.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RpcConnectionTest : public RpcTestBase {
 protected:
  // A call of EchoService with a content type of one's own, and with or without
  // the field that says that trailers arrive.
  ClientCall& CallAs(std::string_view content_type, bool with_te = true) {
    std::vector<HttpField> fields = {
        {":method", "POST"},
        {":scheme", "http"},
        {":authority", "test"},
        {":path", "/llmgateway.testing.v1.EchoService/Echo"},
        {"content-type", content_type}};
    if (with_te) fields.push_back({"te", "trailers"});
    ClientCall& call = client_.Request(fields, false);
    call.stream().Send(Framed(Text("hello")));
    call.stream().End();
    return call;
  }

  // The server's settings, and whatever else comes before it closes.
  static Task<void> ReadToTheEnd(Stream* stream) {
    char bytes[1000];
    for (;;) {
      const IoResult got = stream->TryRead(bytes, sizeof(bytes));
      if (got.would_block()) {
        co_await stream->Readable();
      } else if (got.kind != IoResult::Kind::kBytes) {
        break;
      }
    }
  }
};

TEST_F(RpcConnectionTest, TakesTheContentTypesOfGrpc) {
  Run([&]() -> Task<void> {
    for (const char* type : {"application/grpc", "application/grpc+proto",
                             "application/grpc;charset=utf-8"}) {
      ClientCall& call = CallAs(type);
      co_await call.AwaitClosed();
      EXPECT_TRUE(call.status().ok()) << type;
    }
    for (const char* type : {"application/json", "application/grpcx", ""}) {
      ClientCall& call = CallAs(type);
      co_await call.AwaitClosed();
      EXPECT_EQ(call.Field(":status"), "415") << type;
    }
    EXPECT_EQ(Refused("NOT_GRPC"), 3);
  });
}

TEST_F(RpcConnectionTest, AsksForTrailersToBeTaken) {
  Run([&]() -> Task<void> {
    ClientCall& call = CallAs("application/grpc", /*with_te=*/false);
    co_await call.AwaitClosed();
    EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(call.status().message()), HasSubstr("te"));
    EXPECT_EQ(call.Field("x-request-id").size(), 32u);
  });
}

TEST_F(RpcConnectionTest, TellsWhatIsNotServed) {
  Run([&]() -> Task<void> {
    const HttpField mine[] = {{"x-request-id", "mine"}};
    ClientCall& call = client_.CallWith("Forget", Text(""), mine);
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_UNIMPLEMENTED);
    EXPECT_EQ(call.Field("x-request-id"), "mine");
    EXPECT_EQ(Refused("UNIMPLEMENTED"), 1);
  });
}

TEST_F(RpcConnectionTest, MoreMetadataThanAllowedIsRefusedByItself) {
  limits_.metadata.bytes = 1000;
  limits_.http2.header_list_bytes = 5000;
  Run([&]() -> Task<void> {
    // Over the limit of metadata, and over that of the protocol besides.
    for (const size_t bytes : {1000, 20'000, 60'000}) {
      const std::string value(bytes, 'v');
      const HttpField large[] = {{"x-large", value}};
      ClientCall& call = client_.CallWith("Echo", Text(""), large);
      co_await call.AwaitClosed();
      EXPECT_EQ(call.status().code(), absl::StatusCode::kResourceExhausted)
          << bytes << " " << call.status();
    }
    EXPECT_EQ(Refused("REQUEST_TOO_LARGE"), 3);
    const std::string value(900, 'v');
    const HttpField most[] = {{"x-large", value}};
    ClientCall& call = client_.CallWith("Echo", Text(""), most);
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
  });
}

TEST_F(RpcConnectionTest, CallsKnowTheirPeer) {
  std::string peer;
  methods_.echo = [&](CallContext& call, const EchoRequest&,
                      EchoResponse*) -> Task<absl::Status> {
    peer = std::string(call.peer());
    co_return absl::OkStatus();
  };
  Run([&]() -> Task<void> {
    ClientCall& call = client_.CallWith("Echo", Text(""));
    co_await call.AwaitClosed();
    EXPECT_THAT(peer, StartsWith("127.0.0.1:"));
  });
}

TEST_F(RpcConnectionTest, ManyCallsShareAConnection) {
  Run([&]() -> Task<void> {
    // How many may be open is known once the server has said so.
    ClientCall& first = client_.CallWith("Echo", Text(""));
    co_await first.AwaitClosed();
    std::vector<ClientCall*> calls;
    for (int i = 0; i < 200; ++i) {
      calls.push_back(
          &client_.CallWith("Echo", Text(absl::StrCat(i), 0, 1000)));
    }
    for (ClientCall* call : calls) {
      co_await call->AwaitClosed();
      EXPECT_TRUE(call->status().ok());
    }
  });
}

TEST_F(RpcConnectionTest, OneThatSaysNothingIsClosed) {
  limits_.http2.handshake_timeout = absl::Milliseconds(20);
  RunAlone([&]() -> Task<void> {
    const auto stream = BeginConnectTo(port());
    const absl::Status connected = co_await stream->Connected();
    EXPECT_TRUE(connected.ok());
    co_await ReadToTheEnd(stream.get());
    co_await AwaitGone();
    EXPECT_EQ(Closed("timeout"), 1);
  });
}

TEST_F(RpcConnectionTest, OneThatIsNotHttp2IsCounted) {
  RunAlone([&]() -> Task<void> {
    const auto stream = BeginConnectTo(port());
    const absl::Status connected = co_await stream->Connected();
    EXPECT_TRUE(connected.ok());
    char request[] = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    const iovec piece = {request, sizeof(request) - 1};
    EXPECT_EQ(stream->TryWrite(&piece, 1).bytes, piece.iov_len);
    co_await ReadToTheEnd(stream.get());
    co_await AwaitGone();
    EXPECT_EQ(Closed("protocol"), 1);
  });
}

class RpcConnectionTlsTest : public RpcConnectionTest {
 protected:
  RpcConnectionTlsTest() {
    tls_ = ServerTls(certificates_.good(), {"h2"});
  }

  const TestCertificates certificates_;
};

TEST_F(RpcConnectionTlsTest, ServesThoseWhoSpeakHttp2) {
  RunAlone([&]() -> Task<void> {
    const auto tls = ClientTls(certificates_, {"http/1.1", "h2"});
    const bool connected = co_await client_.Connect(port(), tls.get());
    EXPECT_TRUE(connected);
    if (!connected) co_return;
    ClientCall& call = client_.CallWith("Echo", Text("", 0, 300'000));
    co_await call.AwaitClosed();
    EXPECT_TRUE(call.status().ok()) << call.status();
    EXPECT_GT(call.body().size(), 300'000u);
  });
}

TEST_F(RpcConnectionTlsTest, ClosesOnThoseWhoDoNot) {
  RunAlone([&]() -> Task<void> {
    for (const auto& alpn : {std::vector<std::string>{},
                             std::vector<std::string>{"http/1.1"}}) {
      const auto tls = ClientTls(certificates_, alpn);
      RpcClient client;
      const bool connected = co_await client.Connect(port(), tls.get());
      if (connected) co_await client.AwaitEnded();
      co_await client.Close();
    }
    co_await AwaitGone();
    EXPECT_EQ(Closed("tls"), 2);
  });
}

TEST_F(RpcConnectionTlsTest, ClosesOnPlaintextAndOnSilence) {
  limits_.http2.handshake_timeout = absl::Milliseconds(50);
  RunAlone([&]() -> Task<void> {
    const bool connected = co_await client_.Connect(port());  // Without TLS.
    EXPECT_TRUE(connected);
    co_await client_.AwaitEnded();
    const auto silent = BeginConnectTo(port());
    while (!silent->hung_up()) co_await silent->Readable();
    co_await AwaitGone();
    EXPECT_EQ(Closed("tls"), 1);
    EXPECT_EQ(Closed("timeout"), 1);
  });
}

TEST_F(RpcConnectionTlsTest, BothHandshakesHaveOneTimeTogether) {
  limits_.http2.handshake_timeout = absl::Seconds(5);
  RunAlone([&]() -> Task<void> {
    EventLoop& loop = *EventLoop::Current();
    const absl::Duration begin = loop.Now();
    const auto stream = BeginConnectTo(port());
    const absl::Status connected = co_await stream->Connected();
    EXPECT_TRUE(connected.ok());
    // TLS takes half of the time, and then nothing more comes.
    CancelSignal never;
    co_await Sleep(loop, limits_.http2.handshake_timeout / 2, never);
    const auto tls = ClientTls(certificates_, {"h2"});
    const std::string server = "localhost";
    const absl::Status secured = co_await stream->StartTls(*tls, server);
    EXPECT_TRUE(secured.ok()) << secured;
    co_await ReadToTheEnd(stream.get());
    co_await AwaitGone();
    EXPECT_EQ(Closed("timeout"), 1);
    EXPECT_LT(loop.Now() - begin, 1.4 * limits_.http2.handshake_timeout);
  });
}

TEST_F(RpcConnectionTlsTest, AHandshakeUnderWayDoesNotOutliveTheListener) {
  RunAlone([&]() -> Task<void> {
    const auto silent = BeginConnectTo(port());
    const absl::Status connected = co_await silent->Connected();
    EXPECT_TRUE(connected.ok());
    co_await Settle();
    listener_->Retire();
    listener_->CloseAll();
    co_await AwaitGone();
    EXPECT_EQ(Closed("done"), 1);
  });
}

}  // namespace
}  // namespace gateway
