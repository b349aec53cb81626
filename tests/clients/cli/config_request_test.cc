#include "clients/cli/config_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

// What a gateway answers is asked of one in gatewayctl_operator_test.py.
TEST(ConfigRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"print"},
                                                {"show", "all"},
                                                {"check"},
                                                {"diff", "a.yaml", "b.yaml"},
                                                {"rollback", "0"},
                                                {"rollback", "last"},
                                                {"reload", "a.yaml"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskConfig(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskConfig(nobody, {.words = {"check", "no/such.yaml"}})
                  .status()
                  .ToString(),
              HasSubstr("no/such.yaml"));
  EXPECT_THAT(AskConfig(nobody, {.words = {"show"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(ConfigRequestTest, OnlyTextIsSent) {
  const std::string file = testing::TempDir() + "/latin1.yaml";
  ASSERT_TRUE(ReplaceFile(file, "# Gr\xfc\xdf\x65\n").ok());
  for (const char* const what : {"check", "diff", "apply"}) {
    const absl::Status refused =
        AskConfig({.address = "127.0.0.1:1"}, {.words = {what, file}}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_THAT(refused.ToString(),
                HasSubstr(file + " is no text in UTF-8"));
  }
}

TEST(ConfigRequestTest, ARollbackIsToTheOneBeforeOrAVersion) {
  const auto before = RollbackConfigRequestOf({.words = {"rollback"}});
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->version(), 0);
  const auto named = RollbackConfigRequestOf(
      {.words = {"rollback", "7"},
       .flags = {{"--etag", "e"}, {"--validate_only", "true"}}});
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->version(), 7);
  EXPECT_EQ(named->etag(), "e");
  EXPECT_TRUE(named->validate_only());
}

TEST(ConfigRequestTest, ProblemsHaveTheirPlaces) {
  v1::ValidateConfigResponse response;
  EXPECT_EQ(ConfigProblemsText("g.yaml", response.problems()), "");
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(problems { line: 3 column: 5 path: "routing" message: "is odd"
                    severity: SEVERITY_ERROR }
         problems { message: "no provider" severity: SEVERITY_WARNING })",
      &response));
  EXPECT_EQ(ConfigProblemsText("g.yaml", response.problems()),
            "g.yaml:3:5: error: routing: is odd\n"
            "g.yaml: warning: no provider\n");
}

TEST(ConfigRequestTest, ARefusalHasThePlacesOfItsProblems) {
  const v1::ConfigProblem placed =
      ConfigProblemOf("routing", "applied by ann:3:5: routing: is odd: yes");
  EXPECT_EQ(placed.path(), "routing");
  EXPECT_EQ(placed.severity(), v1::ConfigProblem::SEVERITY_ERROR);
  EXPECT_EQ(placed.message(), "is odd: yes");
  EXPECT_EQ(placed.line(), 3);
  EXPECT_EQ(placed.column(), 5);
  const v1::ConfigProblem whole = ConfigProblemOf("", "by a:4:1: not YAML: b");
  EXPECT_EQ(whole.message(), "not YAML: b");
  EXPECT_EQ(whole.line(), 4);
  const v1::ConfigProblem field =
      ConfigProblemOf("ledger", "applied by ann: ledger: is changed");
  EXPECT_EQ(field.message(), "is changed");
  EXPECT_EQ(field.line(), 0);
  const v1::ConfigProblem elsewhere =
      ConfigProblemOf("routing", "routing: p.yaml:3:5: is odd: yes");
  EXPECT_EQ(elsewhere.message(), "p.yaml:3:5: is odd: yes");
  EXPECT_EQ(elsewhere.line(), 0);
  EXPECT_EQ(ConfigProblemOf("a", "what else").message(), "what else");
}

TEST(ConfigRequestTest, ValuesOfSeveralLinesStandBelow) {
  v1::ApplyConfigResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(changes { path: "p[1]" before: "name: a\nb: 1\n" }
         changes { path: "a.b" before: "1" after: "2" }
         changes { path: "p[0]" before: "1" after: "x:\n  y" })",
      &response));
  EXPECT_EQ(ConfigChangesTable(response.changes()),
            "FIELD  BEFORE  AFTER\n"
            "a.b    1       2\n"
            "p[1]\n"
            "  - name: a\n"
            "  - b: 1\n"
            "p[0]\n"
            "  - 1\n"
            "  + x:\n"
            "  +   y\n");
}

TEST(ConfigRequestTest, ChangesHaveBothValues) {
  v1::ApplyConfigResponse response;
  EXPECT_EQ(ConfigChangesTable(response.changes()), "nothing differs\n");
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(changes { path: "a.b" after: "2" })", &response));
  EXPECT_EQ(ConfigChangesTable(response.changes()),
            "FIELD  BEFORE  AFTER\n"
            "a.b    -       2\n");
}

}  // namespace
}  // namespace gateway
