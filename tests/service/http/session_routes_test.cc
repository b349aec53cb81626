#include "service/http/session_routes.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SessionRoutesTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ports_.sessions = &sessions_;
    Open("sessions: {}\n");
  }
  void TearDown() override { loop_.reset(); }

  std::string NewId() {
    const std::string body = Ask("POST", "/v1/sessions", "{}").body;
    return body.substr(body.find(R"("id":")") + 6, 36);
  }

  MemoryRecordStore records_{{}, SystemClock()};
  FakeRandom random_{9};
  SessionStore sessions_{records_, SystemClock(), random_};
};

TEST_F(SessionRoutesTest, ASessionIsOpenedShownAndDeleted) {
  const RawAnswer made = Ask("POST", "/v1/sessions", R"({"context":{"a":1}})");
  EXPECT_EQ(made.status, 201);
  EXPECT_THAT(made.body, AllOf(HasSubstr(R"("messages":[])"),
                               HasSubstr(R"("context":{"a":1})")));
  const std::string path = absl::StrCat("/v1/sessions/", NewId());
  EXPECT_EQ(Ask("GET", path).status, 200);
  const RawAnswer deleted = Ask("DELETE", path);
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(Ask("GET", path).status, 404);
  EXPECT_EQ(Ask("DELETE", path).status, 404);
  EXPECT_EQ(Ask("GET", "/v1/sessions/a/b").status, 404);
  EXPECT_EQ(Ask("GET", "/v1/sessions").status, 405);
}

TEST_F(SessionRoutesTest, AConversationGoesOnWithOneThatTheBodyNames) {
  const std::string id = NewId();
  Script("o-1", R"({"text": "first answer"})");
  for (const char* text : {"one", "two"}) {
    EXPECT_EQ(Ask("POST", "/v1/chat/completions",
                  absl::StrCat(R"({"model":"o-1","session_id":")", id,
                               R"(","messages":[{"role":"user","content":")",
                               text, R"("}]})"))
                  .status,
              200);
  }
  EXPECT_THAT(Ask("GET", absl::StrCat("/v1/sessions/", id)).body,
              AllOf(HasSubstr(R"([{"role":"user","content":"one"},)"
                              R"({"role":"assistant",)"
                              R"("content":"first answer")"),
                    HasSubstr(R"({"role":"user","content":"two"},)")));
}

TEST_F(SessionRoutesTest, ToOpenOneTakesARequestOfTheLimits) {
  Open(
      "sessions: {}\n"
      "rate_limits:\n"
      "- {name: rph, unit: requests, limit: 1, window: 1h, per: [peer],\n"
      "   match: {apis: [openai]}}\n");
  EXPECT_EQ(Ask("POST", "/v1/sessions", R"({"ttl_seconds": 1})").status, 400);
  EXPECT_EQ(Ask("POST", "/v1/sessions", "{}").status, 201);
  const RawAnswer refused = Ask("POST", "/v1/sessions", "{}");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, HasSubstr("rate_limit_exceeded"));
  EXPECT_THAT(refused.head, HasSubstr("retry-after: "));
}

TEST_F(SessionRoutesTest, WithoutSessionsItIsSaidThatThereAreNone) {
  Open("");
  const RawAnswer refused = Ask("POST", "/v1/sessions", "{}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("not_configured"));
}

}  // namespace
}  // namespace gateway
