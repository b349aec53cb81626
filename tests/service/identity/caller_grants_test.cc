#include "service/identity/caller_grants.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/server.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kGranted[] =
    "owner: 'team@example' scopes: 'model:cheap-*' "
    "labels: {key: 'b' value: '2'} labels: {key: 'a' value: '1'} "
    "priority: PRIORITY_LOW "
    "limits: {unit: LIMIT_UNIT_REQUESTS limit: 5} "
    "limits: {unit: LIMIT_UNIT_COST limit_usd: '1'}";

template <typename Grants>
Caller CallerOf(const std::string& text) {
  Grants grants;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &grants));
  return CallerWithGrants(grants);
}

void ExpectGranted(const Caller& caller) {
  EXPECT_EQ(caller.id, "");
  EXPECT_EQ(caller.owner, "team@example");
  EXPECT_TRUE(caller.scopes.AllowsModel("cheap-1"));
  EXPECT_FALSE(caller.scopes.AllowsModel("dear-1"));
  EXPECT_THAT(caller.labels, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(caller.priority, CallerPriority::kLow);
  ASSERT_EQ(caller.limits.size(), 2u);
  EXPECT_EQ(caller.limits[0].limit(), 5);
  EXPECT_EQ(caller.limits[1].limit_usd(), "1");
}

TEST(CallerGrantsTest, GrantsAreThoseOfTheCaller) {
  ExpectGranted(CallerOf<configv1::CallerGrants>(kGranted));
}

TEST(CallerGrantsTest, AKeyGrantsTheSame) {
  ExpectGranted(
      CallerOf<configv1::ApiKey>(std::string(kGranted) + " id: 'not-told'"));
}

TEST(CallerGrantsTest, WithoutGrantsEverythingIsAllowed) {
  const Caller caller = CallerOf<configv1::CallerGrants>("");
  EXPECT_TRUE(caller.scopes.AllowsModel("dear-1"));
  EXPECT_THAT(caller.labels, IsEmpty());
  EXPECT_THAT(caller.limits, IsEmpty());
  EXPECT_EQ(caller.priority, CallerPriority::kNormal);
  EXPECT_EQ(caller.expire_time, absl::InfiniteFuture());
}

}  // namespace
}  // namespace gateway
