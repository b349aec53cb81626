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
  const auto form = PythonJsonOf(R"({"a": [1, 1e400]})");
  EXPECT_EQ(form.status().message(), "a[1]: is larger than any float");
}

}  // namespace
}  // namespace gateway
