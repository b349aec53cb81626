#include "providers/dialects/compact_json.h"

#include <string_view>

#include "base/text/json_grammar.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(CompactJsonTest, SpaceBetweenTokensGoes) {
  struct Case {
    std::string_view json;
    std::string_view compact;
  };
  for (const Case& each :
       {Case{"", ""},
        {"{}", "{}"},
        {"{\n  \"a b\" : [ 1,\t\"c \\\" d\" ]\r\n}", R"({"a b":[1,"c \" d"]})"},
        {R"(["\\", "a b"])", R"(["\\","a b"])"}}) {
    EXPECT_EQ(CompactJson(each.json), each.compact);
    EXPECT_EQ(CompactJson(each.compact), each.compact);
  }
}

TEST(CompactJsonTest, EscapesGoWhereNoneAreNeeded) {
  EXPECT_EQ(CompactJson(R"("\u003cp\u003e K\u00f6ln \u4f60\ud83d\ude00")"),
            "\"<p> Köln 你😀\"");
  for (const std::string_view kept :
       {R"("\u0022")", R"("\u005c")", R"("\u0000\u001f")", R"("\n\"\\\/")",
        R"("\ud83d")", R"("\ude00")"}) {
    EXPECT_EQ(CompactJson(kept), kept);
    EXPECT_TRUE(CheckJson(CompactJson(kept)).ok() == CheckJson(kept).ok());
  }
}

TEST(CompactJsonTest, WhatIsNoJsonStaysNone) {
  for (const std::string_view text :
       {R"("\u00)", R"("\)", R"("\u00zz")", R"("a)", R"("\ud83d\ude")"}) {
    EXPECT_EQ(CompactJson(text), text);
  }
}

}  // namespace
}  // namespace gateway
