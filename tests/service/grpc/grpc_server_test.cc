// What a server is with either engine. What is particular to the native one is
// in tests/service/rpc.

#include "service/grpc/grpc_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/secret.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/rpc/rpc_server.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::Contains;
using ::testing::HasSubstr;
using EchoRequest = EchoServer::EchoRequest;
using EchoResponse = EchoServer::EchoResponse;

absl::Status Echo(EchoServer::EchoService::Stub& stub) {
  const auto context = NewContext();
  EchoResponse response;
  return Received(stub.Echo(context.get(), EchoRequest(), &response));
}

// A stream that has begun and goes on until it is cancelled.
class OpenStream {
 public:
  explicit OpenStream(EchoServer& server)
      : stub_(server.NewStub()), context_(NewContext()) {
    server.expand = [](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
      co_await writer.Write(EchoResponse());
      co_return co_await AwaitCancel(call);
    };
    stream_ = stub_->Expand(context_.get(), EchoRequest());
    EchoResponse response;
    EXPECT_TRUE(stream_->Read(&response));
  }

  // How the stream ended.
  absl::Status End() {
    EchoResponse response;
    EXPECT_FALSE(stream_->Read(&response));
    return Received(stream_->Finish());
  }

 private:
  std::unique_ptr<EchoServer::EchoService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<EchoResponse>> stream_;
};

class GrpcServerTest : public testing::TestWithParam<Engine> {
 protected:
  // Starts a server that is expected not to start.
  absl::Status Start(const std::string& address, const MethodTable& table,
                     const std::vector<EventLoop*>& loops) {
    if (GetParam() == Engine::kGrpcCore) {
      return GrpcServer::Start(
                 {.address = address, .table = &table, .loops = loops})
          .status();
    }
    RpcServer::Options options;
    options.address = address;
    options.table = &table;
    options.loops = loops;
    return RpcServer::Start(std::move(options)).status();
  }
};

INSTANTIATE_TEST_SUITE_P(, GrpcServerTest,
                         testing::Values(Engine::kNative, Engine::kGrpcCore),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(GrpcServerTest, TellsThePortItChose) {
  EchoServer server({.engine = GetParam()});
  EXPECT_GT(server.server().port(), 0);
  EXPECT_TRUE(Echo(*server.NewStub()).ok());
}

TEST_P(GrpcServerTest, NamesAnAddressThatIsTaken) {
  EchoServer server({.engine = GetParam()});
  LoopThread thread;
  const absl::Status status =
      Start(server.address(), server.table(), {&thread.loop()});
  // gRPC C++ does not tell why.
  EXPECT_EQ(status.code(), GetParam() == Engine::kNative
                               ? absl::StatusCode::kAlreadyExists
                               : absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("cannot listen on ", server.address())));
}

