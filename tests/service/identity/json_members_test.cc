#include "service/identity/json_members.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(JsonMembersTest, MembersStandOnce) {
  EXPECT_TRUE(CheckMembersOnce("{}").ok());
  EXPECT_TRUE(CheckMembersOnce(R"({"a":1,"b":{"a":[{"a":2},{"a":3}]}})").ok());
  EXPECT_THAT(CheckMembersOnce(R"({"a":1,"b":2,"a":1})").message(),
              HasSubstr("twice"));
  EXPECT_THAT(CheckMembersOnce(R"({"b":{"a":1,"a":2}})").message(),
              HasSubstr("b: has a member twice"));
  EXPECT_THAT(CheckMembersOnce(R"({"b":[{"a":1,"a":2}]})").message(),
              HasSubstr("b[0]: has a member twice"));
}

TEST(JsonMembersTest, NamesThatAreWrittenOtherwiseAreTheSame) {
  EXPECT_THAT(CheckMembersOnce(R"({"alg":1,"\u0061lg":2})").message(),
              HasSubstr("twice"));
}

TEST(JsonMembersTest, WhatIsNoObjectOrNoJsonIsRefused) {
  for (const std::string_view text :
       {"", "[]", "1", "null", "\"a\"", "{", R"({"a":1}x)", R"({"a":tru})",
        R"({"a":01})", R"({"a":"\ud800"})", "{\"a\":\"\xff\"}",
        R"({"a":{"b":nul}})", R"({a:1})", R"({"a":1,})", "{}\0"}) {
    EXPECT_EQ(CheckMembersOnce(text).ok(), text == "{}") << text;
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(CheckMembersOnce(deep + "1" + std::string(1000, '}')).ok());
}

// What is at the path, or why there is nothing.
std::string At(std::string_view json, std::string_view path) {
  std::string text = "?";
  const absl::StatusOr<bool> found =
      ReadMember(json, path, [&](JsonValue& value) {
        const auto read = value.String();
        if (read.ok()) text = *read;
        return read.status();
      });
  if (!found.ok()) return std::string(found.status().message());
  return *found ? text : "none";
}

TEST(JsonMembersTest, AMemberIsFoundByItsNameOrItsPath) {
  constexpr std::string_view kJson =
      R"({"sub":"a","kubernetes.io":{"namespace":"b","pod":{"name":"c"}},)"
      R"("https://x/roles":"d","p":{"":"e"},"p/q":"f","":"g"})";
  EXPECT_EQ(At(kJson, "sub"), "a");
  EXPECT_EQ(At(kJson, "kubernetes.io/namespace"), "b");
  EXPECT_EQ(At(kJson, "kubernetes.io/pod/name"), "c");
  EXPECT_EQ(At(kJson, "https://x/roles"), "d");
  EXPECT_EQ(At(kJson, "p/q"), "f");
  EXPECT_EQ(At(kJson, "pod"), "none");
  EXPECT_EQ(At(kJson, "kubernetes.io/pod/name/x"), "none");
  EXPECT_EQ(At(kJson, "kubernetes.io/pod"),
            "kubernetes.io.pod: expected a string");
  EXPECT_EQ(At(kJson, "sub/a"), "none");
}

TEST(JsonMembersTest, ANameWithASlashIsLookedForFirst) {
  EXPECT_EQ(At(R"({"a":{"b":"inner"},"a/b":"outer"})", "a/b"), "outer");
  EXPECT_EQ(At(R"({"a/b":"outer","a":{"b":"inner"}})", "a/b"), "outer");
  EXPECT_EQ(At(R"({"a":{"b":"inner"}})", "a/b"), "inner");
}

}  // namespace
}  // namespace gateway
