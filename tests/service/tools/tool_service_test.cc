#include "service/tools/tool_service.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/os/thread.h"
#include "base/secret.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/tools.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ToolServiceConfig;
using ::llmgateway::v1::ExecuteToolRequest;
using ::llmgateway::v1::ExecuteToolResponse;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Tools at the paths of PathHandler.
constexpr char kToolsOfThePaths[] = R"(
  timeout { seconds: 20 }
  result_bytes_limit: 2000
  tools { name: "echo" description: "Says it again." path: "/echo" }
  tools {
    name: "checked"
    path: "/echo"
    parameters: '{"type":"object","properties":{"n":{"type":"integer"}},)"
                                    R"("required":["n"]}'
  }
  tools { name: "plain" path: "/words" }
  tools { name: "nothing" path: "/empty?204" }
  tools { name: "lost" path: "/empty?304" }
  tools { name: "large" path: "/large?4000" }
  tools { name: "wait" path: "/wait" })";

ToolServiceConfig ConfigOf(std::string_view text, std::string_view url) {
  ToolServiceConfig config;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(std::string(text), &config))
      << text;
  config.set_url(std::string(url));
  return config;
}

class ToolServiceTest : public testing::Test {
 protected:
  std::unique_ptr<const ToolService> Make(
      const ToolServiceConfig& config, const Secret& credential = Secret("")) {
    auto made = ToolService::Make(config, credential);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  ToolServiceConfig Config() const {
    return ConfigOf(kToolsOfThePaths,
                    absl::StrCat("http://127.0.0.1:", server_.port()));
  }

  absl::StatusOr<ExecuteToolResponse> Run(const ToolService& service,
                                          std::string_view name,
                                          std::string_view arguments) {
    ExecuteToolRequest request;
    request.set_name(std::string(name));
    request.set_arguments(std::string(arguments));
    return client_.Run([&]() -> Task<absl::StatusOr<ExecuteToolResponse>> {
      co_return co_await service.Run(request, client_.http(), cancel_);
    });
  }

  PathHandler handler_;
  TestHttpServer server_{handler_};
  LoopClient client_;
  CancelSignal cancel_;
};

TEST_F(ToolServiceTest, ArgumentsAndResultsGoAsTheyAre) {
  const auto service = Make(Config());
  ASSERT_EQ(service->tools().size(), 7U);
  EXPECT_EQ(service->tools()[0].declaration.description(), "Says it again.");
  const auto response =
      Run(*service, "echo", R"({"b":1.0, "a":[1e3],"u":"\u4f60"})");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->success());
  EXPECT_EQ(response->name(), "echo");
  EXPECT_EQ(response->result(), R"({"b":1.0, "a":[1e3],"u":"\u4f60"})");
  EXPECT_EQ(response->error(), "");
  EXPECT_EQ(Run(*service, "echo", "")->result(), "{}");
  EXPECT_EQ(Run(*service, "nothing", "{}")->result(), "null");
}

// A reload makes another service.
TEST_F(ToolServiceTest, AServiceThatIsGoneLeavesNothingInTheClient) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Run(*Make(Config()), "echo", "{}")->success());
    EXPECT_EQ(client_.http().destinations(), 1u);
  }
  EXPECT_FALSE(client_.http().CloseUnused());
  EXPECT_EQ(client_.http().destinations(), 0u);
}

TEST_F(ToolServiceTest, TheCredentialIsSent) {
  std::string head;
  {
    ScriptedServer service_of_tools([&](RawListener& listener) {
      RawClient client = listener.Accept();
      head = client.ReceiveUntil("{}");
      client.Send(
          "HTTP/1.1 200 OK\r\nconnection: close\r\n"
          "content-length: 4\r\n\r\ntrue");
      EXPECT_TRUE(client.AtEnd());
    });
    const auto service = Make(
        ConfigOf(
            R"(timeout { seconds: 20 } result_bytes_limit: 2000)"
            R"( tools { name: "a" path: "/v1/a" })",
            absl::StrCat("http://127.0.0.1:", service_of_tools.port(), "/in")),
        Secret("the-key"));
    EXPECT_EQ(Run(*service, "a", "{}")->result(), "true");
  }
  EXPECT_THAT(head, AllOf(HasSubstr("POST /in/v1/a HTTP/1.1\r\n"),
                          HasSubstr("authorization: Bearer the-key\r\n"),
                          HasSubstr("content-type: application/json\r\n")));
}

class ToldToolTest : public ToolServiceTest {
 protected:
  static constexpr std::string_view kKey = "the-key-of-the-tools";

