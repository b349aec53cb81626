#include "service/observability/request_feed.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

class RequestFeedTest : public testing::Test {
 protected:
  using Subscription = std::unique_ptr<RequestFeed::Subscription>;

  Subscription Watch(FeedFilter filter = {}) {
    absl::StatusOr<Subscription> watching =
        feed_.Subscribe(std::move(filter), [this] { ++wakes_; });
    EXPECT_TRUE(watching.ok()) << watching.status();
    return *std::move(watching);
  }

  void Publish(const std::string& id, const std::string& provider = "openai",
               absl::StatusCode code = absl::StatusCode::kOk) {
    CallRecord record;
    record.request_id = id;
    record.provider = provider;
    const std::string model = "model of " + provider;
    record.model_asked = model;
    record.status_code = code;
    feed_.Publish(record);
  }

  // The ids of all events that wait, `+n` for n lost before one.
  static std::string Drain(RequestFeed::Subscription& watching) {
    std::string ids;
    while (std::optional<FeedEvent> event = watching.Take()) {
      if (event->dropped_events > 0) {
        ids += "+" + std::to_string(event->dropped_events);
      }
      ids += event->call->record().request_id;
    }
    return ids;
  }

  RequestFeed feed_{{.events_limit = 3, .watchers_limit = 2}};
  int wakes_ = 0;
};

TEST_F(RequestFeedTest, AWatcherSeesTheCallsThatEndFromNowOn) {
  Publish("a");
  Subscription watching = Watch();
  EXPECT_EQ(Drain(*watching), "");
  Publish("b");
  Publish("c");
  EXPECT_EQ(Drain(*watching), "bc");
  EXPECT_EQ(Drain(*watching), "");
}

TEST_F(RequestFeedTest, OnlyWhoAsksIsToldThatCallsGoOn) {
  Subscription ends = Watch();
  EXPECT_FALSE(feed_.progress_watched());
  {
    Subscription all = Watch({.progress = true});
    EXPECT_TRUE(feed_.progress_watched());
    CallRecord record;
    record.request_id = "a";
    feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
    feed_.PublishProgress(FeedEvent::Kind::kFirstToken, record);
    feed_.Publish(record);
    for (const FeedEvent::Kind kind :
         {FeedEvent::Kind::kStarted, FeedEvent::Kind::kFirstToken,
          FeedEvent::Kind::kEnded}) {
      const std::optional<FeedEvent> event = all->Take();
      ASSERT_TRUE(event.has_value());
      EXPECT_EQ(event->kind, kind);
    }
  }
  EXPECT_FALSE(feed_.progress_watched());
  EXPECT_EQ(Drain(*ends), "a");
}

TEST_F(RequestFeedTest, EveryWatcherSeesEveryCall) {
  Subscription first = Watch();
  Subscription second = Watch();
  Publish("a");
  EXPECT_EQ(Drain(*first), "a");
  EXPECT_EQ(Drain(*second), "a");
}

TEST_F(RequestFeedTest, ASlowWatcherLosesTheOldestAndIsTold) {
  Subscription watching = Watch();
  for (const char* id : {"a", "b", "c", "d", "e"}) Publish(id);
  EXPECT_EQ(Drain(*watching), "+2cde");
  Publish("f");
  EXPECT_EQ(Drain(*watching), "f");
}

TEST_F(RequestFeedTest, FiltersAreAllToBeSatisfied) {
  Subscription watching = Watch({.provider = "anthropic",
                                 .model = "model of anthropic",
                                 .failures_only = true});
  Publish("a", "anthropic", absl::StatusCode::kOk);
  Publish("b", "openai", absl::StatusCode::kInternal);
  Publish("c", "anthropic", absl::StatusCode::kInternal);
  EXPECT_EQ(Drain(*watching), "c");

  Subscription by_model = Watch({.model = "model of openai"});
  Publish("d", "anthropic");
  Publish("e", "openai");
  EXPECT_EQ(Drain(*by_model), "e");
}

TEST_F(RequestFeedTest, WhatAFilterKeepsOutIsNotLost) {
  Subscription watching = Watch({.failures_only = true});
  for (int i = 0; i < 10; ++i) Publish("ok");
  Publish("a", "openai", absl::StatusCode::kInternal);
  EXPECT_EQ(Drain(*watching), "a");
}

TEST_F(RequestFeedTest, AWatcherIsWokenWhenThereIsSomethingAfterNothing) {
  Subscription watching = Watch();
  EXPECT_EQ(wakes_, 0);
  Publish("a");
  EXPECT_EQ(wakes_, 1);
  Publish("b");
  EXPECT_EQ(wakes_, 1);
  Drain(*watching);
  Publish("c");
  EXPECT_EQ(wakes_, 2);
}

