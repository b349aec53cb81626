#include "service/audit/redaction/event_lines.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Joined(std::string_view events) {
  std::string joined;
  return std::string(WithDataInOneLine(events, &joined));
}

TEST(EventLinesTest, JsonInSeveralLinesIsInOne) {
  EXPECT_EQ(Joined("data: {\"a\":\ndata: 1}\n\ndata: {}\n\n"),
            "data: {\"a\":  1}\n\ndata: {}\n\n");
  EXPECT_EQ(Joined("data:{\r\ndata:}\r\n\r\n"), "data:{ }\n\n");
  EXPECT_EQ(Joined("data: {}\n\ndata: [\rdata: 1\rdata: ]"),
            "data: {}\n\ndata: [  1  ]\n\n");
}

TEST(EventLinesTest, OtherFieldsBetweenThemComeFirst) {
  EXPECT_EQ(Joined("data: {\nid: 7\n: a comment\ndata: }\n\nevent: x\n\n"),
            "id: 7\n: a comment\ndata: {  }\n\nevent: x\n\n");
}

TEST(EventLinesTest, WhatIsNoJsonInLinesStaysWhereItIs) {
  for (const std::string_view events :
       {"", "data: {}\n\ndata: {}\n\n", "data: one\ndata: two\n\n",
        "event: x\ndata: {\"a\":1}\n\n", "no events at all"}) {
    std::string joined;
    EXPECT_EQ(WithDataInOneLine(events, &joined).data(), events.data());
  }
}

}  // namespace
}  // namespace gateway
