#include "service/http/cors.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/server.pb.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CorsConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Streams, fails, says nothing at all or answers whole, by the path.
class HandlerByPath final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    ++calls;
    const HttpField fields[] = {{"content-type", "text/plain"},
                                {"x-request-id", "r-1"}};
    if (request.path == "/nothing") co_return;
    if (request.path == "/stream") {
      responder.Start({200, fields});
      for (const std::string_view piece : {"one", " two"}) {
        const std::string_view pieces[] = {piece};
        (co_await responder.Write(pieces)).IgnoreError();
      }
      (co_await responder.Finish()).IgnoreError();
      co_return;
    }
    const int status = request.path == "/fail" ? 404 : 200;
    const std::string_view body[] = {request.method};
    (co_await responder.Send({status, fields}, body)).IgnoreError();
  }

  Refusal Refuse(int status, std::string_view path, std::string_view) override {
    return {"text/x-refusal", absl::StrCat(status, " ", ToAbsl(path))};
  }

  int calls = 0;
};

CorsConfig Config() {
  CorsConfig config;
  config.add_allowed_origins("https://app.example");
  config.add_allowed_origins("http://localhost:3000");
  config.add_allowed_headers("*");
  config.add_exposed_headers("x-request-id");
  config.add_exposed_headers("retry-after");
  config.mutable_max_age()->set_seconds(600);
  return config;
}

CorsConfig AnyOrigin() {
  CorsConfig config = Config();
  config.clear_allowed_origins();
  config.add_allowed_origins("*");
  return config;
}

class Served {
 public:
  explicit Served(const CorsConfig& config)
      : Served(config, new HandlerByPath) {}

  RawAnswer Send(std::string_view bytes) {
    RawClient client = RawClient::Connect(server_.port());
    client.Send(bytes);
    return client.ReceiveAnswer();
  }

  // A request with fields, each as a line.
  RawAnswer Ask(std::string_view target, std::string_view fields = "") {
    return Send(absl::StrCat(ToAbsl(target), " HTTP/1.1\r\nhost: localhost\r\n",
                             ToAbsl(fields), "\r\n"));
  }

  RawAnswer Preflight(std::string_view origin, std::string_view fields = "") {
    return Ask("OPTIONS /v1/chat/completions",
               absl::StrCat("origin: ", ToAbsl(origin),
                            "\r\naccess-control-request-method: POST\r\n",
                            ToAbsl(fields)));
  }

  HandlerByPath& inner() { return inner_; }

 private:
  // The handler owns the one behind it.
  Served(const CorsConfig& config, HandlerByPath* inner)
      : inner_(*inner),
        handler_(std::make_shared<const CorsRules>(config),
                 std::unique_ptr<HttpHandler>(inner)),
        server_(handler_, {.body_bytes = 10}) {}

  HandlerByPath& inner_;
  CorsHandler handler_;
  TestHttpServer server_;
};

// The lines of an answer's head that tell a browser what a page may do.
std::vector<std::string> CorsLines(const RawAnswer& answer) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(answer.head, "\r\n")) {
    if (absl::StrContains(line, "access-control") ||
        absl::StrContains(line, "vary")) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

TEST(CorsTest, APageOfAnAllowedOriginMayReadTheAnswer) {
  Served served(Config());
  const RawAnswer answer =
      served.Ask("GET /", "origin: https://app.example\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET");
  EXPECT_EQ(answer.Find("x-request-id"), "r-1");
  EXPECT_THAT(
      CorsLines(answer),
      ElementsAre("vary: Origin",
                  "access-control-allow-origin: https://app.example",
                  "access-control-expose-headers: x-request-id, retry-after"));
}

TEST(CorsTest, AnotherOriginAndNoneAreServedWithoutSayingSo) {
  Served served(Config());
  for (const std::string_view origin :
       {"origin: https://evil.example\r\n", "origin: http://app.example\r\n",
        "origin: https://app.example.evil\r\n", "origin: null\r\n", ""}) {
    const RawAnswer answer = served.Ask("GET /", origin);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(CorsLines(answer), ElementsAre("vary: Origin")) << origin;
  }
}

TEST(CorsTest, ErrorsAreForThePageToReadToo) {
  Served served(Config());
  const RawAnswer answer =
      served.Ask("GET /fail", "origin: http://localhost:3000\r\n");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.Find("access-control-allow-origin"),
            "http://localhost:3000");
}

