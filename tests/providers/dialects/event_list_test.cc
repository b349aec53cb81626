#include "providers/dialects/event_list.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;

std::vector<std::string> TextsOf(const EventList& events) {
  std::vector<std::string> texts;
  for (const v1::GenerateEvent& event : events) {
    texts.push_back(event.delta().text());
  }
  return texts;
}

TEST(EventListTest, IsEmptyAtFirst) {
  EventList events;
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(events.size(), 0u);
  for (v1::GenerateEvent& event : events) ADD_FAILURE() << event.seq();
  for (const v1::GenerateEvent& event : std::as_const(events)) {
    ADD_FAILURE() << event.seq();
  }
}

TEST(EventListTest, KeepsEventsInOrderAndInPlace) {
  EventList events;
  v1::GenerateEvent& first = events.emplace_back();
  first.mutable_delta()->set_text("0");
  for (int i = 1; i < 1000; ++i) {
    events.emplace_back().mutable_delta()->set_text(std::to_string(i));
  }
  ASSERT_EQ(events.size(), 1000u);
  EXPECT_EQ(&first, &events[0]);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].delta().text(), std::to_string(i));
  }
  EXPECT_EQ(events.back().delta().text(), "999");
}

TEST(EventListTest, CopiesWhatIsPushed) {
  v1::GenerateEvent event;
  event.mutable_delta()->set_text("a text too long for the string itself");
  EventList events;
  events.push_back(event);
  event.mutable_delta()->set_text("another");
  events.push_back(event);
  EXPECT_THAT(TextsOf(events),
              ElementsAre("a text too long for the string itself", "another"));
}

TEST(EventListTest, CanBeChangedInPlace) {
  EventList events;
  events.emplace_back();
  events.emplace_back();
  for (v1::GenerateEvent& event : events) event.mutable_delta()->set_text("x");
  events[1].mutable_delta()->set_text("y");
  EXPECT_THAT(TextsOf(events), ElementsAre("x", "y"));
}

TEST(EventListTest, BeginsAnewWhenCleared) {
  EventList events;
  events.emplace_back().mutable_delta()->set_text("old");
  events.clear();
  EXPECT_TRUE(events.empty());
  events.emplace_back().mutable_delta()->set_text("new");
  EXPECT_THAT(TextsOf(events), ElementsAre("new"));
}

TEST(EventListTest, AppendsAllEventsOfAnother) {
  const auto list = [](std::string text) {
    EventList events;
    events.emplace_back().mutable_delta()->set_text(std::move(text));
    return events;
  };
  EventList events;
  EventList first = list("0");
  const v1::GenerateEvent* const moved = &first[0];
  events.Append(std::move(first));
  EXPECT_EQ(&events[0], moved);
  events.Append(EventList());
  events.Append(list("1"));
  events.emplace_back().mutable_delta()->set_text("2");
  EXPECT_THAT(TextsOf(events), ElementsAre("0", "1", "2"));
}

TEST(EventListTest, MovesWithItsEvents) {
  EventList events;
  const v1::GenerateEvent* const event = &events.emplace_back();
  EventList moved = std::move(events);
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(&moved[0], event);
  EventList assigned;
  assigned.emplace_back();
  assigned = std::move(moved);
  ASSERT_EQ(assigned.size(), 1u);
  EXPECT_EQ(&assigned[0], event);
}

TEST(EventListTest, WhatIsPutBeforeLeavesItsOwnInPlace) {
  const auto list = [](std::initializer_list<const char*> texts) {
    EventList events;
    for (const char* text : texts) {
      events.emplace_back().mutable_delta()->set_text(text);
    }
    return events;
  };
  EventList events = list({"2", "3"});
  const v1::GenerateEvent* const own = &events[0];
  events.Prepend(EventList());
  events.Prepend(list({"0", "1"}));
  EXPECT_THAT(TextsOf(events), ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(&events[2], own);
  EventList none;
  none.Prepend(std::move(events));
  EXPECT_EQ(&none[2], own);
}

TEST(EventListTest, CountsItsTexts) {
  EventList events;
  EXPECT_EQ(events.held_bytes(), 0u);
  const std::string text(100'000, 'x');
  events.emplace_back().mutable_delta()->set_text(text);
  const size_t one = events.held_bytes();
  EXPECT_GT(one, text.size());
  EXPECT_LT(one, text.size() + 10'000);
  events.emplace_back().mutable_delta()->set_text(text);
  EXPECT_GT(events.held_bytes(), one + text.size());
}

}  // namespace
}  // namespace gateway