  // What comes of a run that is answered so.
  ExecuteToolResponse Answered(std::string_view status, std::string_view body,
                               std::string_view key = kKey) {
    ScriptedServer service_of_tools([&](RawListener& listener) {
      RawClient client = listener.Accept();
      client.ReceiveUntil("{}");
      client.Send(absl::StrCat("HTTP/1.1 ", ToAbsl(status),
                               "\r\nconnection: close\r\ncontent-length: ",
                               body.size(), "\r\n\r\n", ToAbsl(body)));
      EXPECT_TRUE(client.AtEnd());
    });
    const auto service = Make(
        ConfigOf(R"(timeout { seconds: 20 } result_bytes_limit: 1000000)"
                 R"( tools { name: "a" path: "/a" })",
                 absl::StrCat("http://127.0.0.1:", service_of_tools.port())),
        Secret(key));
    auto response = Run(*service, "a", "{}");
    EXPECT_TRUE(response.ok()) << response.status();
    return *std::move(response);
  }
};

TEST_F(ToldToolTest, AnErrorThatEchoesTheCredentialIsToldWithoutIt) {
  EXPECT_EQ(Answered("500 No", "authorization: Bearer the-key-of-the-tools!")
                .error(),
            "the tool service answered 500: authorization: Bearer "
            "********************!");
  // Nor a beginning of it, where what is told is cut.
  const std::string words(1020, ' ');
  EXPECT_THAT(Answered("500 No", words + std::string(kKey)).error(),
              EndsWith(" ****"));
}

TEST_F(ToldToolTest, AResultThatEchoesTheCredentialIsPassedOnWithoutIt) {
  EXPECT_EQ(Answered("200 OK", R"({"a":"Bearer the-key-of-the-tools"})")
                .result(),
            R"({"a":"Bearer ********************"})");
  const std::string large(300'000, ' ');
  EXPECT_EQ(Answered("200 OK", absl::StrCat("[\"the-key-of-the-tools\"]",
                                            large))
                .result(),
            absl::StrCat("[\"********************\"]", large));
  // As PHP's and .NET's JSON have it.
  EXPECT_EQ(Answered("200 OK", R"({"a":"key\u002Bof\/the-tools+="})",
                     "key+of/the-tools+=")
                .result(),
            R"({"a":"************************"})");
  // A short one may be a word of any result.
  EXPECT_EQ(Answered("200 OK", R"({"keywords":[]})", "key").result(),
            R"({"keywords":[]})");
}

TEST_F(ToldToolTest, AnErrorThatIsNoUtf8IsToldAsFarAsItIs) {
  EXPECT_EQ(Answered("502 No", "Dienst nicht verf\xfcgbar \xe2\x82\xac")
                .error(),
            "the tool service answered 502: Dienst nicht verf?gbar "
            "\xe2\x82\xac");
}

TEST_F(ToldToolTest, AResultForWhichThereIsNoRoomIsTheGatewaysOwnFault) {
  client_.loop().answer_bytes().SetLimit(200'000);
  const std::string body(150'000, ' ');
  ScriptedServer service_of_tools([&](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("{}");
    client.Send(absl::StrCat("HTTP/1.1 200 OK\r\ncontent-length: ",
                             body.size(), "\r\n\r\n", body));
    client.ReceiveAll();
  });
  const auto service = Make(
      ConfigOf(R"(timeout { seconds: 20 } result_bytes_limit: 1000000)"
               R"( tools { name: "a" path: "/a" })",
               absl::StrCat("http://127.0.0.1:", service_of_tools.port())));
  const absl::Status refused = Run(*service, "a", "{}").status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(refused.message(),
              HasSubstr("runtime.answer_buffer_bytes_limit"));
  EXPECT_TRUE(RetryDelay(refused).has_value());
}

TEST_F(ToolServiceTest, ANameThatThereIsNotNamesThoseThatThereAre) {
  const absl::Status status = Run(*Make(Config()), "ecko", "{}").status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("'ecko'"), HasSubstr("echo, checked")));
}

TEST_F(ToolServiceTest, ARequestWithoutANameIsWrong) {
  const absl::Status status = Run(*Make(Config()), "", "{}").status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("name"));
}