TEST_P(GrpcServerTest, RefusesToStartWithMistakes) {
  LoopThread thread;
  MethodTable table;
  EXPECT_EQ(Start("127.0.0.1:x", table, {&thread.loop()}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Start("127.0.0.1:0", table, {}).code(),
            absl::StatusCode::kInvalidArgument);
  table.AddService("no.such.Service");
  EXPECT_THAT(
      std::string(Start("127.0.0.1:0", table, {&thread.loop()}).message()),
      HasSubstr("no.such.Service"));
}

TEST_P(GrpcServerTest, AnswersForItsHealth) {
  EchoServer server({.engine = GetParam()});
  const auto stub = Health::NewStub(server.NewChannel());
  HealthCheckRequest request;
  HealthCheckResponse response;
  for (const char* name : {"", "llmgateway.testing.v1.EchoService",
                           "llmgateway-liveness", "llmgateway-readiness"}) {
    request.set_service(name);
    ASSERT_TRUE(stub->Check(NewContext().get(), request, &response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << name;
  }
  request.set_service("no.such.Service");
  EXPECT_EQ(stub->Check(NewContext().get(), request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);

  const auto context = NewContext();
  const auto watch = stub->Watch(context.get(), request);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  server.health().SetServing("no.such.Service", true);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  context->TryCancel();
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_P(GrpcServerTest, TellsToolsWhatItServes) {
  EchoServer server({.engine = GetParam()});
  const auto stub =
      grpc::reflection::v1::ServerReflection::NewStub(server.NewChannel());
  const auto context = NewContext();
  const auto stream = stub->ServerReflectionInfo(context.get());
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request));
  grpc::reflection::v1::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, Contains("llmgateway.testing.v1.EchoService"));
  EXPECT_THAT(names, Contains("grpc.health.v1.Health"));
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_P(GrpcServerTest, DrainingLetsCallsFinish) {
  EchoServer server({.engine = GetParam()});
  const auto stub = server.NewStub();
  server.chat = [](CallContext&, MessageReader& reader,
                   MessageWriter& writer) -> Task<absl::Status> {
    EchoRequest request;
    for (;;) {
      const bool more = co_await reader.Read(&request);
      if (!more) break;
      co_await writer.Write(EchoResponse());
    }
    co_return absl::OkStatus();
  };
  const auto context = NewContext();
  const auto chat = stub->Chat(context.get());
  EchoResponse response;
  ASSERT_TRUE(chat->Write(EchoRequest()));
  ASSERT_TRUE(chat->Read(&response));
  EXPECT_EQ(server.server().running_calls(), 1u);

  const auto health = Health::NewStub(server.NewChannel());
  const auto watch_context = NewContext();
  const auto watch = health->Watch(watch_context.get(), HealthCheckRequest());
  HealthCheckResponse status;
  ASSERT_TRUE(watch->Read(&status));
  EXPECT_EQ(status.status(), HealthCheckResponse::SERVING);

  server.server().StartDraining();
  ASSERT_TRUE(watch->Read(&status));
  EXPECT_EQ(status.status(), HealthCheckResponse::NOT_SERVING);
  if (GetParam() == Engine::kGrpcCore) {
    // It goes on listening; the native one does not
    // (tests/service/rpc/rpc_listener_test.cc).
    const absl::Status refused = Echo(*stub);
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_DRAINING);
    EXPECT_TRUE(
        health->Check(NewContext().get(), HealthCheckRequest(), &status).ok());
  }
  EXPECT_FALSE(server.server().AwaitIdle(absl::Milliseconds(1)));

  ASSERT_TRUE(chat->Write(EchoRequest()));
  ASSERT_TRUE(chat->Read(&response));
  chat->WritesDone();
  EXPECT_FALSE(chat->Read(&response));
  EXPECT_TRUE(chat->Finish().ok());
  EXPECT_TRUE(server.server().AwaitIdle(absl::Seconds(20)));
  server.server().Drain(absl::Seconds(20));
  EXPECT_FALSE(watch->Read(&status));
  EXPECT_EQ(FaultReason(Received(watch->Finish())),
            v1::ERROR_REASON_DRAINING);
}

TEST_P(GrpcServerTest, CancelsWhatOutlastsTheGrace) {
  EchoServer server({.engine = GetParam()});
  OpenStream one(server);
  OpenStream two(server);
  EXPECT_EQ(server.server().running_calls(), 2u);
  server.server().Drain(absl::Milliseconds(10));
  for (OpenStream* stream : {&one, &two}) {
    const absl::Status status = stream->End();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_DRAINING);
  }
  EXPECT_EQ(server.server().running_calls(), 0u);
  server.server().Shutdown();  // Once more does no harm.
}

TEST_P(GrpcServerTest, CancelsACallWhoseRequestNeverCame) {
  EchoServer server({.engine = GetParam()});
  const auto context = NewContext();
  grpc::GenericStub stub(server.NewChannel());
  class Client
      : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    void OnDone(const grpc::Status& result) override {
      status = result;
      done.Set();
    }
    grpc::Status status;
    Event done;
  } client;
  stub.PrepareBidiStreamingCall(context.get(),
                                "/llmgateway.testing.v1.EchoService/Echo",
                                grpc::StubOptions(), &client);
  client.StartCall();
  // The headers have arrived once the server counts the call; another call on
  // the same connection is behind them.
  const auto health = Health::NewStub(server.NewChannel());
  HealthCheckResponse response;
  while (server.server().running_calls() == 0) {
    ASSERT_TRUE(
        health->Check(NewContext().get(), HealthCheckRequest(), &response)
            .ok());
  }
  server.server().Shutdown();
  ASSERT_TRUE(client.done.Wait());
  EXPECT_EQ(FaultReason(Received(client.status)), v1::ERROR_REASON_DRAINING);
}

