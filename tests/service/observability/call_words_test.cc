#include "service/observability/call_words.h"

#include <set>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

TEST(CallWordsTest, EveryKindOfAttemptHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int kind = v1::Attempt::Kind_MIN; kind <= v1::Attempt::Kind_MAX;
       ++kind) {
    if (!v1::Attempt::Kind_IsValid(kind)) continue;
    const bool is_new =
        words.insert(AttemptKindWord(static_cast<v1::Attempt::Kind>(kind)))
            .second;
    EXPECT_TRUE(is_new) << kind;
  }
  EXPECT_EQ(AttemptKindWord(v1::Attempt::KIND_UNSPECIFIED), "");
}

TEST(CallWordsTest, EveryFinishReasonHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int reason = 0; reason <= v1::FinishReason_MAX; ++reason) {
    if (!v1::FinishReason_IsValid(reason)) continue;
    const bool is_new =
        words.insert(FinishReasonWord(static_cast<v1::FinishReason>(reason)))
            .second;
    EXPECT_TRUE(is_new) << reason;
  }
  EXPECT_EQ(FinishReasonWord(v1::FINISH_REASON_UNSPECIFIED), "");
}

TEST(CallWordsTest, CodesHaveTheStatusThatHttpHasForThem) {
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kOk), 200);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kFailedPrecondition), 400);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kInvalidArgument), 400);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kUnauthenticated), 401);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kPermissionDenied), 403);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kResourceExhausted), 429);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kCancelled), 499);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kDataLoss), 500);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kInternal), 500);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kUnavailable), 503);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kDeadlineExceeded), 504);
}

}  // namespace
}  // namespace gateway
