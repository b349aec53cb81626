#include "service/store/record_store.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(RecordStoreChecksTest, AVersionIsWhatWasExpectedOrAnything) {
  EXPECT_TRUE(CheckRecordVersion("keys", 0, std::nullopt).ok());
  EXPECT_TRUE(CheckRecordVersion("keys", 3, std::nullopt).ok());
  EXPECT_TRUE(CheckRecordVersion("keys", 0, 0).ok());
  EXPECT_TRUE(CheckRecordVersion("keys", 3, 3).ok());
  EXPECT_EQ(CheckRecordVersion("keys", 3, 2),
            absl::AbortedError("keys: the record is of version 3, version 2 "
                               "was expected; read it again"));
  EXPECT_EQ(CheckRecordVersion("keys", 3, 0),
            absl::AbortedError("keys: the record is of version 3, there was to "
                               "be none; read it again"));
  EXPECT_EQ(CheckRecordVersion("keys", 0, 2),
            absl::AbortedError("keys: there is no such record, version 2 was "
                               "expected; read it again"));
}

TEST(RecordStoreChecksTest, WhatAQuotaRefusesIsToldFromAFullStore) {
  for (const QuotaRefusal refusal :
       {QuotaRefusal::kCollection, QuotaRefusal::kOwner}) {
    const absl::Status refused = RefuseByQuota("things", refusal);
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(QuotaRefusalOf(refused), refusal);
  }
  EXPECT_EQ(QuotaRefusalOf(absl::ResourceExhaustedError("the disk is full")),
            std::nullopt);
  EXPECT_EQ(QuotaRefusalOf(absl::OkStatus()), std::nullopt);
}

TEST(RecordStoreChecksTest, ASequenceIsAmongThoseThatAreKept) {
  const int64_t latest = kRecordChangesKept + 5;
  EXPECT_TRUE(CheckRecordSequence("keys", 0, kRecordChangesKept).ok());
  EXPECT_TRUE(CheckRecordSequence("keys", 5, latest).ok());
  EXPECT_TRUE(CheckRecordSequence("keys", latest, latest).ok());
  for (const int64_t sequence : {int64_t{-1}, int64_t{4}, latest + 1}) {
    const absl::Status status = CheckRecordSequence("keys", sequence, latest);
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(std::string(status.message()), HasSubstr("list it anew"));
  }
}

TEST(RecordStoreChecksTest, ErrorsNameTheLimit) {
  EXPECT_THAT(std::string(CheckCollection("Keys").message()),
              HasSubstr("1 to 64 of lower-case letters, digits and '_'"));
  EXPECT_EQ(
      CheckRecordKey("keys", std::string(513, 'k')),
      absl::InvalidArgumentError("keys: a key of 513 bytes; it has 1 to 512"));
  EXPECT_EQ(CheckRecordValue("keys", std::string((1 << 20) + 1, 'v')),
            absl::InvalidArgumentError(
                "keys: a value of 1048577 bytes; it has at most 1048576"));
}

TEST(RecordStoreChecksTest, APageHasAtLeastOneAndAtMostItsLimit) {
  EXPECT_EQ(RecordPageLimit(0).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*RecordPageLimit(1), 1);
  EXPECT_EQ(*RecordPageLimit(kRecordPageMax), kRecordPageMax);
  EXPECT_EQ(*RecordPageLimit(kRecordPageMax + 1), kRecordPageMax);
}

TEST(RecordStoreChecksTest, RecordsExpireAtAWholeMillisecondOrNever) {
  const absl::Time second = absl::FromUnixSeconds(1);
  EXPECT_EQ(RoundedExpireTime(second + absl::Microseconds(1999)),
            second + absl::Milliseconds(1));
  EXPECT_EQ(RoundedExpireTime(absl::InfiniteFuture()), absl::InfiniteFuture());
}

}  // namespace
}  // namespace gateway
