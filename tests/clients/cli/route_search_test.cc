#include "clients/cli/route_search.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "clients/cli/command_line.h"
#include "clients/cli/switches.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class RouteSearchTest : public testing::Test {
 protected:
  RouteSearchTest() {
    home_ = testing::TempDir() + "/home.XXXXXX";
    EXPECT_NE(mkdtemp(home_.data()), nullptr);
    mkdir((home_ + "/.llm-gateway").c_str(), 0755);
    mkdir((home_ + "/.cco").c_str(), 0755);
    variables_["HOME"] = home_;
  }

  // A PID file of this process, with some fields.
  void Write(const std::string& path, const std::string& fields) {
    const absl::Status written = ReplaceFile(
        path, absl::StrCat("{\"pid\": ", getpid(), ", ", fields, "}"));
    ASSERT_TRUE(written.ok()) << written;
  }

  absl::StatusOr<Route> Find() {
    return RouteSearch(command_, switches_, variables_).Find();
  }

  std::string FoundUrl() {
    const absl::StatusOr<Route> route = Find();
    return route.ok() ? route->url : std::string(route.status().message());
  }

  std::string home_;
  CommandLine command_;
  Switches switches_;
  Variables variables_;
};

TEST_F(RouteSearchTest, SdksAreToldOfTheGateway) {
  command_.pid_file = home_ + "/any.pid";
  Write(command_.pid_file, "\"gateway_port\": 8080");
  const absl::StatusOr<Route> route = Find();
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_THAT(
      route->variables,
      ElementsAre(Pair("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080"),
                  Pair("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:8080"),
                  Pair("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")));
  EXPECT_EQ(route->note,
            "Gateway: http://127.0.0.1:8080 (LLM routing enabled)");
  EXPECT_EQ(route->pid_file, command_.pid_file);
  EXPECT_EQ(route->record->gateway_port, 8080);
}

TEST_F(RouteSearchTest, ProxiesAreNotForAGatewayThatIsHereOrWithoutTls) {
  variables_["HTTPS_PROXY"] = "http://proxy:3128";
  const auto past = [this](const std::string& url) {
    command_.url = url;
    const absl::StatusOr<Route> route = Find();
    if (!route.ok()) return route.status().ToString();
    const auto found = route->variables.find("NO_PROXY");
    return found == route->variables.end() ? "" : found->second;
  };
  EXPECT_EQ(past("http://127.0.0.1:8080/"), "127.0.0.1");
  EXPECT_EQ(past("https://localhost:8443"), "localhost");
  EXPECT_EQ(past("http://[::1]:8080"), "::1");
  EXPECT_EQ(past("http://gateway.example"), "gateway.example");
  // It may be out of reach otherwise, and sees no key.
  EXPECT_EQ(past("https://gateway.example"), "");
  command_.url.clear();
  command_.pid_file = home_ + "/any.pid";
  Write(command_.pid_file, "\"gateway_url\": \"https://10.1.2.3:8443\"");
  EXPECT_EQ(past(""), "10.1.2.3");
  variables_.erase("HTTPS_PROXY");
  EXPECT_EQ(past(""), "");
}

TEST_F(RouteSearchTest, AGivenUrlIsNotLookedFor) {
  command_.url = "https://gateway.example/";
  const absl::StatusOr<Route> route = Find();
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->url, "https://gateway.example");
  EXPECT_EQ(route->variables.at("OPENAI_BASE_URL"),
            "https://gateway.example/v1");
  EXPECT_FALSE(route->record.has_value());
  EXPECT_TRUE(RouteSearch(command_, switches_, variables_).is_given());
}

TEST_F(RouteSearchTest, WhatIsNoUrlIsRefused) {
  for (const std::string bad : {"gateway:8080", "ftp://x", "http://"}) {
    command_.url = bad;
    EXPECT_THAT(FoundUrl(), HasSubstr(absl::StrCat("'", bad, "' is no URL")));
  }
}

TEST_F(RouteSearchTest, WhatMayBeAPasswordIsNotTold) {
  for (const std::string bad :
       {"http://u:secret@a:1", "u:secret@a:1", "http://u:se/secret@a:1",
        "http://u:secret?@a:1", "http://secret@a:1/?key=secret",
        "http://a:1/?key=secret"}) {
    command_.url = "";
    variables_["GATEWAY_URL"] = bad;
    EXPECT_THAT(FoundUrl(), Not(HasSubstr("secret"))) << bad;
    EXPECT_THAT(FoundUrl(), HasSubstr("a:1")) << bad;
    command_.url = bad;
    EXPECT_THAT(FoundUrl(), Not(HasSubstr("secret"))) << bad;
  }
  command_.url = "http://u:secret@a:1";
  EXPECT_EQ(FoundUrl(),
            "'http://***@a:1' is no URL: it must be http://host:port without a "
            "user name or password; keys are for $GATEWAY_KEY and "
            "$GATEWAY_OPERATOR_KEY");
}