TEST(CorsTest, SoAreStreams) {
  Served served(Config());
  const RawAnswer answer =
      served.Ask("GET /stream", "origin: https://app.example\r\n");
  EXPECT_EQ(answer.body, "one two");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.Find("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(answer.Find("x-request-id"), "r-1");
}

TEST(CorsTest, SoIsWhatTheServerRefusesByItself) {
  Served served(Config());
  const std::string origin = "origin: https://app.example\r\n";
  const RawAnswer large =
      served.Ask("POST /v1", origin + "content-length: 11\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "413 /v1");
  EXPECT_EQ(large.Find("content-type"), "text/x-refusal");
  EXPECT_EQ(large.Find("access-control-allow-origin"), "https://app.example");
  const RawAnswer nothing = served.Ask("GET /nothing", origin);
  EXPECT_EQ(nothing.status, 500);
  EXPECT_EQ(nothing.Find("access-control-allow-origin"), "https://app.example");
  // Whose head makes no sense has no origin that could be known.
  const RawAnswer malformed = served.Send(
      "GET / HTTP/1.1\r\norigin: https://app.example\r\nno colon\r\n\r\n");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_THAT(CorsLines(malformed), ElementsAre("vary: Origin"));
}

TEST(CorsTest, APreflightIsAnsweredBeforeTheApiAsksForAKey) {
  Served served(Config());
  const RawAnswer answer = served.Preflight(
      "https://app.example",
      "access-control-request-headers: authorization,content-type\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_THAT(
      CorsLines(answer),
      UnorderedElementsAre(
          "access-control-allow-origin: https://app.example", "vary: Origin",
          "vary: Access-Control-Request-Headers",
          "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE",
          "access-control-allow-headers: authorization,content-type",
          "access-control-max-age: 600"));
  EXPECT_EQ(served.inner().calls, 0);
}

TEST(CorsTest, APreflightOfAnotherOriginIsRefusedAndSaysWhy) {
  Served served(Config());
  const RawAnswer answer = served.Preflight("https://evil.example");
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(answer.body, HasSubstr("cors.allowed_origins"));
  EXPECT_EQ(answer.Find("access-control-allow-origin"), "");
  EXPECT_EQ(answer.Find("access-control-allow-methods"), "");
  EXPECT_EQ(answer.Find("access-control-allow-headers"), "");
  EXPECT_EQ(served.inner().calls, 0);
}

TEST(CorsTest, OtherOptionsRequestsAreTheApis) {
  Served served(Config());
  EXPECT_EQ(served.Ask("OPTIONS /").body, "OPTIONS");
  EXPECT_EQ(served.Ask("OPTIONS /", "origin: https://app.example\r\n").body,
            "OPTIONS");
  EXPECT_EQ(
      served.Ask("OPTIONS /", "access-control-request-method: PUT\r\n").body,
      "OPTIONS");
  EXPECT_EQ(served
                .Ask("GET /",
                     "origin: https://app.example\r\n"
                     "access-control-request-method: PUT\r\n")
                .body,
            "GET");
}

TEST(CorsTest, HeadersCanBeListed) {
  CorsConfig config = Config();
  config.clear_allowed_headers();
  config.add_allowed_headers("authorization");
  config.add_allowed_headers("x-api-key");
  Served served(config);
  const RawAnswer answer = served.Preflight(
      "https://app.example", "access-control-request-headers: x-other\r\n");
  EXPECT_EQ(answer.Find("access-control-allow-headers"),
            "authorization, x-api-key");
  EXPECT_EQ(answer.Find("vary"), "Origin");
}

TEST(CorsTest, APreflightThatAsksForNoHeadersIsToldOfNone) {
  Served served(Config());
  EXPECT_EQ(served.Preflight("https://app.example")
                .Find("access-control-allow-headers"),
            "");
}

TEST(CorsTest, AStarIsForEveryOriginAndForCaches) {
  Served served(AnyOrigin());
  const RawAnswer answer =
      served.Ask("GET /", "origin: https://anybody.example\r\n");
  EXPECT_EQ(answer.Find("access-control-allow-origin"), "*");
  EXPECT_EQ(answer.Find("vary"), "");
  EXPECT_THAT(CorsLines(served.Ask("GET /")), IsEmpty());
  const RawAnswer preflight = served.Preflight("https://anybody.example");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Find("access-control-allow-origin"), "*");
}

TEST(CorsTest, CredentialsAreForListedOriginsAndNeverForAll) {
  CorsConfig config = Config();
  config.set_allow_credentials(true);
  Served served(config);
  const std::string origin = "origin: https://app.example\r\n";
  EXPECT_EQ(
      served.Ask("GET /", origin).Find("access-control-allow-credentials"),
      "true");
  EXPECT_EQ(served.Preflight("https://app.example")
                .Find("access-control-allow-credentials"),
            "true");
  EXPECT_EQ(served.Ask("GET /", "origin: https://evil.example\r\n")
                .Find("access-control-allow-credentials"),
            "");
  config.add_allowed_origins("*");
  Served any(config);
  EXPECT_EQ(any.Ask("GET /", origin).Find("access-control-allow-origin"), "*");
  EXPECT_EQ(any.Ask("GET /", origin).Find("access-control-allow-credentials"),
            "");
}

TEST(CorsTest, OriginsAreComparedAsBrowsersWriteThem) {
  CorsConfig config = Config();
  config.clear_allowed_origins();
  config.add_allowed_origins("HTTPS://App.Example:443");
  config.add_allowed_origins("http://[::1]:80");
  config.add_allowed_origins("http://other.example:443");
  const CorsRules rules(config);
  EXPECT_TRUE(rules.Allows("https://app.example"));
  EXPECT_TRUE(rules.Allows("http://[::1]"));
  EXPECT_TRUE(rules.Allows("http://other.example:443"));
  EXPECT_FALSE(rules.Allows("http://other.example"));
  EXPECT_FALSE(rules.Allows("https://app.example:8443"));
}

TEST(CorsTest, WithoutExposedHeadersNoneAreNamed) {
  CorsConfig config = Config();
  config.clear_exposed_headers();
  Served served(config);
  EXPECT_THAT(served.Ask("GET /", "origin: https://app.example\r\n").head,
              Not(HasSubstr("expose-headers")));
}

}  // namespace
}  // namespace gateway
