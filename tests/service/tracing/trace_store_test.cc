#include "service/tracing/trace_store.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/tracing/traced_calls.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

constexpr TraceStore::Limits kStoreLimits = {.parts = 2,
                                             .traces = 100,
                                             .bytes = size_t{1} << 20,
                                             .ttl = absl::Hours(24)};

class TraceStoreTest : public testing::Test {
 protected:
  // That ends now, of a call with this id.
  KeptTraceRef Trace(std::string_view id) {
    TestCall call;
    Fill(id, &call);
    return call.kept();
  }
  void Fill(std::string_view id, TestCall* call) {
    call->record.request_id = id;
    call->record.duration = absl::Milliseconds(100);
    call->record.start_time = clock_.WallTime() - absl::Milliseconds(100);
  }

  static std::string Ids(const std::vector<KeptTraceRef>& traces) {
    std::string ids;
    for (const KeptTraceRef& each : traces) {
      absl::StrAppend(&ids, ids.empty() ? "" : " ",
                      std::string(each->request_id));
    }
    return ids;
  }

  FakeClock clock_;
};

TEST_F(TraceStoreTest, ListsTheNewestOfAllLoopsFirst) {
  TraceStore store(kStoreLimits, clock_);
  TraceStore::Part& one = store.part(0);
  TraceStore::Part& other = store.part(1);
  for (int i = 0; i < 6; ++i) {
    clock_.Advance(absl::Seconds(1));
    (i % 2 == 0 ? one : other).Add(Trace(absl::StrCat("r", i)));
  }
  EXPECT_EQ(Ids(store.List({})), "r5 r4 r3 r2 r1 r0");
  EXPECT_EQ(Ids(store.List({.limit = 2})), "r5 r4");
}

TEST_F(TraceStoreTest, ACallerWithManyPushesOutItsOwn) {
  TraceStore store({.traces = 80, .bytes = size_t{1} << 20}, clock_);
  const auto add = [&](std::string_view caller, int i) {
    TestCall call;
    const std::string id = absl::StrCat(std::string(caller), "-", i);
    clock_.Advance(absl::Milliseconds(1));
    Fill(id, &call);
    call.record.caller = caller;
    store.part(0).Add(call.kept());
  };
  const auto count = [&](std::string_view caller) {
    int found = 0;
    for (const KeptTraceRef& each : store.List({.limit = 1000})) {
      found += each->caller == caller;
    }
    return found;
  };
  for (int i = 0; i < 40; ++i) add("alice", i);
  for (int i = 0; i < 1000; ++i) add("mallory", i);
  EXPECT_EQ(count("alice"), 40);
  EXPECT_EQ(count("mallory"), 40);
  EXPECT_EQ(Ids(store.List({.limit = 1})), "mallory-999");
  // Who has few has a place all the same, before the oldest of all.
  for (int i = 0; i < 10; ++i) add("bob", i);
  EXPECT_EQ(count("bob"), 10);
  EXPECT_EQ(count("alice"), 30);
  add("bob", 10);
  add("bob", 11);
  EXPECT_EQ(count("bob"), 10);
  EXPECT_EQ(store.size().traces, 80u);
}

TEST_F(TraceStoreTest, WhoIsAloneHasAllPlaces) {
  TraceStore store({.traces = 80, .bytes = size_t{1} << 20}, clock_);
  for (int i = 0; i < 200; ++i) {
    clock_.Advance(absl::Milliseconds(1));
    store.part(0).Add(Trace(absl::StrCat("r", i)));
  }
  EXPECT_EQ(store.size().traces, 80u);
  EXPECT_EQ(Ids(store.List({.limit = 2})), "r199 r198");
}

TEST_F(TraceStoreTest, AListGoesOnWhereItWas) {
  TraceStore store(kStoreLimits, clock_);
  TraceStore::Part& one = store.part(0);
  TraceStore::Part& other = store.part(1);
  // All at one moment: their ids tell them apart.
  for (int i = 0; i < 5; ++i) {
    (i % 2 == 0 ? one : other).Add(Trace(absl::StrCat("r", i)));
  }
  const std::string all = Ids(store.List({}));
  std::string pages;
  std::optional<TraceStore::Place> after;
  for (int i = 0; i < 3; ++i) {
    const auto page = store.List({.after = after, .limit = 2});
    ASSERT_FALSE(page.empty());
    absl::StrAppend(&pages, pages.empty() ? "" : " ", Ids(page));
    after = PlaceOf(*page.back());
    // Newer ones are not among those behind.
    clock_.Advance(absl::Seconds(1));
    one.Add(Trace("new"));
  }
  EXPECT_EQ(pages, all);
  EXPECT_TRUE(store.List({.after = after}).empty());
}

