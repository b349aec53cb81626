#include "service/app.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/status.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/net/listener.h"
#include "base/os/thread.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.grpc.pb.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.grpc.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kReply[] = "This is the mock provider speaking.";
constexpr char kMock[] = "providers: [{name: mock, mock: {}}]\n"
                         "routing: {default_target: mock}\n";

uint16_t PortOf(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  return static_cast<uint16_t>(port);
}

// Listeners on ports of the system's choice; `http` for one that is ours.
std::string Listeners(const std::string& grpc = "127.0.0.1:0",
                      const std::string& http = "127.0.0.1:0",
                      const std::string& admin = "127.0.0.1:0",
                      const std::string& operations = "127.0.0.1:0") {
  return absl::StrCat("listeners:\n  grpc: {address: '", grpc,
                      "'}\n  http: {address: '", http,
                      "'}\n  admin: {address: '", admin,
                      "'}\n  operations: {address: '", operations, "'}\n");
}

absl::StatusOr<std::unique_ptr<App>> StartApp(const std::string& yaml) {
  ConfigReading reading = ReadConfigText(
      AllProviderKinds(),
      absl::StrCat(yaml,
                   "runtime: {event_loops: 2, drain_grace: 20s}\n"
                   "logging: {access_log: false}\n"),
      "test.yaml", {}, absl::FromUnixSeconds(1767323045));
  for (const ConfigProblem& problem : reading.problems) {
    ADD_FAILURE() << problem.ToString();
  }
  if (reading.snapshot == nullptr) return absl::InvalidArgumentError("config");
  return App::Start({.config = std::move(reading), .file = "test.yaml"});
}

RawAnswer AskOn(RawClient& client, std::string_view method,
                std::string_view target, std::string_view body) {
  client.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                           " HTTP/1.1\r\nhost: localhost\r\ncontent-length: ",
                           body.size(), "\r\n\r\n", ToAbsl(body)));
  return client.ReceiveAnswer();
}

RawAnswer Ask(const std::string& address, std::string_view method,
              std::string_view target, std::string_view body = "") {
  RawClient client = RawClient::Connect(PortOf(address));
  return AskOn(client, method, target, body);
}

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

v1::GenerateRequest Request() {
  v1::GenerateRequest request;
  request.set_model("mock-model");
  v1::Message* const message = request.add_messages();
  message->set_role(v1::ROLE_USER);
  message->add_parts()->set_text("hi");
  return request;
}

grpc::Status Generate(const std::string& address,
                      v1::GenerateResponse* response) {
  const auto stub = v1::GatewayService::NewStub(ChannelTo(address));
  grpc::ClientContext context;
  return stub->Generate(&context, Request(), response);
}

constexpr char kChat[] =
    R"({"model":"mock-model","messages":[{"role":"user","content":"hi"}]})";

class AppTest : public testing::Test {
 protected:
  void Start(const std::string& yaml) {
    absl::StatusOr<std::unique_ptr<App>> app = StartApp(yaml);
    ASSERT_TRUE(app.ok()) << app.status();
    app_ = *std::move(app);
    at_ = app_->addresses();
  }

  std::unique_ptr<App> app_;
  App::Addresses at_;
};

TEST_F(AppTest, EveryListenerTellsItsChosenPort) {
  ASSERT_NO_FATAL_FAILURE(Start(kMock + Listeners()));
  for (const std::string& address :
       {at_.grpc, at_.http, at_.admin, at_.operations}) {
    EXPECT_THAT(address, StartsWith("127.0.0.1:"));
    EXPECT_THAT(address, Not(EndsWith(":0")));
  }
}

TEST_F(AppTest, APromptIsAnsweredAtBothApis) {
  ASSERT_NO_FATAL_FAILURE(Start(kMock + Listeners()));
  v1::GenerateResponse response;
  const grpc::Status status = Generate(at_.grpc, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.choices(0).message().parts(0).text(), kReply);
  const RawAnswer answer =
      Ask(at_.http, "POST", "/v1/chat/completions", kChat);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(kReply));
}

TEST_F(AppTest, OperatorsSeeWhatHappensAtTheApis) {
  ASSERT_NO_FATAL_FAILURE(Start(kMock + Listeners()));
  EXPECT_EQ(Ask(at_.operations, "GET", "/readyz").status, 200);
  // The first call has been recorded before the second is looked at.
  RawClient client = RawClient::Connect(PortOf(at_.http));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(AskOn(client, "POST", "/v1/chat/completions", kChat).status, 200);
  }
  EXPECT_THAT(Ask(at_.operations, "GET", "/metrics").body,
              HasSubstr("llm_request_total{"));
  const auto stub = v1::AdminService::NewStub(ChannelTo(at_.admin));
  grpc::ClientContext context;
  v1::GetHealthResponse health;
  const grpc::Status status =
      stub->GetHealth(&context, v1::GetHealthRequest(), &health);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(health.status(), v1::GetHealthResponse::STATUS_SERVING);
}

