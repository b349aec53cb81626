// Beside CPython it is tested by python_json_test.py.

#include "service/ledger/python_json.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Float(double number) {
  std::string out;
  AppendPythonFloat(number, &out);
  return out;
}

TEST(PythonJsonTest, FloatsAreWrittenAsReprDoes) {
  EXPECT_EQ(Float(0.1), "0.1");
  EXPECT_EQ(Float(2), "2.0");
  EXPECT_EQ(Float(-0.0), "-0.0");
  EXPECT_EQ(Float(1e-5), "1e-05");
  EXPECT_EQ(Float(1e16), "1e+16");
  EXPECT_EQ(Float(9999999999999998), "9999999999999998.0");
}

TEST(PythonJsonTest, StringsEscapeWhatTheyMust) {
  std::string out;
  AppendPythonString("\"\\\n\x01\x7f\xe2\x82\xac", &out);
  EXPECT_EQ(out, "\"\\\"\\\\\\n\\u0001\x7f\xe2\x82\xac\"");
}

TEST(PythonJsonTest, MembersAreInOrderAndSomeLeftOutOfTheRoot) {
  const auto form =
      PythonJsonOf(R"({"b":[1,{"x":2,"a":3}],"a":1.50,"x":null})", {"x"});
  ASSERT_TRUE(form.ok()) << form.status();
  EXPECT_EQ(*form, R"({"a": 1.5, "b": [1, {"a": 3, "x": 2}]})");
}

TEST(PythonJsonTest, ErrorsSayWhere) {
  const auto form = PythonJsonOf(R"({"a": [1, 01]})");
  EXPECT_EQ(form.status().message(), "a[1]: malformed JSON: a bad number");
}

TEST(PythonJsonTest, WhatPythonWritesIsToldFromWhatItDoesNot) {
  for (const std::string& json :
       {std::string(R"({"b": 1, "a": [{"x": null}, 1.5, "\u0001\u00e9"]})"),
        std::string(R"({"b":1,"a":[{"x":"é"}]})"), std::string("{}"),
        std::string("{\"a\": \"\x7f\"}"),
        std::string(R"({"a": "\ud83d\ude00\u007f", "b": -0.0})"),
        std::string(R"({"a": Infinity, "b": "\ud800"})")}) {
    EXPECT_TRUE(IsAsPythonWrites(json)) << json;
  }
  for (const std::string& json :
       {std::string(R"({"a": 1, "a": 1})"), std::string(R"({"a": 1,"b": 2})"),
        std::string(R"({ "a": 1})"), std::string(R"({"a":1, "b":2})"),
        std::string(R"({"a": {"b": 1, "b": 1}})"), std::string("{ }"),
        std::string(R"({"a": "\/"})"), std::string(R"({"a": "\u0041"})"),
        std::string(R"({"a": "\u00E9"})"), std::string(R"({"a": 1e2})"),
        std::string(R"({"a": "\u00e9é"})"), std::string(R"({"a": 1.50})"),
        std::string(R"({"a": 1} )"), std::string("{\"a\": 1"),
        std::string("[]"), std::string()}) {
    EXPECT_FALSE(IsAsPythonWrites(json)) << json;
  }
}

TEST(PythonJsonTest, LoneSurrogatesAreTheirEscapes) {
  EXPECT_EQ(SurrogatesEscaped("a\xed\xa0\x80\xed\x9f\xbf\xed\xbf\xbf"),
            "a\\ud800\xed\x9f\xbf\\udfff");
  EXPECT_EQ(SurrogatesEscaped("plain \xed"), "plain \xed");
}

}  // namespace
}  // namespace gateway
