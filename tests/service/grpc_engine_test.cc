#include "service/grpc_engine.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "tests/testing/echo/echo.grpc.pb.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::StartsWith;
using EchoRequest = EchoMethods::EchoRequest;
using EchoResponse = EchoMethods::EchoResponse;
using EchoService = ::llmgateway::testing::v1::EchoService;

class GrpcEngineTest : public testing::TestWithParam<Engine> {
 protected:
  // Starts the engine on a listener with these fields.
  absl::StatusOr<std::unique_ptr<GrpcEngine>> Start(std::string_view fields) {
    const char* const engine =
        GetParam() == Engine::kNative ? "native" : "grpc_core";
    const ConfigReading reading =
        ReadConfigText(AllProviderKinds(),
                       absl::StrCat("providers: [{name: mock, mock: {}}]\n"
                                    "listeners: {grpc: {engine: ",
                                    engine, ", ", ToAbsl(fields), "}}\n"),
                       "test.yaml", {}, absl::UnixEpoch());
    for (const ConfigProblem& problem : reading.problems) {
      ADD_FAILURE() << problem.ToString();
    }
    config_ = reading.snapshot;
    if (config_ == nullptr) return absl::InvalidArgumentError("config");
    return StartGrpcEngine({.config = *config_,
                            .name = "grpc",
                            .listener = config_->config().listeners().grpc(),
                            .table = methods_.table(),
                            .health = methods_.health(),
                            .loops = {&loop_.loop()}});
  }

  // Calls Echo over a connection of its own.
  static absl::Status Echo(
      const GrpcEngine& engine, const EchoRequest& request,
      std::shared_ptr<grpc::ChannelCredentials> credentials =
          grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // By its address: `localhost` may lead to [::1], where somebody else has
    // the same port.
    arguments.SetSslTargetNameOverride("localhost");
    const auto stub = EchoService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", engine.port()), credentials, arguments));
    EchoResponse response;
    return Received(stub->Echo(NewContext().get(), request, &response));
  }

  EchoMethods methods_;
  LoopThread loop_;
  std::shared_ptr<const ConfigSnapshot> config_;
};

INSTANTIATE_TEST_SUITE_P(, GrpcEngineTest,
                         testing::Values(Engine::kNative, Engine::kGrpcCore),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(GrpcEngineTest, ServesWithTheLimitsOfItsListener) {
  const auto engine = Start(
      "address: '127.0.0.1:0', receive_message_bytes_limit: 1KiB, "
      "concurrent_streams_limit: 10, connection_idle_limit: 1h, "
      "connection_age_limit: 2h, connection_age_grace: 1m");
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_GT((*engine)->port(), 0);
  EchoRequest request;
  request.set_payload(std::string(1000, 'p'));
  const absl::Status within = Echo(**engine, request);
  EXPECT_TRUE(within.ok()) << within;
  request.set_payload(std::string(1100, 'p'));
  EXPECT_EQ(Echo(**engine, request).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_P(GrpcEngineTest, ServesTls) {
  const TestCertificates certificates;
  const auto engine = Start(
      absl::StrCat("address: '127.0.0.1:0', tls: {cert_chain: 'file:",
                   certificates.good().chain_file, "', private_key: 'file:",
                   certificates.good().key_file, "', client_ca: 'file:",
                   certificates.ca_file(), "'}"));
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::string authority = ReadPem(certificates.ca_file());
  const auto& client = certificates.client();
  const absl::Status known =
      Echo(**engine, {},
           grpc::SslCredentials(
               {.pem_root_certs = authority,
                .pem_private_key = ReadPem(client.key_file),
                .pem_cert_chain = ReadPem(client.chain_file)}));
  EXPECT_TRUE(known.ok()) << known;
  EXPECT_EQ(Echo(**engine, {},
                 grpc::SslCredentials({.pem_root_certs = authority}))
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST_P(GrpcEngineTest, NamesTheListenerThatDoesNotStart) {
  const auto first = Start("address: '127.0.0.1:0'");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second =
      Start(absl::StrCat("address: '127.0.0.1:", (*first)->port(), "'"));
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              StartsWith("listeners.grpc: "));
}

TEST_P(GrpcEngineTest, Drains) {
  methods_.expand = [](CallContext& call, const EchoRequest&,
                       MessageWriter& writer) -> Task<absl::Status> {
    co_await writer.Write(EchoResponse());
    co_return co_await AwaitCancel(call);
  };
  auto engine = Start("address: '127.0.0.1:0'");
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto stub = EchoService::NewStub(
      grpc::CreateChannel(absl::StrCat("localhost:", (*engine)->port()),
                          grpc::InsecureChannelCredentials()));
  const auto context = NewContext();
  const auto stream = stub->Expand(context.get(), EchoRequest());
  EchoResponse response;
  ASSERT_TRUE(stream->Read(&response));
  (*engine)->StartDraining();
  // Ours listens no more; gRPC's library refuses.
  EXPECT_EQ(FaultReason(Echo(**engine, {})),
            GetParam() == Engine::kNative
                ? v1::ERROR_REASON_PROVIDER_UNAVAILABLE
                : v1::ERROR_REASON_DRAINING);
  (*engine)->Drain(absl::Milliseconds(1));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(FaultReason(Received(stream->Finish())),
            v1::ERROR_REASON_DRAINING);
}

}  // namespace
}  // namespace gateway
