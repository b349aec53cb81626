#include "service/config/tools_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string WithTool(const std::string& tool) {
  return absl::StrCat("tools: {url: 'http://tools', tools: [", tool, "]}\n");
}

TEST(ToolsValidatorTest, AUrlIsEnough) {
  EXPECT_THAT(ProblemsBesideAMock("tools: {url: 'http://tools:8083/in'}\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("tools: {timeout: 1s}\n"),
              ElementsAre(HasSubstr("tools.url: is required")));
  EXPECT_THAT(ProblemsBesideAMock("tools: {url: 'ftp://tools'}\n"),
              ElementsAre(HasSubstr("tools.url: ")));
}

TEST(ToolsValidatorTest, NumbersHaveTheirRanges) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "tools: {url: 'http://a', timeout: 1ms, result_bytes_limit: 1}\n"),
      ElementsAre("tools.timeout: must be 100ms to 5m",
                  "tools.result_bytes_limit: must be 1KiB to 64MiB"));
}

TEST(ToolsValidatorTest, ACredentialIsAReference) {
  EXPECT_THAT(
      ProblemsBesideAMock("tools: {url: 'http://a', credential: secret}\n"),
      ElementsAre(HasSubstr("tools.credential: ")));
}

TEST(ToolsValidatorTest, AToolHasANameThatModelsMayCallAndAPath) {
  EXPECT_THAT(
      ProblemsBesideAMock(WithTool("{name: Add_1-a, path: '/add?x=1'}")),
      IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock(WithTool("{name: 'a b', path: /add}")),
              ElementsAre(HasSubstr("tools.tools[0].name: must be 1 to 64")));
  for (const char* path : {"add", "''", "'/a b'", "\"/a\\r\\nx\"", "/a#b"}) {
    EXPECT_THAT(ProblemsBesideAMock(
                    WithTool(absl::StrCat("{name: a, path: ", path, "}"))),
                ElementsAre(HasSubstr("tools.tools[0].path: must be")))
        << path;
  }
}

TEST(ToolsValidatorTest, NamesAreTheirOwn) {
  EXPECT_THAT(
      ProblemsBesideAMock(WithTool("{name: a, path: /a}, {name: a, path: /b}")),
      ElementsAre(HasSubstr("tools.tools[1].name: is 'a'")));
}

TEST(ToolsValidatorTest, ParametersAreASchema) {
  EXPECT_THAT(ProblemsBesideAMock(WithTool(
                  R"({name: a, path: /a, parameters: '{"type":"object"}'})")),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock(WithTool("{name: a, path: /a, parameters: '{'}")),
      ElementsAre(
          HasSubstr("tools.tools[0].parameters: must be a JSON Schema")));
}

}  // namespace
}  // namespace gateway
