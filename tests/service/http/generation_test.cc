#include "service/http/generation.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"
#include "service/observability/call_record.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Operation kOperation = {"POST /test", "POST", "/test"};

// An API whose paths say what a body may not: `/stream`, `/refuse`, `/count`.
class TestApi final : public HttpHandler {
 public:
  explicit TestApi(LoopServices& services) : services_(services) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    RequestContext context(services_, api_, request, responder);
    GenerationOptions options;
    options.operation = kOperation;
    options.model = "mock-model";
    options.stream = request.path == "/stream";
    if (request.path == "/refuse") {
      options.api_error = InvalidField("path", "is refused");
    }
    if (request.path == "/count") {
      return CountTokens(std::move(context), std::move(options));
    }
    return Generate(std::move(context), std::move(options));
  }

 private:
  LoopServices& services_;
  const AnthropicMessages dialect_;
  const HttpApi api_ = {.dialect = &dialect_};
};

class GenerationTest : public testing::Test {
 protected:
  RawAnswer Post(const std::string& path) {
    const std::string body =
        R"({"model":"body-model","max_tokens":5,"messages":)"
        R"([{"role":"user","content":"hi"}]})";
    client_.Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nhost: localhost\r\n",
                              "content-length: ", body.size(), "\r\n\r\n",
                              body));
    return client_.ReceiveAnswer();
  }

  RunningLoop loop_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                                    "routing: {default_target: mock}\n"),
                    [](LoopServices& services) {
                      return std::make_unique<TestApi>(services);
                    }};
  RawClient client_ = RawClient::Connect(loop_.port());
};

TEST_F(GenerationTest, ThePathNamesTheModelAndWhetherToStream) {
  const RawAnswer whole = Post("/whole");
  EXPECT_EQ(whole.status, 200);
  EXPECT_THAT(whole.body, HasSubstr(R"("type":"message")"));
  auto kept = loop_.NextRecord();
  EXPECT_EQ(kept->record().operation, "POST /test");
  EXPECT_EQ(kept->record().path, "/whole");
  EXPECT_EQ(kept->record().model_asked, "mock-model");
  EXPECT_FALSE(kept->record().stream);

  const RawAnswer stream = Post("/stream");
  EXPECT_THAT(stream.body, StartsWith("event: message_start\n"));
  EXPECT_THAT(stream.body, EndsWith("\"message_stop\"}\n\n"));
  kept = loop_.NextRecord();
  EXPECT_TRUE(kept->record().stream);
}

TEST_F(GenerationTest, WhatTheApiFoundWrongIsRefusedAndRecorded) {
  const RawAnswer answer = Post("/refuse");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("is refused"));
  EXPECT_EQ(loop_.NextRecord()->record().error_reason,
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(GenerationTest, CountsAreToldAndRecorded) {
  const RawAnswer answer = Post("/count");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith(R"({"input_tokens":)"));
  const auto kept = loop_.NextRecord();
  EXPECT_EQ(kept->record().model_asked, "mock-model");
  EXPECT_EQ(kept->record().http_status, 200);
  EXPECT_EQ(kept->record().response_bytes,
            static_cast<int64_t>(answer.body.size()));
}

}  // namespace
}  // namespace gateway
