#include "service/http/selection_preview.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/http/api_router.h"
#include "service/pipeline/loop_services.h"
#include "service/routing/selection/model_capability.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTwoPolicies[] =
    "providers: [{name: mock, mock: {}}]\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: quick, target: mock/q, capabilities: [streaming, vision],\n"
    "       cost_tier: low}\n"
    "    - {id: deep, target: mock/d, capabilities: [strict_schema],\n"
    "       cost_tier: high}\n";

class SelectionPreviewTest : public testing::Test {
 protected:
  SelectionPreviewTest()
      : loop_(MakeTestRuntime(kTwoPolicies),
              [](LoopServices& services) {
                return std::make_unique<gateway::ApiRouter>(services);
              }),
        client_(RawClient::Connect(loop_.port())) {}

  RawAnswer Ask(std::string_view method, std::string_view target,
                std::string_view body = "") {
    client_.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                              " HTTP/1.1\r\nhost: localhost\r\n"
                              "content-length: ",
                              body.size(), "\r\n\r\n", ToAbsl(body)));
    return client_.ReceiveAnswer(false);
  }

  RunningLoop loop_;
  RawClient client_;
};

TEST_F(SelectionPreviewTest, AChoiceIsToldWithWhatItsModelCanDo) {
  const RawAnswer answer =
      Ask("POST", "/api/chat/select-model?strategy=cost_optimized");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body,
              StartsWith(R"({"selected_model":"quick","provider":"mock",)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("confidence_score":0.8)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("alternatives":["deep"])"));
  EXPECT_THAT(answer.body, HasSubstr(R"("vision":true,"reasoning":false)"));
}

TEST_F(SelectionPreviewTest, WhatACapabilityImpliesIsOneOfTheModels) {
  const RawAnswer answer =
      Ask("POST", "/api/chat/select-model", R"(["json_mode"])");
  EXPECT_THAT(answer.body, StartsWith(R"({"selected_model":"deep")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("json_mode":true)"));
  EXPECT_THAT(Ask("GET", "/api/chat/capabilities").body,
              HasSubstr(R"("name":"json_mode","description":"Answers in JSON",)"
                        R"("category":"formatting","models":["deep"])"));
}

TEST_F(SelectionPreviewTest, EveryCapabilityIsListed) {
  const std::string listed = Ask("GET", "/api/chat/capabilities").body;
  for (const std::string_view name : CapabilityNames(~CapabilitySet{0})) {
    EXPECT_THAT(listed,
                HasSubstr(absl::StrCat(R"({"name":")", ToAbsl(name), "\"")));
  }
}

TEST_F(SelectionPreviewTest, WhatCannotBeReadIsRefusedByName) {
  const RawAnswer answer =
      Ask("POST", "/api/chat/select-model", R"({"strategy":"best"})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr(R"("loc":["body","strategy"])"));
}

}  // namespace
}  // namespace gateway
