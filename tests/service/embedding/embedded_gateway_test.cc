#include "service/embedding/embedded_gateway.h"

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kHouseConfig[] =
    "providers: [{name: house, mock: {}}, {name: mock, mock: {reply: 'one "
    "two three'}}]\n"
    "routing:\n"
    "  model_rules: [{prefix: house-, targets: [house]}]\n"
    "  default_target: mock\n"
    "auth: {callers: {api_keys: [{id: ada, key: 'env:ADA'}]}}\n"
    "logging: {access_log: false, level: error}\n"
    "runtime: {event_loops: 2}\n";
constexpr char kAdasKey[] = "key-of-ada-0123456789";

// Answers with its greeting; of the model `house-waits` never.
class HouseProvider final : public Provider {
 public:
  explicit HouseProvider(Event* left) : left_(left) {}

  std::string_view name() const override { return "house"; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override {
    if (call.model == "house-waits") {
      WakeUp over;
      CancelListener listener(*call.cancel, [&] { over.Set(); });
      co_await over.Wait();
      left_->Set();
      co_return call.cancel->status();
    }
    v1::Choice& choice = *answer->response->add_choices();
    choice.set_finish_reason(v1::FINISH_REASON_STOP);
    choice.mutable_message()->add_parts()->set_text("the house speaks");
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return absl::UnimplementedError("does not stream");
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return absl::UnimplementedError("does not count");
  }

 private:
  Event* const left_;
};

class EmbeddedGatewayTest : public testing::Test {
 protected:
  std::string FileOf(std::string_view config) const {
    std::string path = absl::StrCat(folder_.path(), "/gateway.yaml");
    std::ofstream(path) << config;
    return path;
  }

  void Open() {
    auto gateway =
        EmbeddedGateway::FromConfigFile(FileOf(kHouseConfig), environment_);
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
  }
  void Start() {
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_TRUE(
        gateway_
            ->RegisterProvider("house", std::make_unique<HouseProvider>(&left_))
            .ok());
    const absl::Status started = gateway_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  static v1::GenerateRequest RequestOf(std::string_view model) {
    v1::GenerateRequest request;
    request.set_model(std::string(model));
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("hello");
    return request;
  }

  static EmbeddedGateway::CallOptions AsAda() {
    return {.metadata = {{"x-api-key", kAdasKey}}};
  }

  const Environment environment_ = {{"ADA", kAdasKey}};
  TemporaryFolder folder_;
  Event left_;
  std::unique_ptr<EmbeddedGateway> gateway_;
};

TEST_F(EmbeddedGatewayTest, AProviderOfTheProgramAnswers) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto response = gateway_->Generate(RequestOf("house-1"), AsAda());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->choices(0).message().parts(0).text(), "the house speaks");
  EXPECT_EQ(response->route().provider(), "house");
  const auto other = gateway_->Generate(RequestOf("gpt-x"), AsAda());
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->choices(0).message().parts(0).text(), "one two three");
  EXPECT_TRUE(gateway_->Stop().ok());
}

TEST_F(EmbeddedGatewayTest, AStreamComesToItsEndInTheCallersThread) {
  ASSERT_NO_FATAL_FAILURE(Start());
  std::string text;
  int ends = 0;
  const auto on_event = [&](const v1::GenerateEvent& event) {
    text += event.delta().text();
    if (event.has_end()) ++ends;
    return true;
  };
  const absl::Status status =
      gateway_->StreamGenerate(RequestOf("gpt-x"), on_event, AsAda());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(text, "one two three");
  EXPECT_EQ(ends, 1);
}

TEST_F(EmbeddedGatewayTest, WhoWantsNoMoreOfAStreamEndsIt) {
  ASSERT_NO_FATAL_FAILURE(Start());
  int seen = 0;
  const auto on_event = [&](const v1::GenerateEvent&) {
    ++seen;
    return false;
  };
  const absl::Status status =
      gateway_->StreamGenerate(RequestOf("gpt-x"), on_event, AsAda());
  EXPECT_EQ(seen, 1);
  // It may have come to its end before it heard.
  EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
}

TEST_F(EmbeddedGatewayTest, ATimeoutReachesTheProvider) {
  ASSERT_NO_FATAL_FAILURE(Start());
  EmbeddedGateway::CallOptions options = AsAda();
  options.timeout = absl::Milliseconds(50);
  const auto response = gateway_->Generate(RequestOf("house-waits"), options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
  EXPECT_TRUE(left_.Wait());
}

TEST_F(EmbeddedGatewayTest, CallersAreAskedForKeysAsByAPort) {
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(FaultReason(gateway_->Generate(RequestOf("gpt-x")).status()),
            v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(EmbeddedGatewayTest, AProviderThatIsNotConfiguredIsNotRegistered) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const absl::Status status = gateway_->RegisterProvider(
      "hose", std::make_unique<HouseProvider>(&left_));
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("'hose'"), HasSubstr("house, mock")));
}

TEST_F(EmbeddedGatewayTest, ProblemsOfTheFileAreTold) {
  const absl::Status status =
      EmbeddedGateway::FromConfigFile(FileOf("provider: []\n"), environment_)
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("gateway.yaml"), HasSubstr("provider")));
}

}  // namespace
}  // namespace gateway
