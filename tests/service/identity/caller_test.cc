#include "service/identity/caller.h"

#include <set>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

TEST(CallerTest, WhoNeedNotShowAnythingIsAnonymousAndMayDoAll) {
  const Caller& caller = *AnonymousCaller();
  EXPECT_EQ(caller.id, "");
  EXPECT_EQ(caller.method, CallerMethod::kAnonymous);
  EXPECT_TRUE(caller.scopes.unrestricted());
  EXPECT_EQ(caller.expire_time, absl::InfiniteFuture());
  EXPECT_EQ(caller.priority, CallerPriority::kNormal);
  EXPECT_EQ(AnonymousCaller().get(), &caller);
}

TEST(CallerTest, ALabelIsFoundByItsName) {
  Caller caller;
  caller.labels = {{"team", "search"}, {"stage", "prod"}};
  EXPECT_EQ(caller.Label("stage"), "prod");
  EXPECT_EQ(caller.Label("team"), "search");
  EXPECT_EQ(caller.Label("tea"), "");
}

TEST(CallerTest, EveryMethodAndPriorityHasItsOwnName) {
  std::set<std::string_view> names;
  for (const CallerMethod method :
       {CallerMethod::kAnonymous, CallerMethod::kConfiguredKey,
        CallerMethod::kIssuedKey, CallerMethod::kJwt,
        CallerMethod::kCertificate}) {
    names.insert(CallerMethodName(method));
  }
  for (const CallerPriority priority :
       {CallerPriority::kCritical, CallerPriority::kHigh,
        CallerPriority::kNormal, CallerPriority::kLow}) {
    names.insert(CallerPriorityName(priority));
  }
  EXPECT_EQ(names.size(), 9u);
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_EQ(CallerMethodName(CallerMethod::kIssuedKey), "issued_key");
  EXPECT_EQ(CallerPriorityName(CallerPriority::kLow), "low");
}

TEST(CallerTest, APriorityIsWhatAnOperatorHasSaid) {
  EXPECT_EQ(CallerPriorityOf(configv1::PRIORITY_CRITICAL),
            CallerPriority::kCritical);
  EXPECT_EQ(CallerPriorityOf(configv1::PRIORITY_HIGH), CallerPriority::kHigh);
  EXPECT_EQ(CallerPriorityOf(configv1::PRIORITY_NORMAL),
            CallerPriority::kNormal);
  EXPECT_EQ(CallerPriorityOf(configv1::PRIORITY_LOW), CallerPriority::kLow);
  EXPECT_EQ(CallerPriorityOf(configv1::PRIORITY_UNSPECIFIED),
            CallerPriority::kNormal);
}

TEST(CallerTest, PrioritiesAreInTheOrderOfTheirPrecedence) {
  EXPECT_LT(CallerPriority::kCritical, CallerPriority::kHigh);
  EXPECT_LT(CallerPriority::kHigh, CallerPriority::kNormal);
  EXPECT_LT(CallerPriority::kNormal, CallerPriority::kLow);
}

TEST(CallerTest, WhoNeedShowNothingIsKnownAndWhoShowsNothingRightIsNot) {
  EXPECT_TRUE(IsKnown(*AnonymousCaller()));
  EXPECT_TRUE(IsKnown(Caller()));
  EXPECT_FALSE(IsKnown(*UnknownCaller()));
  EXPECT_EQ(UnknownCaller()->id, "");
}

}  // namespace
}  // namespace gateway
