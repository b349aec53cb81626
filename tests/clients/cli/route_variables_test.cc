#include "clients/cli/route_variables.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kUrl[] = "http://127.0.0.1:8080";

TEST(RouteVariablesTest, AHostPastProxiesIsBesideThoseThatAreThere) {
  EXPECT_THAT(PastProxies("h", {}), IsEmpty());
  EXPECT_THAT(PastProxies("h", {{"NO_PROXY", "a"}}), IsEmpty());
  EXPECT_THAT(PastProxies("h", {{"http_proxy", ""}}), IsEmpty());
  for (const std::string proxy : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY",
                                  "https_proxy", "ALL_PROXY", "all_proxy"}) {
    EXPECT_THAT(PastProxies("h", {{proxy, "p"}}),
                ElementsAre(Pair("NO_PROXY", "h"), Pair("no_proxy", "h")));
  }
  EXPECT_THAT(
      PastProxies("h", {{"HTTP_PROXY", "p"}, {"NO_PROXY", "a,.b"}}),
      ElementsAre(Pair("NO_PROXY", "a,.b,h"), Pair("no_proxy", "a,.b,h")));
  EXPECT_THAT(
      PastProxies(
          "h", {{"HTTP_PROXY", "p"}, {"NO_PROXY", "a, h"}, {"no_proxy", "b"}}),
      ElementsAre(Pair("no_proxy", "b,h")));
  EXPECT_THAT(PastProxies("h", {{"HTTP_PROXY", "p"}, {"no_proxy", "*"}}),
              ElementsAre(Pair("NO_PROXY", "*")));
}

TEST(RouteVariablesTest, SmallLettersAreSetWhereTheyAreThere) {
  EXPECT_THAT(ProxyVariables(kUrl, {}), ElementsAre(Pair("HTTPS_PROXY", kUrl),
                                                    Pair("HTTP_PROXY", kUrl)));
  EXPECT_THAT(ProxyVariables(kUrl, {{"https_proxy", "other"}}),
              ElementsAre(Pair("HTTPS_PROXY", kUrl), Pair("HTTP_PROXY", kUrl),
                          Pair("https_proxy", kUrl)));
}

TEST(RouteVariablesTest, AGatewaysUrlIsToldFromOthers) {
  const Variables all = GatewayVariables("http://127.0.0.1:1");
  EXPECT_THAT(GatewayNamesIn(all, {}),
              ElementsAre("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL",
                          "OPENAI_BASE_URL"));
  Variables some = all;
  some["OPENAI_BASE_URL"] = "https://own.example/v1";
  EXPECT_THAT(GatewayNamesIn(some, {kUrl}), IsEmpty());
  EXPECT_THAT(GatewayNamesIn(some, {kUrl, "http://127.0.0.1:1"}),
              ElementsAre("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL"));
  EXPECT_THAT(GatewayNamesIn({}, {""}), IsEmpty());
  EXPECT_THAT(GatewayNamesIn({{"ANTHROPIC_BASE_URL", ""}}, {}), IsEmpty());
}

}  // namespace
}  // namespace gateway