TEST_P(GrpcServerTest, ShutsDownPastAClientThatDoesNotRead) {
  EchoServer server({.engine = GetParam()});
  server.expand = [](CallContext& call, const EchoRequest&,
                     MessageWriter& writer) -> Task<absl::Status> {
    EchoResponse response;
    response.set_payload(std::string(1024 * 1024, 'p'));
    for (;;) {
      const bool more = co_await writer.Write(response);
      if (!more) break;
    }
    co_return call.cancel().status();
  };
  const auto stub = server.NewStub();
  const auto context = NewContext();
  const auto stream = stub->Expand(context.get(), EchoRequest());
  EchoResponse response;
  ASSERT_TRUE(stream->Read(&response));
  server.server().Drain(absl::Milliseconds(10));
  while (stream->Read(&response)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

class GrpcServerTlsTest : public testing::TestWithParam<Engine> {
 protected:
  EchoServer::Options Options(const std::string& client_ca) {
    return {
        .engine = GetParam(),
        .tls = EchoServer::Tls{.cert_chain = ReadPem(own_.good().chain_file),
                               .private_key = ReadPem(own_.good().key_file),
                               .client_ca = client_ca}};
  }

  absl::Status EchoOver(EchoServer& server,
                        const grpc::SslCredentialsOptions& options) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    const auto stub = EchoServer::EchoService::NewStub(
        grpc::CreateCustomChannel(server.address(),
                                  grpc::SslCredentials(options), arguments));
    return Echo(*stub);
  }

  const TestCertificates own_;
  const TestCertificates other_;
  const std::string own_ca_ = ReadPem(own_.ca_file());
  const std::string other_ca_ = ReadPem(other_.ca_file());
};

INSTANTIATE_TEST_SUITE_P(, GrpcServerTlsTest,
                         testing::Values(Engine::kNative, Engine::kGrpcCore),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(GrpcServerTlsTest, ServesThoseWhoTrustItsCertificate) {
  EchoServer server(Options(/*client_ca=*/""));
  const absl::Status trusted = EchoOver(server, {.pem_root_certs = own_ca_});
  EXPECT_TRUE(trusted.ok()) << trusted;
  EXPECT_EQ(EchoOver(server, {.pem_root_certs = other_ca_}).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Echo(*server.NewStub()).code(),  // In plaintext.
            absl::StatusCode::kUnavailable);
}

TEST_P(GrpcServerTlsTest, MayAskClientsForACertificate) {
  EchoServer server(Options(other_ca_));
  const auto show = [&](const TestCertificates::Pair& pair) {
    return EchoOver(server, {.pem_root_certs = own_ca_,
                             .pem_private_key = ReadPem(pair.key_file),
                             .pem_cert_chain = ReadPem(pair.chain_file)});
  };
  const absl::Status shown = show(other_.client());
  EXPECT_TRUE(shown.ok()) << shown;
  EXPECT_FALSE(EchoOver(server, {.pem_root_certs = own_ca_}).ok());
  EXPECT_FALSE(show(own_.client()).ok());
}

// The native engine is given a TlsContext, which has been made by then.
TEST(GrpcServerCertificateTest, IsReadAtTheStart) {
  LoopThread thread;
  MethodTable table;
  const absl::Status status =
      GrpcServer::Start(
          {.address = "127.0.0.1:0",
           .table = &table,
           .loops = {&thread.loop()},
           .tls = GrpcServer::Tls{.cert_chain = "not a certificate",
                                  .private_key = Secret("not a key")}})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("certificate"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("not a key")));
}

// Last: from here on the library adds channelz to each server it builds.
TEST(GrpcServerChannelzTest, ServesChannelzWhereItIsAskedTo) {
  const auto ask = [](EchoServer& server) {
    grpc::GenericStub stub(server.NewChannel());
    const grpc::Slice slice("");
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const auto context = NewContext();
    Event done;
    grpc::Status status;
    stub.UnaryCall(context.get(), "/grpc.channelz.v1.Channelz/GetServers",
                   grpc::StubOptions(), &request, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Set();
                   });
    EXPECT_TRUE(done.Wait());
    EXPECT_EQ(response.Length() > 0, status.ok());
    return status.error_code();
  };
  EchoServer data({.engine = Engine::kGrpcCore});
  EXPECT_EQ(ask(data), grpc::StatusCode::UNIMPLEMENTED);
  EchoServer admin({.engine = Engine::kGrpcCore, .channelz = true});
  EXPECT_EQ(ask(admin), grpc::StatusCode::OK);
  EXPECT_EQ(ask(data), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(Echo(*admin.NewStub()).ok());
}

}  // namespace
}  // namespace gateway
