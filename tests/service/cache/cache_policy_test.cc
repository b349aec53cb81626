#include "service/cache/cache_policy.h"

#include <set>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

CacheableRequest Plain() { return {.generates = true}; }

CacheBypass BypassOf(const CachePolicy& policy,
                     const CacheableRequest& request) {
  const CacheUse use = UseOfCache(policy, request, {});
  EXPECT_EQ(use.reads, use.bypass == CacheBypass::kNone);
  EXPECT_EQ(use.keeps, use.bypass == CacheBypass::kNone);
  return use.bypass;
}

TEST(CachePolicyTest, APlainRequestIsReadAndKept) {
  const CacheUse use = UseOfCache({}, Plain(), {});
  EXPECT_TRUE(use.reads);
  EXPECT_TRUE(use.keeps);
  EXPECT_FALSE(use.only_if_cached);
  EXPECT_EQ(use.age_max, absl::InfiniteDuration());
  EXPECT_EQ(use.bypass, CacheBypass::kNone);
}

TEST(CachePolicyTest, WhatHasAnEffectOfItsOwnIsAskedForUnlessConfigured) {
  CacheableRequest request = Plain();
  request.has_tools = true;
  EXPECT_EQ(BypassOf({}, request), CacheBypass::kTools);
  EXPECT_EQ(BypassOf({.tools = true}, request), CacheBypass::kNone);
  request = Plain();
  request.stream = true;
  EXPECT_EQ(BypassOf({}, request), CacheBypass::kStream);
  EXPECT_EQ(BypassOf({.streams = true}, request), CacheBypass::kNone);
  request = Plain();
  request.stored = true;
  EXPECT_EQ(BypassOf({}, request), CacheBypass::kStored);
  EXPECT_EQ(BypassOf({.stored = true}, request), CacheBypass::kNone);
}

TEST(CachePolicyTest, SomeRequestsAreAlwaysAskedFor) {
  const CachePolicy all = {.tools = true, .streams = true, .stored = true};
  EXPECT_EQ(BypassOf(all, {}), CacheBypass::kOperation);
  CacheableRequest request = Plain();
  request.model_is_kept = false;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kModel);
  request = Plain();
  request.builds_on_stored = true;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kBuildsOnStored);
  request = Plain();
  request.background = true;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kBackground);
  request = Plain();
  request.callers_credential = true;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kCallersCredential);
  request = Plain();
  request.request_bytes = kCacheableRequestBytesMax;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kNone);
  ++request.request_bytes;
  EXPECT_EQ(BypassOf(all, request), CacheBypass::kRequestTooLarge);
}

TEST(CachePolicyTest, EachBypassHasAName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(CacheBypass::kCacheControl); ++i) {
    EXPECT_TRUE(
        names.insert(CacheBypassName(static_cast<CacheBypass>(i))).second)
        << i;
  }
}

TEST(CachePolicyTest, ACallerMaySayWhatItWants) {
  CacheUse use = UseOfCache({}, Plain(), ParseCacheControl("no-cache"));
  EXPECT_FALSE(use.reads);
  EXPECT_TRUE(use.keeps);
  use = UseOfCache({}, Plain(), ParseCacheControl("no-store"));
  EXPECT_TRUE(use.reads);
  EXPECT_FALSE(use.keeps);
  use = UseOfCache({}, Plain(), ParseCacheControl("no-store, no-cache"));
  EXPECT_FALSE(use.reads);
  EXPECT_FALSE(use.keeps);
  EXPECT_EQ(use.bypass, CacheBypass::kCacheControl);
  use = UseOfCache({}, Plain(), ParseCacheControl("max-age=30"));
  EXPECT_TRUE(use.reads);
  EXPECT_EQ(use.age_max, absl::Seconds(30));
  use = UseOfCache({}, Plain(), ParseCacheControl("max-age=0"));
  EXPECT_FALSE(use.reads);
  EXPECT_TRUE(use.keeps);
  use = UseOfCache({}, Plain(), ParseCacheControl("only-if-cached"));
  EXPECT_TRUE(use.only_if_cached);
  EXPECT_TRUE(use.reads);
}