TEST_F(TraceStoreTest, TheOldestGoFirst) {
  TraceStore store({.parts = 2, .traces = 4, .bytes = size_t{1} << 20}, clock_);
  TraceStore::Part& one = store.part(0);
  TraceStore::Part& other = store.part(1);
  for (int i = 0; i < 4; ++i) one.Add(Trace(absl::StrCat("r", i)));
  other.Add(Trace("other"));
  EXPECT_EQ(store.size().traces, 3u);  // A part has its share.
  const std::string kept = Ids(store.List({}));
  EXPECT_EQ(kept.find("r0"), kept.npos);
  EXPECT_EQ(kept.find("r1"), kept.npos);
}

TEST_F(TraceStoreTest, KeepsToItsBytes) {
  const size_t one = Trace("r0")->bytes();
  TraceStore store({.traces = 100, .bytes = 3 * one + one / 2}, clock_);
  TraceStore::Part& part = store.part(0);
  for (int i = 0; i < 10; ++i) part.Add(Trace(absl::StrCat("r", i)));
  EXPECT_EQ(store.size().traces, 3u);
  EXPECT_LE(store.size().bytes, 3 * one + one / 2);
}

TEST_F(TraceStoreTest, NothingIsShownThatIsTooOld) {
  TraceStore store(kStoreLimits, clock_);
  TraceStore::Part& part = store.part(0);
  const KeptTraceRef old = Trace("old");
  part.Add(old);
  clock_.Advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_EQ(Ids(store.List({})), "old");
  EXPECT_TRUE(store.FindRequest("old").has_value());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(store.List({}).empty());
  EXPECT_TRUE(store.Find(old->trace).empty());
  EXPECT_FALSE(store.FindRequest("old").has_value());
  part.Add(Trace("new"));
  EXPECT_EQ(store.size().traces, 1u);
}

TEST_F(TraceStoreTest, FiltersByWhatIsAsked) {
  TraceStore store(kStoreLimits, clock_);
  TraceStore::Part& part = store.part(0);
  TestCall failed;
  Fill("failed", &failed);
  failed.record.provider = "openai";
  failed.record.model_asked = "fast";
  failed.record.model_served = "gpt-x";
  failed.Fail(absl::StatusCode::kUnavailable,
              llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "away");
  part.Add(failed.kept());
  clock_.Advance(absl::Minutes(10));
  TestCall slow;
  Fill("slow", &slow);
  slow.record.provider = "gemini";
  slow.record.model_asked = "fast";
  slow.record.start_time = clock_.WallTime() - absl::Seconds(9);
  slow.record.duration = absl::Seconds(9);
  part.Add(slow.kept());

  EXPECT_EQ(Ids(store.List({.failed = true})), "failed");
  EXPECT_EQ(Ids(store.List({.failed = false})), "slow");
  EXPECT_EQ(Ids(store.List({.provider = "gemini"})), "slow");
  EXPECT_EQ(Ids(store.List({.model = "gpt-x"})), "failed");
  EXPECT_EQ(Ids(store.List({.model = "fast"})), "slow failed");
  EXPECT_EQ(Ids(store.List({.min_duration = absl::Seconds(9)})), "slow");
  EXPECT_EQ(Ids(store.List({.min_duration = absl::Seconds(10)})), "");
  EXPECT_EQ(Ids(store.List({.window = absl::Minutes(5)})), "slow");
  EXPECT_EQ(Ids(store.List({.window = absl::Minutes(10)})), "slow failed");
  EXPECT_EQ(Ids(store.List({.failed = true, .provider = "gemini"})), "");
}

TEST_F(TraceStoreTest, FindsAllCallsOfATrace) {
  TraceStore store(kStoreLimits, clock_);
  TraceStore::Part& one = store.part(0);
  TraceStore::Part& other = store.part(1);
  constexpr std::string_view kParent =
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  TestCall first(kParent);
  Fill("first", &first);
  one.Add(first.kept());
  clock_.Advance(absl::Seconds(1));
  TestCall second(kParent);
  Fill("second", &second);
  other.Add(second.kept());
  one.Add(Trace("third"));
  EXPECT_EQ(Ids(store.Find(first.trace->trace())), "first second");
  EXPECT_EQ(store.FindRequest("second"), first.trace->trace());
  EXPECT_EQ(store.FindRequest("nobody"), std::nullopt);
  EXPECT_EQ(store.FindRequest(""), std::nullopt);
}

TEST_F(TraceStoreTest, MayKeepNothing) {
  TraceStore store({.traces = 0}, clock_);
  TraceStore::Part& part = store.part(0);
  part.Add(Trace("r"));
  EXPECT_FALSE(store.enabled());
  EXPECT_EQ(store.size().traces, 0u);
}

TEST_F(TraceStoreTest, ManyAreLookedAtInTurns) {
  TraceStore store({.traces = 1000, .bytes = size_t{64} << 20}, clock_);
  TraceStore::Part& part = store.part(0);
  for (int i = 0; i < 1000; ++i) part.Add(Trace(absl::StrCat("r", i)));
  EXPECT_EQ(store.List({.limit = 5000}).size(), 1000u);
  EXPECT_TRUE(store.FindRequest("r0").has_value());
}

}  // namespace
}  // namespace gateway
