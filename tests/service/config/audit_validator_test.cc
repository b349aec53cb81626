#include "service/config/audit_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::AuditRedaction;
using ::llmgateway::config::v1::GatewayConfig;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Problems with an audit log that has a folder.
std::vector<std::string> ProblemsOfAudit(const std::string& yaml) {
  return ProblemsBesideAMock(
      absl::StrCat("runtime: {state_dir: /var/lib/gw}\naudit: ", yaml, "\n"));
}

TEST(AuditValidatorTest, TheFileCountsFromTheStateFolder) {
  GatewayConfig config;
  config.mutable_audit()->set_file("audit.db");
  EXPECT_EQ(AuditFile(config), "");
  config.mutable_runtime()->set_state_dir("kept");
  EXPECT_EQ(AuditFile(config), "kept/audit.db");
  config.mutable_runtime()->set_state_dir("kept/");
  EXPECT_EQ(AuditFile(config), "kept/audit.db");
  config.mutable_audit()->set_file("/var/audit.db");
  EXPECT_EQ(AuditFile(config), "/var/audit.db");
  config.mutable_audit()->set_file("~/audit.db");
  EXPECT_EQ(AuditFile(config), "~/audit.db");
}

TEST(AuditValidatorTest, WithoutAFolderAFileMustHaveOne) {
  EXPECT_THAT(ProblemsBesideAMock("audit: {}\n"),
              ElementsAre(AllOf(HasSubstr("audit.file: is 'audit.db'"),
                                HasSubstr("runtime.state_dir"))));
  EXPECT_THAT(ProblemsBesideAMock("audit: {file: /tmp/a.db}\n"), IsEmpty());
  EXPECT_THAT(ProblemsOfAudit("{}"), IsEmpty());
  EXPECT_THAT(ProblemsOfAudit("{file: a/}"),
              ElementsAre(HasSubstr("audit.file: must be the path")));
}

TEST(AuditValidatorTest, RulesNameApisThatThereAre) {
  EXPECT_THAT(ProblemsOfAudit("{bodies: [{apis: [openai, 'g*'], callers: [a], "
                              "request: true}]}"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOfAudit("{bodies: [{apis: [openapi]}, {owners: ['']}]}"),
      ElementsAre(AllOf(HasSubstr("audit.bodies[0].apis[0]: is 'openapi'"),
                        HasSubstr("anthropic")),
                  HasSubstr("audit.bodies[1].owners[0]: is empty")));
}

TEST(AuditValidatorTest, BodiesThatAnybodyCanReadAreWarnedOf) {
  const std::string begin =
      "runtime: {state_dir: /var/lib/gw}\naudit: {bodies: [{request: ";
  EXPECT_THAT(WarningsBesideAMock(absl::StrCat(begin, "true}]}\n")),
              ElementsAre(AllOf(HasSubstr("audit.bodies"),
                                HasSubstr("audit.encryption"))));
  EXPECT_THAT(WarningsBesideAMock(absl::StrCat(begin, "false}]}\n")),
              IsEmpty());
  EXPECT_THAT(
      WarningsBesideAMock(absl::StrCat(
          begin,
          "true}], encryption: {keys: [{id: k, key: 'env:AUDIT_KEY'}]}}\n")),
      IsEmpty());
}

TEST(AuditValidatorTest, PatternsMustBeUsable) {
  EXPECT_THAT(
      ProblemsOfAudit(
          "{redaction: {own_patterns: [{name: 'a b', regex: '('}, {name: c, "
          "regex: 'x*'}, {name: c, regex: x}, {name: d}]}}"),
      ElementsAre(HasSubstr("own_patterns[0].name: must be 1 to 64"),
                  HasSubstr("own_patterns[0].regex: is no expression"),
                  HasSubstr("own_patterns[1].regex: matches the empty text"),
                  HasSubstr("own_patterns[2].name: is 'c', as another"),
                  HasSubstr("own_patterns[3].regex: must have 1 to 1024")));
  EXPECT_THAT(ProblemsOfAudit("{redaction: {patterns: [none, email]}}"),
              ElementsAre(HasSubstr("patterns[0]: is none")));
  EXPECT_THAT(ProblemsOfAudit("{redaction: {patterns: [none]}}"), IsEmpty());
}

TEST(AuditValidatorTest, PathsMustBeUsable) {
  EXPECT_THAT(ProblemsOfAudit("{redaction: {json_paths: [a.b, a..b, '**.c']}}"),
              ElementsAre(HasSubstr("json_paths[1]: has an empty step")));
}

TEST(AuditValidatorTest, KeysHaveNamesOfTheirOwn) {
  EXPECT_THAT(ProblemsOfAudit("{encryption: {}}"),
              ElementsAre(HasSubstr("audit.encryption.keys: is required")));
  EXPECT_THAT(
      ProblemsOfAudit("{encryption: {keys: [{id: a, key: 'env:A'}, {id: a, "
                      "key: 'env:B'}, {key: 'env:C'}, {id: d}]}}"),
      ElementsAre(HasSubstr("keys[1].id: is 'a', as another"),
                  HasSubstr("keys[2].id: must be 1 to 64"),
                  HasSubstr("keys[3].key: is required")));
}

TEST(AuditValidatorTest, WhatIsTakenOutIsWhatIsConfigured) {
  AuditRedaction config;
  config.add_patterns(AuditRedaction::PATTERN_EMAIL);
  config.add_patterns(AuditRedaction::PATTERN_CARD_NUMBER);
  auto& own = *config.add_own_patterns();
  own.set_name("ticket");
  own.set_regex("T-[0-9]+");
  config.add_json_paths("a.b");
  const RedactionSettings settings = RedactionSettingsOf(config);
  using BuiltIn = RedactionPatterns::BuiltIn;
  EXPECT_THAT(settings.built_in,
              ElementsAre(BuiltIn::kEmail, BuiltIn::kCardNumber));
  ASSERT_EQ(settings.own.size(), 1);
  EXPECT_EQ(settings.own[0].name, "ticket");
  EXPECT_EQ(settings.own[0].regex, "T-[0-9]+");
  EXPECT_THAT(settings.json_paths, ElementsAre("a.b"));
  config.clear_patterns();
  config.add_patterns(AuditRedaction::PATTERN_NONE);
  EXPECT_THAT(RedactionSettingsOf(config).built_in, IsEmpty());
}

}  // namespace
}  // namespace gateway
