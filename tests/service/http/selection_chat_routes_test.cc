#include "service/http/selection_chat_routes.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/http/api_router.h"
#include "service/observability/call_record.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kAsked[] = R"({"messages":[{"role":"user","content":"hi"}]})";

constexpr char kMock[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kPolicies[] =
    "routing:\n"
    "  default_target: mock/plain\n"
    "  agent_rules: [{agent_type: reviewer, targets: [mock/review]}]\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: quick, target: mock/q, capabilities: [streaming, vision],\n"
    "       cost_tier: low}\n"
    "    - {id: deep, target: mock/d, capabilities: [streaming, reasoning],\n"
    "       cost_tier: high}\n";
constexpr char kDefaultAlone[] = "routing: {default_target: mock/plain}\n";
constexpr char kAliceAlone[] =
    "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n";

class SelectionChatRoutesTest : public testing::Test {
 protected:
  SelectionChatRoutesTest() { Open(kPolicies); }

  void Open(std::string_view more) {
    loop_.reset();
    loop_ = std::make_unique<RunningLoop>(
        MakeTestRuntime(absl::StrCat(kMock, ToAbsl(more)),
                        {{"ALICE", "alice-0123456789"}}),
        [](LoopServices& services) {
          return std::make_unique<gateway::ApiRouter>(services);
        });
    client_ = RawClient::Connect(loop_->port());
  }

  RawAnswer Ask(std::string_view method, std::string_view target,
                std::string_view body = "", std::string_view fields = "") {
    client_.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                              " HTTP/1.1\r\nhost: localhost\r\n",
                              ToAbsl(fields), "content-length: ", body.size(),
                              "\r\n\r\n", ToAbsl(body)));
    return client_.ReceiveAnswer(false);
  }
  RawAnswer Post(std::string_view target, std::string_view body = kAsked,
                 std::string_view fields = "") {
    return Ask("POST", target, body, fields);
  }

  std::unique_ptr<RunningLoop> loop_;
  RawClient client_;
};

TEST_F(SelectionChatRoutesTest, AWholeAnswerIsRecordedAsACall) {
  const RawAnswer answer =
      Post("/api/chat/complete", kAsked, "x-trace-id: mine\r\n");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(
      answer.body,
      StartsWith(R"({"content":"This is the mock provider speaking.")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("trace_id":"mine")"));
  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.operation, "POST /api/chat/complete");
  EXPECT_EQ(record.request_id, "mine");
  EXPECT_EQ(record.provider, "mock");
  EXPECT_EQ(record.route_reason, "selection:balanced");
  EXPECT_FALSE(record.stream);
}

TEST_F(SelectionChatRoutesTest, WithoutPoliciesTheDefaultAnswers) {
  Open(kDefaultAlone);
  for (const char* body :
       {kAsked,
        R"({"messages":[{"role":"user","content":"hi"}],"node_name":"n"})"}) {
    EXPECT_EQ(Post("/api/chat/complete", body).status, 200);
    EXPECT_EQ(loop_->NextRecord()->record().route_reason, "default");
  }
  const RawAnswer lacking = Post(
      "/api/chat/complete", R"({"messages":[{"role":"user","content":"hi"}],)"
                            R"("capabilities":["vision"]})");
  EXPECT_EQ(lacking.status, 400);
  EXPECT_THAT(lacking.body, HasSubstr("CAPABILITY_UNSUPPORTED"));
}

TEST_F(SelectionChatRoutesTest, AStreamBeginsWithMetadataAndEndsWithDone) {
  for (const auto& [path, body] :
       {std::pair<std::string_view, std::string>{"/api/chat/stream", kAsked},
        {"/api/chat/send", R"({"messages":"hi","stream":true})"}}) {
    const RawAnswer answer = Post(path, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(answer.complete);
    EXPECT_THAT(answer.body, StartsWith("event: metadata\ndata: {"));
    EXPECT_THAT(answer.body, HasSubstr("event: content\ndata: {"));
    EXPECT_THAT(answer.body, HasSubstr("event: done\ndata: {"));
    EXPECT_THAT(answer.body, EndsWith("}\n\n"));
    EXPECT_TRUE(loop_->NextRecord()->record().stream);
  }
}

TEST_F(SelectionChatRoutesTest, ARequestThatCannotBeReadAsksNobody) {
  for (const std::string_view path :
       {"/api/chat/complete", "/api/chat/stream", "/api/chat/send"}) {
    const RawAnswer answer = Post(path, R"({"messages":7})");
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_THAT(answer.body, HasSubstr(R"("loc":["body","messages"])"));
    const auto kept = loop_->NextRecord();
    EXPECT_EQ(kept->record().provider, "");
    EXPECT_FALSE(kept->record().stream);
  }
}

TEST_F(SelectionChatRoutesTest, WhoeverIsNotKnownIsToldSoInTheSameForm) {
  Open(absl::StrCat(kDefaultAlone, kAliceAlone));
  const RawAnswer refused =
      Post("/api/chat/complete", "{", "trace-id: mine\r\n");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.body, AllOf(StartsWith(R"({"detail":")"),
                                  HasSubstr(R"("trace_id":"mine")")));
  client_ = RawClient::Connect(loop_->port());
  EXPECT_EQ(
      Post("/api/chat/complete", kAsked, "x-api-key: alice-0123456789\r\n")
          .status,
      200);
}

TEST_F(SelectionChatRoutesTest, PathsThatThereAreNotAreToldInTheSameForm) {
  const RawAnswer missing = Post("/api/chat/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, AllOf(StartsWith(R"({"detail":"there is no POST)"),
                                  HasSubstr("POST /api/chat/complete"),
                                  Not(HasSubstr("/v1/"))));
}

}  // namespace
}  // namespace gateway
