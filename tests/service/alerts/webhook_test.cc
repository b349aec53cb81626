#include "service/alerts/webhook.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/alerts/hook_server.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const AlertEvent kEvent = {.id = "0123",
                           .alert = "high_error_rate",
                           .condition = "error_rate > 5%",
                           .action = "page",
                           .subject = "a/\"m\"",
                           .firing = true,
                           .time = absl::FromUnixMillis(1767323045678),
                           .value = 7.5};
constexpr std::string_view kBody =
    R"({"id":"0123","alert":"high_error_rate","state":"firing",)"
    R"("condition":"error_rate > 5%","value":7.5,"subject":"a/\"m\"",)"
    R"("time":"2026-01-02T03:04:05.678Z","text":"high_error_rate fires for )"
    R"(a/\"m\": error_rate > 5%, it is 7.5"})";

class WebhookTest : public testing::Test {
 protected:
  absl::Status Post(const AlertAction& action) {
    return client_.Run([&] {
      return PostWebhook(client_.http(), nullptr, action, kEvent, cancel_);
    });
  }

  CancelSignal cancel_;
  LoopClient client_;
  HookServer hook_;
  const TestHttpServer server_{hook_};
  const Secret url_{
      absl::StrCat("http://127.0.0.1:", server_.port(), "/hooks/gateway/")};
};

TEST_F(WebhookTest, TheBodyIsOneObject) {
  EXPECT_EQ(WebhookBody(kEvent), kBody);
  AlertEvent resolved = kEvent;
  resolved.firing = false;
  EXPECT_THAT(WebhookBody(resolved), HasSubstr("\"state\":\"resolved\""));
}

// RFC 4231, 4.3.
TEST_F(WebhookTest, TheSignatureIsAnHmacOfTheBody) {
  EXPECT_EQ(WebhookSignature("Jefe", "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c7"
            "5a003f089d2739839dec58b964ec3843");
}

TEST_F(WebhookTest, ItIsSentWithItsHeadersAndSignature) {
  AlertAction action = {.kind = AlertAction::Kind::kWebhook,
                        .url = url_,
                        .signing_key = Secret("a-key")};
  action.headers.emplace_back("x-team", Secret("search"));
  EXPECT_TRUE(Post(action).ok());
  EXPECT_THAT(hook_.asked(),
              ElementsAre(absl::StrCat(
                  "POST /hooks/gateway/ application/json search ",
                  WebhookSignature("a-key", kBody), " ", std::string(kBody))));
}

TEST_F(WebhookTest, WithoutAKeyThereIsNoSignature) {
  EXPECT_TRUE(Post({.kind = AlertAction::Kind::kWebhook, .url = url_}).ok());
  EXPECT_THAT(hook_.asked(), ElementsAre(HasSubstr("application/json   {")));
}

TEST_F(WebhookTest, OnlyAnAnswerOf2xxSaysThatItWasTaken) {
  for (const int status : {200, 202, 204}) {
    hook_.Answer({status});
    EXPECT_TRUE(Post({.kind = AlertAction::Kind::kWebhook, .url = url_}).ok());
  }
  for (const int status : {302, 400, 404, 429, 500}) {
    hook_.Answer({status});
    const absl::Status sent =
        Post({.kind = AlertAction::Kind::kWebhook, .url = url_});
    EXPECT_THAT(std::string(sent.message()),
                HasSubstr(absl::StrCat("it answered ", status)));
  }
}

TEST_F(WebhookTest, NothingPilesUpInTheClient) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(Post({.kind = AlertAction::Kind::kWebhook, .url = url_}).ok());
    EXPECT_EQ(client_.http().destinations(), 1u);
  }
}

TEST_F(WebhookTest, ItMustBeHttpsButOnThisMachine) {
  for (const char* good :
       {"https://hooks.example/a", "https://hooks.example",
        "http://127.0.0.1:9093/hook", "http://localhost/", "http://[::1]:1/"}) {
    EXPECT_TRUE(CheckWebhookUrl(good).ok()) << good;
  }
  for (const char* bad : {"", "hooks.example", "http://hooks.example/a",
                          "ftp://127.0.0.1/", "https://a:b@hooks.example/"}) {
    EXPECT_EQ(CheckWebhookUrl(bad).code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(WebhookBackoffTest, ItGrowsToAMinute) {
  EXPECT_EQ(WebhookBackoff(1), absl::Seconds(1));
  EXPECT_EQ(WebhookBackoff(2), absl::Seconds(2));
  EXPECT_EQ(WebhookBackoff(6), absl::Seconds(32));
  EXPECT_EQ(WebhookBackoff(7), absl::Seconds(60));
  EXPECT_EQ(WebhookBackoff(1000), absl::Seconds(60));
}

}  // namespace
}  // namespace gateway