TEST(CachePolicyTest, WhatIsNotCacheableIsStillNotAskedForOnlyIfCached) {
  CacheableRequest request = Plain();
  request.has_tools = true;
  const CacheUse use =
      UseOfCache({}, request, ParseCacheControl("only-if-cached"));
  EXPECT_FALSE(use.reads);
  EXPECT_TRUE(use.only_if_cached);
}

TEST(CachePolicyTest, OnRequestMeansThatAnAgeIsGiven) {
  const CachePolicy policy = {.on_request = true};
  EXPECT_EQ(BypassOf(policy, Plain()), CacheBypass::kNotRequested);
  EXPECT_EQ(UseOfCache(policy, Plain(), ParseCacheControl("no-store")).bypass,
            CacheBypass::kNotRequested);
  const CacheUse use =
      UseOfCache(policy, Plain(), ParseCacheControl("max-age=5"));
  EXPECT_TRUE(use.reads);
  EXPECT_TRUE(use.keeps);
}

TEST(CachePolicyTest, TheFieldIsReadAsTheStandardHasIt) {
  const CacheControl control = ParseCacheControl(
      " No-Cache ,NO-STORE,, only-IF-cached\t, Max-Age=\"90\", min-fresh=2");
  EXPECT_TRUE(control.no_cache);
  EXPECT_TRUE(control.no_store);
  EXPECT_TRUE(control.only_if_cached);
  EXPECT_EQ(control.age_max, absl::Seconds(90));
  for (const std::string_view nothing :
       {"", ",", "nocache", "no-cached", "max-stale", "private", " ", "=",
        "no-cache-at-all"}) {
    const CacheControl none = ParseCacheControl(nothing);
    EXPECT_FALSE(none.no_cache || none.no_store || none.only_if_cached)
        << nothing;
    EXPECT_EQ(none.age_max, absl::InfiniteDuration()) << nothing;
  }
  for (const std::string_view stale :
       {"max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=1.5",
        "max-age=\"\"", "max-age= 5"}) {
    EXPECT_EQ(ParseCacheControl(stale).age_max, absl::ZeroDuration()) << stale;
  }
  const absl::Duration long_time =
      ParseCacheControl("max-age=" + std::string(100, '9')).age_max;
  EXPECT_GT(long_time, absl::Hours(24 * 365));
  EXPECT_LT(long_time, absl::InfiniteDuration());
}

TEST(CachePolicyTest, OnlyCompleteGoodAnswersAreKept) {
  const CacheableAnswer good = {
      .ok = true, .complete = true, .finish_reason = v1::FINISH_REASON_STOP};
  EXPECT_TRUE(IsWorthKeeping({}, good));
  CacheableAnswer answer = good;
  answer.ok = false;
  EXPECT_FALSE(IsWorthKeeping({}, answer));
  answer = good;
  answer.complete = false;
  EXPECT_FALSE(IsWorthKeeping({}, answer));
  answer = good;
  answer.output_invalid = true;
  EXPECT_FALSE(IsWorthKeeping({}, answer));
  for (const v1::FinishReason reason :
       {v1::FINISH_REASON_UNSPECIFIED, v1::FINISH_REASON_LENGTH,
        v1::FINISH_REASON_TOOL_CALLS, v1::FINISH_REASON_CONTENT_FILTER,
        v1::FINISH_REASON_PAUSE, v1::FINISH_REASON_ERROR}) {
    answer = good;
    answer.finish_reason = reason;
    EXPECT_FALSE(IsWorthKeeping({}, answer)) << reason;
    EXPECT_EQ(IsWorthKeeping({.tools = true}, answer),
              reason == v1::FINISH_REASON_TOOL_CALLS)
        << reason;
  }
}

}  // namespace
}  // namespace gateway
