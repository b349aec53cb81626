#include "service/api/key_view.h"

#include <string>
#include <tuple>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using Key = v1::Key;

TEST(KeyViewTest, AGraceThatIsOverIsNotShown) {
  const absl::Time now = absl::FromUnixSeconds(1767323045);
  StoredKey stored;
  stored.version = 7;
  stored.record.mutable_key()->set_id("id");
  stored.record.set_secret_sha256("hidden");
  SetProto(now + absl::Seconds(1),
           stored.record.mutable_key()->mutable_previous_secret_expire_time());
  Key shown;
  FillKey(stored, now, &shown);
  EXPECT_EQ(shown.etag(), KeyEtag(stored));
  EXPECT_TRUE(shown.has_previous_secret_expire_time());
  FillKey(stored, now + absl::Seconds(1), &shown);
  EXPECT_FALSE(shown.has_previous_secret_expire_time());
  stored.version = 8;
  EXPECT_NE(shown.etag(), KeyEtag(stored));
}

TEST(KeyViewTest, WhatTheMaskNamesIsReplacedEvenByNothing) {
  Key from;
  from.set_owner("new");
  Key to;
  to.set_owner("old");
  to.set_display_name("name");
  to.add_scopes("model:a");
  to.mutable_expire_time()->set_seconds(1);
  google::protobuf::FieldMask mask;
  for (const char* path : {"owner", "scopes", "expire_time"}) {
    mask.add_paths(path);
  }
  ASSERT_TRUE(CheckKeyUpdateMask(mask).ok());
  LayOverKey(from, mask, &to);
  EXPECT_EQ(to.owner(), "new");
  EXPECT_EQ(to.display_name(), "name");
  EXPECT_TRUE(to.scopes().empty());
  EXPECT_FALSE(to.has_expire_time());
}

TEST(KeyViewTest, ATimeIsOneThatCanBe) {
  google::protobuf::Timestamp time;
  for (const auto& [seconds, nanos, ok] :
       {std::tuple(253'402'300'799L, 999'999'999, true),
        std::tuple(253'402'300'800L, 0, false), std::tuple(0L, -1, false),
        std::tuple(0L, 1'000'000'000, false),
        std::tuple(-62'135'596'800L, 0, true),
        std::tuple(-62'135'596'801L, 0, false)}) {
    time.set_seconds(seconds);
    time.set_nanos(nanos);
    EXPECT_EQ(CheckTime(time, "f").ok(), ok) << seconds << " " << nanos;
  }
}

TEST(KeyViewTest, APageTokenIsOfWhatWasAskedFor) {
  v1::ListKeysRequest request;
  request.set_owner("a/b");
  EXPECT_EQ(*KeyInPageToken(request), "");
  const std::string token = KeyPageToken(request, "aaaaaaaaaaaaaaaa");
  request.set_page_token(token);
  EXPECT_EQ(*KeyInPageToken(request), "aaaaaaaaaaaaaaaa");
  request.set_state(Key::STATE_ACTIVE);
  EXPECT_FALSE(KeyInPageToken(request).ok());
  for (const char* wrong : {"x", "key:", "key:0/short/", "key:0"}) {
    request.set_page_token(wrong);
    EXPECT_EQ(FaultReason(KeyInPageToken(request).status()),
              v1::ERROR_REASON_INVALID_REQUEST)
        << wrong;
  }
}

}  // namespace
}  // namespace gateway
