#include "providers/event_cutter.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"

namespace gateway {
namespace {

constexpr size_t kLimit = 1000;

class EventCutterTest : public testing::Test {
 protected:
  void Feed(std::string_view text) { ASSERT_TRUE(cutter_.Feed(text).ok()); }

  EventCutter cutter_{Framing::kServerSentEvents, kLimit};
  StreamEvent event_;
};

TEST_F(EventCutterTest, CutsServerSentEvents) {
  Feed("event: a\ndata: 1\n\n: hi\n\ndata: 2\n\nda");
  ASSERT_TRUE(cutter_.Next(&event_));
  EXPECT_EQ(event_.name, "a");
  EXPECT_EQ(event_.data, "1");
  EXPECT_TRUE(event_.has_data);
  EXPECT_EQ(event_.raw, "event: a\ndata: 1\n\n");
  ASSERT_TRUE(cutter_.Next(&event_));
  EXPECT_FALSE(event_.has_data);
  EXPECT_EQ(event_.raw, ": hi\n\n");
  ASSERT_TRUE(cutter_.Next(&event_));
  EXPECT_EQ(event_.name, "");
  EXPECT_EQ(event_.data, "2");
  EXPECT_FALSE(cutter_.Next(&event_));
  EXPECT_GT(cutter_.held_bytes(), 0u);
}

TEST_F(EventCutterTest, ABareErrorIsTheDataOfItsEvent) {
  Feed("[{\n  \"error\": {\"code\": 429}\n}\n]\n\n{\"other\": 1}\n\n");
  ASSERT_TRUE(cutter_.Next(&event_));
  EXPECT_TRUE(event_.has_data);
  EXPECT_EQ(event_.data, "{\n  \"error\": {\"code\": 429}\n}");
  ASSERT_TRUE(cutter_.Next(&event_));
  EXPECT_FALSE(event_.has_data);
}

TEST_F(EventCutterTest, AtTheEndAnEventThatLacksItsBlankLineIsOne) {
  Feed("data: {\"a\":1}");
  EXPECT_FALSE(cutter_.Next(&event_));
  ASSERT_TRUE(cutter_.FeedEnd().ok());
  bool is_whole = false;
  ASSERT_TRUE(cutter_.NextAtEnd(&event_, &is_whole));
  EXPECT_TRUE(is_whole);
  EXPECT_EQ(event_.data, "{\"a\":1}");
  EXPECT_FALSE(cutter_.NextAtEnd(&event_, &is_whole));
}

TEST_F(EventCutterTest, WhatWasCutOffInsideIsToldSo) {
  Feed(": ping\n\nevent: e\ndata: {\"a\":");
  ASSERT_TRUE(cutter_.Next(&event_));  // The comment.
  EXPECT_FALSE(cutter_.Next(&event_));
  ASSERT_TRUE(cutter_.FeedEnd().ok());
  bool is_whole = true;
  ASSERT_TRUE(cutter_.NextAtEnd(&event_, &is_whole));
  EXPECT_FALSE(is_whole);
  EXPECT_EQ(event_.name, "e");
  EXPECT_EQ(event_.data, "{\"a\":");
  EXPECT_FALSE(cutter_.NextAtEnd(&event_, &is_whole));
}

TEST(EventCutterLinesTest, EachLineIsAnEvent) {
  EventCutter cutter(Framing::kJsonLines, kLimit);
  ASSERT_TRUE(cutter.Feed("{\"a\":1}\n{\"b\"").ok());
  StreamEvent event;
  ASSERT_TRUE(cutter.Next(&event));
  EXPECT_EQ(event.name, "");
  EXPECT_EQ(event.data, "{\"a\":1}");
  EXPECT_TRUE(event.has_data);
  EXPECT_FALSE(cutter.Next(&event));
}

TEST(EventCutterLargeTest, TellsOfWhatCameInPiecesAndGivesItBack) {
  for (const Framing framing :
       {Framing::kServerSentEvents, Framing::kJsonLines}) {
    EventCutter cutter(framing, kLimit);
    StreamEvent event;
    ASSERT_TRUE(cutter.Feed("data: 12345").ok());
    EXPECT_FALSE(cutter.Next(&event));
    ASSERT_TRUE(cutter.Feed("6\n\n").ok());
    EXPECT_GT(cutter.BytesToCut(10), 11u);
    EXPECT_EQ(cutter.BytesToCut(11), 0u);
    ASSERT_TRUE(cutter.Next(&event));
    EXPECT_GT(cutter.held_bytes(), 0u);
    cutter.GiveBack();
    EXPECT_EQ(cutter.held_bytes(), 0u);
  }
}

}  // namespace
}  // namespace gateway
