#include "clients/cli/answer_text.h"

#include <cstdint>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/timestamp.pb.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/limits.pb.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AnswerTextTest, ColumnsAreAsWideAsTheyHaveToBe) {
  EXPECT_EQ(Table({{"ID", "OWNER", "X"}, {"longer", "a", ""}, {"b"}}),
            "ID      OWNER  X\n"
            "longer  a\n"
            "b\n");
}

TEST(AnswerTextTest, JsonHasTheNamesOfTheContract) {
  llmgateway::v1::ResetLimitResponse response;
  response.set_reset_count(3);
  EXPECT_THAT(AsJson(response), HasSubstr("\"reset_count\": \"3\""));
}

TEST(AnswerTextTest, WhatJsonCannotSayIsToldAndNotLeftOut) {
  google::protobuf::Timestamp time;
  time.set_seconds(INT64_MAX);
  for (const std::string& text : {AsJson(time), AsJsonLine(time)}) {
    std::ostringstream out;
    const absl::Status written = WriteAnswer(text, out);
    EXPECT_TRUE(absl::IsOutOfRange(written));
    EXPECT_THAT(written.ToString(),
                HasSubstr("the answer cannot be shown as JSON: "));
    EXPECT_THAT(written.ToString(), Not(HasSubstr("}")));
    EXPECT_EQ(out.str(), "");
  }
  for (const std::string& text :
       {AsJson(llmgateway::v1::ResetLimitResponse()), std::string()}) {
    std::ostringstream out;
    EXPECT_TRUE(WriteAnswer(text, out).ok());
    EXPECT_EQ(out.str(), text);
  }
}

TEST(AnswerTextTest, TimesAndValuesAreForPeople) {
  google::protobuf::Timestamp time;
  time.set_seconds(1'893'456'000);
  EXPECT_EQ(TimeText(time), "2030-01-01T00:00:00Z");
  EXPECT_EQ(ValueText("STATE_ACTIVE", "STATE_"), "active");
}

TEST(AnswerTextTest, NothingIsADash) {
  EXPECT_EQ(OrDash(""), "-");
  EXPECT_EQ(OrDash("a"), "a");
}

TEST(AnswerTextTest, WhatATerminalWouldObeyIsShownAsAnEscape) {
  EXPECT_EQ(Table({{"A", "B"}, {"x\ny", "\xe2\x81\xa6z"}}),
            "A     B\nx\\ny  \\u2066z\n");
}

}  // namespace
}  // namespace gateway
