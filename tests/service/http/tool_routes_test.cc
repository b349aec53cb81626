#include "service/http/tool_routes.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ToolRoutesTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    Open(absl::StrCat("tools:\n  url: 'http://127.0.0.1:", server_.port(),
                      "'\n  tools:\n"
                      "  - {name: echo, description: Again., path: /echo,\n"
                      "     parameters: '{\"required\":[\"n\"]}'}\n"
                      "  - {name: words, path: /words}\n"));
  }
  void TearDown() override { loop_.reset(); }

  RawAnswer Execute(const std::string& body) {
    return Ask("POST", "/v1/tools/execute", body);
  }

  PathHandler handler_;
  TestHttpServer server_{handler_};
};

TEST_F(ToolRoutesTest, ToolsAreAListOfTheirOwn) {
  const RawAnswer answer = Ask("GET", "/v1/tools");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"([{"name":"echo","description":"Again.",)"
                         R"("parameters":{"required":["n"]}},)"
                         R"({"name":"words","description":"",)"
                         R"("parameters":{"type":"object"}}])");
}

TEST_F(ToolRoutesTest, ARunAnswersWithResultOrError) {
  const RawAnswer ran = Execute(R"({"name":"echo","arguments":{"n":1.0}})");
  EXPECT_EQ(ran.status, 200);
  EXPECT_EQ(
      ran.body,
      R"({"name":"echo","result":{"n":1.0},"success":true,"error":null})");
  const RawAnswer failed = Execute(R"({"name":"words"})");
  EXPECT_EQ(failed.status, 200);
  EXPECT_THAT(failed.body,
              AllOf(HasSubstr(R"("name":"words","result":null,)"),
                    HasSubstr(R"("success":false,"error":"the tool)")));
}

TEST_F(ToolRoutesTest, WhatIsWrongIsNamed) {
  const RawAnswer lacking = Execute(R"({"name":"echo","arguments":{}})");
  EXPECT_EQ(lacking.status, 422);
  EXPECT_THAT(lacking.body, HasSubstr("arguments"));
  EXPECT_EQ(Execute(R"({"name":"echo","arguments":[]})").status, 422);
  EXPECT_EQ(Execute("[]").status, 422);
  const RawAnswer unknown = Execute(R"({"name":"echo","args":{}})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_THAT(unknown.body, HasSubstr("args"));
  const RawAnswer nameless = Execute("{}");
  EXPECT_EQ(nameless.status, 422);
  EXPECT_THAT(nameless.body, HasSubstr("name"));
  const RawAnswer absent = Execute(R"({"name":"ecko","arguments":{}})");
  EXPECT_EQ(absent.status, 404);
  EXPECT_THAT(absent.body, HasSubstr("echo, words"));
  EXPECT_EQ(Ask("GET", "/v1/tools/execute").status, 405);
}

TEST_F(ToolRoutesTest, WithoutAToolServiceTheOperatorIsToldWhatToAdd) {
  Open("");
  EXPECT_THAT(Ask("GET", "/v1/tools").body, HasSubstr("`tools`"));
  EXPECT_THAT(Execute(R"({"name":"echo"})").body, HasSubstr("`tools`"));
}

}  // namespace
}  // namespace gateway