TEST_F(RouteSearchTest, TheFirstPlaceThatIsGivenCounts) {
  Write(home_ + "/.cco/daemon.pid", "\"gateway_port\": 1");
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:1");
  Write(home_ + "/.llm-gateway/gateway.pid", "\"gateway_port\": 2");
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:2");
  variables_["GATEWAY_PID_FILE"] = home_ + "/variable.pid";
  Write(home_ + "/variable.pid", "\"gateway_port\": 3");
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:3");
  variables_["GATEWAY_URL"] = "http://127.0.0.1:4";
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:4");
  command_.pid_file = home_ + "/flag.pid";
  Write(home_ + "/flag.pid", "\"gateway_port\": 5");
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:5");
  command_.url = "http://127.0.0.1:6";
  EXPECT_EQ(FoundUrl(), "http://127.0.0.1:6");
}

TEST_F(RouteSearchTest, WithoutAGatewayItSaysWhereItLooked) {
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FoundUrl(), absl::StrCat("there is no PID file at ", home_,
                                     "/.llm-gateway/gateway.pid or ", home_,
                                     "/.cco/daemon.pid or "
                                     "/run/llm-gateway/gateway.pid"));
}

TEST_F(RouteSearchTest, AFileThatIsThereSaysMoreThanOneThatIsNot) {
  const std::string path = home_ + "/.cco/daemon.pid";
  ASSERT_TRUE(ReplaceFile(path, "{\"pid\": 1073741824}").ok());
  EXPECT_THAT(FoundUrl(), HasSubstr(path + " is stale"));
  Write(path, "\"gateway_port\": null");
  EXPECT_THAT(FoundUrl(), HasSubstr(path + " has no gateway_port"));
  ASSERT_TRUE(ReplaceFile(path, "4711").ok());
  EXPECT_THAT(FoundUrl(), HasSubstr(path + " is not a PID file"));
}

TEST_F(RouteSearchTest, WithoutTheGatewayTheProxyIsSet) {
  switches_ = {.gateway = false, .proxy = true};
  command_.pid_file = home_ + "/any.pid";
  Write(command_.pid_file, "\"gateway_port\": 8080, \"proxy_port\": 3128");
  const absl::StatusOr<Route> route = Find();
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_THAT(route->variables,
              ElementsAre(Pair("HTTPS_PROXY", "http://127.0.0.1:3128"),
                          Pair("HTTP_PROXY", "http://127.0.0.1:3128")));
  EXPECT_THAT(route->unset, IsEmpty());
  Write(command_.pid_file, "\"gateway_port\": 8080");
  EXPECT_THAT(FoundUrl(), HasSubstr("has no proxy_port"));
}

TEST_F(RouteSearchTest, WithoutTheGatewayNothingIsLeftOfIt) {
  switches_ = {.gateway = false, .proxy = true};
  command_.pid_file = home_ + "/any.pid";
  Write(command_.pid_file, "\"gateway_port\": 8080, \"proxy_port\": 3128");
  variables_["http_proxy"] = "http://other:1";
  variables_["OPENAI_BASE_URL"] = "http://127.0.0.1:8080/v1";
  variables_["ANTHROPIC_BASE_URL"] = "https://own.example";
  const absl::StatusOr<Route> route = Find();
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->variables.at("http_proxy"), "http://127.0.0.1:3128");
  EXPECT_THAT(route->unset, ElementsAre("OPENAI_BASE_URL"));
  // Told by a variable, or by the file of one that has gone.
  variables_["GATEWAY_URL"] = "https://gateway.example/";
  variables_["ANTHROPIC_BASE_URL"] = "https://gateway.example";
  variables_["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1";
  Write(command_.pid_file + ".bak", "\"gateway_port\": 9");
  const RouteSearch search(command_, switches_, variables_);
  EXPECT_THAT(search.NamesOfGateway(),
              ElementsAre("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"));
}

TEST_F(RouteSearchTest, ThereIsNoWayBackToTheProxyWhileTheGatewayIsOn) {
  switches_ = {.gateway = true, .proxy = true};
  command_.pid_file = home_ + "/any.pid";
  Write(command_.pid_file, "\"proxy_port\": 3128");
  EXPECT_THAT(FoundUrl(), HasSubstr("has no gateway_port"));
}

}  // namespace
}  // namespace gateway