TEST_F(RequestFeedTest, WhoIsGoneIsNotWoken) {
  Watch().reset();
  Publish("a");
  EXPECT_EQ(wakes_, 0);
}

TEST_F(RequestFeedTest, AFilterNamesWhoseCallsTheyAre) {
  CallRecord record;
  record.request_id = "a";
  record.model_served = "served";
  record.scope.agent_type = "agent";
  record.scope.project_id = "project";
  record.caller = "caller";
  record.caller_has_key = true;
  const FeedFilter all = {.model_served = "served",
                          .agent_type = "agent",
                          .project_id = "project",
                          .caller = "caller",
                          .key = "caller"};
  Subscription matching = Watch(all);
  feed_.Publish(record);
  EXPECT_EQ(Drain(*matching), "a");
  for (std::string FeedFilter::* const field :
       {&FeedFilter::model_served, &FeedFilter::agent_type,
        &FeedFilter::project_id, &FeedFilter::caller, &FeedFilter::key}) {
    FeedFilter another = all;
    another.*field = "another";
    Subscription watching = Watch(another);
    feed_.Publish(record);
    EXPECT_EQ(Drain(*watching), "");
  }
  // One whose caller has shown no key has none.
  Drain(*matching);
  record.caller_has_key = false;
  feed_.Publish(record);
  EXPECT_EQ(Drain(*matching), "");
}

TEST_F(RequestFeedTest, WhatStreamsConsumeIsToldToThoseWhoWantToKnow) {
  CallRecord record;
  record.request_id = "a";
  EXPECT_FALSE(feed_.usage_watched());
  Subscription ends = Watch({.progress = true});
  EXPECT_FALSE(feed_.usage_watched());
  Subscription usage = Watch({.usage_progress = true});
  EXPECT_TRUE(feed_.usage_watched());
  feed_.PublishProgress(FeedEvent::Kind::kUsage, record);
  EXPECT_EQ(Drain(*usage), "a");
  EXPECT_EQ(Drain(*ends), "");
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
  EXPECT_EQ(Drain(*usage), "");
  EXPECT_EQ(Drain(*ends), "a");
  usage.reset();
  EXPECT_FALSE(feed_.usage_watched());
}

TEST_F(RequestFeedTest, OnlySoManyMayWatch) {
  Subscription first = Watch();
  Subscription second = Watch();
  EXPECT_EQ(feed_.Subscribe({}, [] {}).status().code(),
            absl::StatusCode::kResourceExhausted);
  first.reset();
  Subscription third = Watch();
  Publish("a");
  EXPECT_EQ(Drain(*third), "a");
}

TEST_F(RequestFeedTest, ClosingWakesTheWatchersAndKeepsWhatTheyHave) {
  Subscription watching = Watch();
  Publish("a");
  EXPECT_FALSE(watching->closed());
  feed_.Close();
  EXPECT_EQ(wakes_, 2);
  EXPECT_TRUE(watching->closed());
  Publish("b");
  EXPECT_EQ(Drain(*watching), "a");
  EXPECT_EQ(feed_.Subscribe({}, [] {}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(RequestFeedTest, WhoWouldHoldUpADrainIsLetGoAtItsBegin) {
  Subscription stays = Watch();
  Subscription goes = Watch({.ends_at_drain = true});
  Publish("a");
  wakes_ = 0;
  feed_.BeginDrain();
  EXPECT_EQ(wakes_, 1);
  EXPECT_FALSE(stays->closed());
  EXPECT_TRUE(goes->closed());
  EXPECT_EQ(Drain(*goes), "a");
  goes.reset();
  EXPECT_EQ(feed_.Subscribe({.ends_at_drain = true}, [] {}).status().code(),
            absl::StatusCode::kUnavailable);
  Subscription comes = Watch();
  Publish("b");
  EXPECT_EQ(Drain(*stays), "ab");
  EXPECT_EQ(Drain(*comes), "b");
}

TEST_F(RequestFeedTest, WatchersComeAndGoWhileOthersPublish) {
  std::vector<Thread> publishers;
  for (int i = 0; i < 2; ++i) {
    publishers.emplace_back("publisher", [this] {
      CallRecord record;
      record.request_id = "x";
      for (int n = 0; n < 20000; ++n) feed_.Publish(record);
    });
  }
  for (int n = 0; n < 200; ++n) {
    absl::StatusOr<Subscription> watching = feed_.Subscribe({}, [] {});
    ASSERT_TRUE(watching.ok());
    while (std::optional<FeedEvent> event = (*watching)->Take()) {
      ASSERT_EQ(event->call->record().request_id, "x");
    }
  }
  for (Thread& publisher : publishers) publisher.Join();
}

}  // namespace
}  // namespace gateway
