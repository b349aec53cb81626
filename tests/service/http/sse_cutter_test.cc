#include "service/http/sse_cutter.h"

#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Cut(SseCutter& cutter, std::string_view bytes) {
  cutter.Add(bytes);
  std::vector<std::string> events;
  std::string_view event;
  while (cutter.Next(&event)) events.emplace_back(event);
  return events;
}

TEST(SseCutterTest, AnEventEndsWithAnEmptyLine) {
  SseCutter cutter;
  EXPECT_THAT(Cut(cutter, "data: 1\n\nevent: a\ndata: 2\n\ndata: "),
              ElementsAre("data: 1\n\n", "event: a\ndata: 2\n\n"));
  EXPECT_EQ(cutter.rest(), "data: ");
  EXPECT_THAT(Cut(cutter, "3\n"), IsEmpty());
  EXPECT_THAT(Cut(cutter, "\n"), ElementsAre("data: 3\n\n"));
  EXPECT_EQ(cutter.rest(), "");
}

TEST(SseCutterTest, LinesMayEndWithBoth) {
  SseCutter cutter;
  EXPECT_THAT(Cut(cutter, "data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r"),
              ElementsAre("data: 1\r\ndata: 2\r\n\r\n"));
  EXPECT_THAT(Cut(cutter, "\n"), ElementsAre("data: 3\r\n\r\n"));
}

// Wherever the bytes are cut.
TEST(SseCutterTest, EveryWayOfComingIsTheSame) {
  const std::string all = ": c\n\ndata: 1\n\nid: 7\r\ndata: 2\r\n\r\n\n";
  SseCutter whole;
  const std::vector<std::string> expected = Cut(whole, all);
  EXPECT_EQ(expected.size(), 4);
  for (size_t at = 0; at <= all.size(); ++at) {
    SseCutter cutter;
    std::vector<std::string> events = Cut(cutter, all.substr(0, at));
    for (std::string& event : Cut(cutter, all.substr(at))) {
      events.push_back(std::move(event));
    }
    EXPECT_EQ(events, expected) << at;
  }
}

TEST(SseCutterTest, CommentsAreNoEvents) {
  EXPECT_TRUE(IsSseComment(": ping\n\n"));
  EXPECT_TRUE(IsSseComment(": a\r\n: b\r\n\r\n"));
  EXPECT_TRUE(IsSseComment("\n"));
  EXPECT_FALSE(IsSseComment(": a\ndata: 1\n\n"));
  EXPECT_FALSE(IsSseComment("data: :\n\n"));
}

TEST(SseCutterTest, AnIdIsTheLastThatAnEventHas) {
  EXPECT_EQ(WithSseId("data: 1\n\n", "r:2"), "data: 1\nid: r:2\n\n");
  EXPECT_EQ(WithSseId("id: 9\r\ndata: 1\r\n\r\n", "r:2"),
            "id: 9\r\ndata: 1\r\nid: r:2\r\n\r\n");
}

}  // namespace
}  // namespace gateway