TEST_F(ToolServiceTest, ArgumentsThatBreakTheSchemaAreRefused) {
  const auto service = Make(Config());
  for (const std::string_view bad : {"[]", "1", "{", "{} {}", "null"}) {
    const absl::Status status = Run(*service, "echo", bad).status();
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << bad;
    EXPECT_THAT(status.message(), HasSubstr("arguments")) << bad;
  }
  const absl::Status broken =
      Run(*service, "checked", R"({"n":"one"})").status();
  EXPECT_EQ(FaultReason(broken), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(broken.message(), HasSubstr("n"));
  EXPECT_TRUE(Run(*service, "checked", R"({"n":1})")->success());
}

TEST_F(ToolServiceTest, WhatTheServiceDoesWrongIsToldNotThrown) {
  const auto service = Make(Config());
  EXPECT_THAT(Run(*service, "plain", "{}")->error(), HasSubstr("no JSON"));
  EXPECT_THAT(Run(*service, "lost", "{}")->error(), HasSubstr("304"));
  EXPECT_THAT(Run(*service, "large", "{}")->error(),
              HasSubstr("tools.result_bytes_limit"));
  for (const char* name : {"plain", "lost", "large"}) {
    const auto response = Run(*service, name, "{}");
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_FALSE(response->success());
    EXPECT_THAT(response->result(), IsEmpty());
  }
}

TEST_F(ToolServiceTest, AServiceThatIsAwayOrLateIsTold) {
  ToolServiceConfig config = Config();
  config.mutable_timeout()->set_seconds(0);
  config.mutable_timeout()->set_nanos(100'000'000);
  EXPECT_THAT(Run(*Make(config), "wait", "{}")->error(),
              HasSubstr("tools.timeout"));
  config.set_url("http://127.0.0.1:1");
  EXPECT_THAT(Run(*Make(config), "echo", "{}")->error(),
              HasSubstr("cannot be reached"));
}

TEST_F(ToolServiceTest, ALargeResultIsCheckedOffTheLoop) {
  ToolServiceConfig config = Config();
  config.set_result_bytes_limit(1'000'000);
  config.mutable_tools(5)->set_path("/large?200000");
  const auto service = Make(config);
  ExecuteToolRequest request;
  request.set_name("large");
  WorkerPool pool(/*threads_each=*/1);
  WorkerPool::SetCurrent(&pool);
  Event release;
  int under_way = 3;
  bool answered = false;
  bool waited = false;
  const auto hold = [&](size_t bytes) -> Task<void> {
    EXPECT_TRUE(co_await OffLoop(bytes, [&] { return release.Wait(); }));
    --under_way;
  };
  const auto watch = [&]() -> Task<void> {
    while (pool.waiting() == 0 && !answered) co_await YieldToLoop();
    waited = !answered;
    release.Set();
    --under_way;
  };
  const auto response =
      client_.Run([&]() -> Task<absl::StatusOr<ExecuteToolResponse>> {
        // All threads are busy until it waits for one.
        Spawn(hold(WorkerPool::kModestBytesMax + 1));
        Spawn(hold(kInPlaceBytesMax + 1));
        while (pool.waiting() > 0) co_await YieldToLoop();
        Spawn(watch());
        auto ran = co_await service->Run(request, client_.http(), cancel_);
        answered = true;
        while (under_way > 0) co_await YieldToLoop();
        co_return ran;
      });
  WorkerPool::SetCurrent(nullptr);
  EXPECT_TRUE(waited);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->error(), HasSubstr("no JSON"));
}

TEST_F(ToolServiceTest, WhoLeavesEndsTheRun) {
  const auto service = Make(Config());
  ExecuteToolRequest request;
  request.set_name("wait");
  Thread leaver("leaver", [&] {
    EXPECT_TRUE(handler_.waiting.Wait());
    client_.loop().Post([&] { cancel_.Cancel(absl::CancelledError("left")); });
  });
  const auto response =
      client_.Run([&]() -> Task<absl::StatusOr<ExecuteToolResponse>> {
        co_return co_await service->Run(request, client_.http(), cancel_);
      });
  EXPECT_EQ(response.status(), absl::CancelledError("left"));
  EXPECT_TRUE(handler_.gone.Wait());
}

TEST_F(ToolServiceTest, ASchemaOrUrlThatDoesNotDoIsRefused) {
  ToolServiceConfig config = Config();
  config.mutable_tools(0)->set_parameters("{");
  EXPECT_FALSE(ToolService::Make(config, Secret("")).ok());
  EXPECT_FALSE(
      ToolService::Make(ConfigOf(kToolsOfThePaths, "ftp://a"), Secret(""))
          .ok());
}

TEST_F(ToolServiceTest, WithoutToolsTheOperatorIsToldWhatToAdd) {
  EXPECT_EQ(FaultReason(NoTools()), v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_THAT(NoTools().message(), HasSubstr("`tools`"));
}

}  // namespace
}  // namespace gateway
