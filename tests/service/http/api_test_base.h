// ApiTest is the HTTP listener's handler before a scripted upstream, which
// serves `o-...` in OpenAI's words and `a-...` in Anthropic's; everything else
// is the mock's.
//
//   TEST_F(MyRoutesTest, AnswersInItsOwnWords) {
//     Script("a-1", R"({"text": "hi"})");
//     const RawAnswer answer = Ask("POST", "/v1/messages", Body("a-1"));
//
// All requests of a test go over one connection.
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_HTTP_API_TEST_BASE_H_
#define TESTS_SERVICE_HTTP_API_TEST_BASE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/http/api_router.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {

class ApiTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = MockUpstreamProcess::Start({});
    ASSERT_TRUE(started.ok()) << started.status();
    upstream_ = started->release();
  }
  static void TearDownTestSuite() {
    delete upstream_;
    upstream_ = nullptr;
  }

  void SetUp() override {
    ASSERT_TRUE(upstream_->Reset().ok());
    Open("");
  }

  // `more` is further text of the configuration.
  void Open(const std::string& more, const HttpServerLimits& limits = {}) {
    loop_.reset();
    loop_ = std::make_unique<RunningLoop>(
        MakeTestRuntime(absl::StrCat(Config(), more),
                        {{"ALICE", "alice-0123456789"}}, ports_),
        [](LoopServices& services) {
          return std::make_unique<ApiRouter>(services);
        },
        limits);
    client_ = RawClient::Connect(loop_->port());
  }

  void Script(std::string_view model, std::string_view json) {
    const absl::Status set = upstream_->SetScript(ToAbsl(model), ToAbsl(json));
    ASSERT_TRUE(set.ok()) << set;
  }

  // `fields` are lines that end in CRLF.
  RawAnswer Ask(std::string_view method, std::string_view target,
                std::string_view body = "", std::string_view fields = "") {
    Send(method, target, body, fields);
    return client_.ReceiveAnswer(method == "HEAD");
  }
  void Send(std::string_view method, std::string_view target,
            std::string_view body, std::string_view fields = "") {
    client_.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                              " HTTP/1.1\r\nhost: localhost\r\n",
                              ToAbsl(fields), "content-length: ",
                              body.size(), "\r\n\r\n",
                              ToAbsl(body)));
  }

  static MockUpstreamProcess* upstream_;
  bool strict_ = false;
  Ports ports_;
  // Lines of the two providers over HTTP, such as `, credential_...: true`.
  std::string provider_fields_;
  std::unique_ptr<RunningLoop> loop_;
  RawClient client_;

 private:
  std::string Config() const {
    const std::string root = absl::StrCat("http://", upstream_->address());
    return absl::StrCat(
        "providers:\n"
        "- name: openai\n"
        "  models: ['o-1', 'org/model']\n"
        "  model_aliases: {'o-alias': 'o-1'}\n"
        "  openai: {base_url: '",
        root, "/v1'}\n", provider_fields_,
        "- name: anthropic\n"
        "  models: ['a-1']\n"
        "  model_aliases: {'a-alias': 'a-1'}\n"
        "  anthropic: {base_url: '",
        root, "'}\n", provider_fields_,
        "- name: mock\n"
        "  mock: {}\n"
        "routing:\n"
        "  strict: ",
        strict_ ? "true" : "false",
        "\n"
        "  model_rules:\n"
        "  - {prefix: 'o-', targets: [openai]}\n"
        "  - {prefix: 'a-', targets: [anthropic]}\n"
        "  default_target: mock\n"
        "resilience: {retry: {attempts_limit: 1}}\n");
  }
};

inline MockUpstreamProcess* ApiTest::upstream_ = nullptr;

}  // namespace gateway

#endif  // TESTS_SERVICE_HTTP_API_TEST_BASE_H_