TEST_F(AppTest, EachListenerServesItsOwnAndNothingElse) {
  ASSERT_NO_FATAL_FAILURE(Start(kMock + Listeners()));
  EXPECT_EQ(Ask(at_.http, "GET", "/metrics").status, 404);
  EXPECT_EQ(Ask(at_.operations, "GET", "/v1/models").status, 404);
  v1::GenerateResponse response;
  EXPECT_EQ(Generate(at_.admin, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AppTest, AfterADrainNobodyIsServed) {
  ASSERT_NO_FATAL_FAILURE(Start(kMock + Listeners()));
  EXPECT_TRUE(app_->Drain().ok());
  // The ports are free for the next one.
  for (const std::string& address :
       {at_.grpc, at_.http, at_.admin, at_.operations}) {
    EXPECT_TRUE(BindAddress(address).ok()) << address;
  }
  EXPECT_TRUE(app_->Drain().ok());  // Once is enough.
}

TEST_F(AppTest, ARequestUnderWayFinishesWhileOthersAreRefused) {
  ASSERT_NO_FATAL_FAILURE(
      Start("providers: [{name: mock, mock: {chunk_count: 2, "
            "chunk_interval: 300ms}}]\n"
            "routing: {default_target: mock}\n" +
            Listeners()));
  const auto stub = v1::GatewayService::NewStub(ChannelTo(at_.grpc));
  grpc::ClientContext context;
  const auto reader = stub->StreamGenerate(&context, Request());
  v1::GenerateEvent event;
  ASSERT_TRUE(reader->Read(&event));
  Thread draining("draining", [this] { EXPECT_TRUE(app_->Drain().ok()); });
  // A refusal says that the drain has begun.
  for (;;) {
    v1::GenerateResponse response;
    const auto other = v1::GatewayService::NewStub(ChannelTo(at_.grpc));
    grpc::ClientContext second;
    const grpc::Status status = other->Generate(&second, Request(), &response);
    if (status.ok()) continue;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    break;
  }
  v1::GenerateEvent last = event;
  while (reader->Read(&event)) last = event;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(last.end().outcome(), v1::StreamEnd::OUTCOME_FINISHED);
  draining.Join();
}

// Start-ups that fail say which listener or provider is at fault, and leave
// nothing behind, however much had been built.
TEST(AppStartTest, AListenerWhosePortIsTakenIsNamed) {
  const RawListener taken;
  const std::string address = absl::StrCat("127.0.0.1:", taken.port());
  const std::string free = "127.0.0.1:0";
  const std::pair<std::string, std::string> cases[] = {
      {Listeners(address), "grpc"},
      {Listeners(free, address), "http"},
      {Listeners(free, free, address), "admin"},
      {Listeners(free, free, free, address), "operations"},
      {absl::StrCat(Listeners(), "  admin_http: {address: '", address, "'}\n"),
       "admin_http"}};
  for (const auto& [listeners, name] : cases) {
    const absl::Status status = StartApp(kMock + listeners).status();
    EXPECT_FALSE(status.ok()) << name;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(absl::StrCat("listeners.", name,
                                        ": cannot listen on ", address,
                                        ": the address is in use")));
  }
}

TEST(AppStartTest, AProviderWithoutItsCertificatesIsNamed) {
  const std::string providers = absl::StrCat(
      "providers: [{name: secure, openai: {base_url: 'https://127.0.0.1:1', "
      "http: {ca_file: '", testing::TempDir(), "no-such-ca.pem'}}}]\n");
  const absl::Status status = StartApp(providers + Listeners()).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("secure"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no-such-ca.pem"));
}

TEST(AppStartTest, AGatewayThatFailedToStartLeavesItsPortsFree) {
  const RawListener taken;
  // The address is free again as soon as it has told its port.
  const std::string http = BindAddress("127.0.0.1:0")->text();
  EXPECT_FALSE(StartApp(kMock +
                        Listeners("127.0.0.1:0", http,
                                  absl::StrCat("127.0.0.1:", taken.port())))
                   .ok());
  absl::StatusOr<std::unique_ptr<App>> second =
      StartApp(kMock + Listeners("127.0.0.1:0", http));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->addresses().http, http);
}

}  // namespace
}  // namespace gateway
