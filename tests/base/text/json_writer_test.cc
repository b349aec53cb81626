#include "base/text/json_writer.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/json_grammar.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Written(double number) {
  std::string out;
  JsonWriter(&out).Double(number);
  return out;
}

TEST(JsonWriterTest, WritesNestedTexts) {
  std::string out;
  JsonWriter json(&out);
  json.StartObject();
  json.StringField("s", "a\"\\\n\x01z");
  json.Int64Field("i", -7);
  json.StartArrayField("a");
  json.Bool(true);
  json.Null();
  json.StartObject();
  json.EndObject();
  json.Raw("[ 1 ]");
  json.EndArray();
  json.StartObjectField("o");
  json.DoubleField("d", 0.5);
  json.BoolField("b", false);
  json.NullField("n");
  json.RawField("r", "{}");
  json.EndObject();
  json.EndObject();
  EXPECT_EQ(out, R"({"s":"a\"\\\n\u0001z","i":-7,"a":[true,null,{},[ 1 ]],)"
                 R"("o":{"d":0.5,"b":false,"n":null,"r":{}}})");
  EXPECT_TRUE(CheckJson(out).ok());
}

TEST(JsonWriterTest, WritesTheShortestNumberThatReadsBack) {
  EXPECT_EQ(Written(0.1), "0.1");
  EXPECT_EQ(Written(1), "1");
  EXPECT_EQ(Written(1e21), "1e+21");
  EXPECT_EQ(Written(std::nan("")), "null");
  EXPECT_EQ(Written(std::numeric_limits<double>::infinity()), "null");
  for (const double number :
       {0.1 + 0.2, 5e-324, 1.7976931348623157e308, -2.5, 123456789.123}) {
    EXPECT_EQ(std::strtod(Written(number).c_str(), nullptr), number);
  }
}

TEST(JsonWriterTest, EveryByteReadsBack) {
  std::string text;
  for (int c = 0; c < 128; ++c) text.push_back(static_cast<char>(c));
  text += "\xC3\xA9\xF0\x9F\x98\x80";
  std::string out;
  JsonWriter(&out).String(text);
  std::string back;
  ASSERT_TRUE(ReadJson("[" + out + "]", [&](JsonValue& root) {
                return root.EachElement([&](JsonValue& value) -> absl::Status {
                  GATEWAY_ASSIGN_OR_RETURN(back, value.String());
                  return absl::OkStatus();
                });
              }).ok());
  EXPECT_EQ(back, text);
}

TEST(JsonWriterTest, FindsAnEscapeWhereverItStands) {
  for (size_t size = 1; size <= 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '"';
      std::string out;
      JsonWriter(&out).String(text);
      EXPECT_EQ(
          out, "\"" + text.substr(0, at) + "\\\"" + text.substr(at + 1) + "\"");
    }
  }
}

TEST(JsonWriterTest, TextsOfAllLengthsStandBetweenTheirQuotes) {
  for (size_t size = 0; size <= 70; ++size) {
    const std::string text(size, 'a');
    std::string out = "[";
    JsonWriter(&out).String(text);
    EXPECT_EQ(out, "[\"" + text + "\"");
  }
}

TEST(JsonWriterTest, SaysWhenItIsTooDeep) {
  for (const int depth : {JsonWriter::kDepthMax, JsonWriter::kDepthMax + 1,
                          10 * JsonWriter::kDepthMax}) {
    std::string out;
    JsonWriter json(&out);
    for (int i = 0; i < depth; ++i) {
      json.StartArray();
      json.Int64(i);
    }
    for (int i = 0; i < depth; ++i) json.EndArray();
    EXPECT_EQ(json.too_deep(), depth > JsonWriter::kDepthMax);
    if (!json.too_deep()) {
      EXPECT_TRUE(CheckJson(out).ok()) << out;
    }
  }
}

TEST(JsonWriterTest, WritesTheExtremeIntegers) {
  std::string out;
  JsonWriter json(&out);
  json.StartArray();
  json.Int64(std::numeric_limits<int64_t>::min());
  json.Int64(std::numeric_limits<int64_t>::max());
  json.EndArray();
  EXPECT_EQ(out, "[-9223372036854775808,9223372036854775807]");
}

}  // namespace
}  // namespace gateway
