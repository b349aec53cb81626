#include "service/config/cache_validator.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CacheValidatorTest, AnAnswerFitsIntoTheCache) {
  EXPECT_THAT(ProblemsBesideAMock("cache: {size_bytes_limit: 64KiB, "
                                  "answer_bytes_limit: 64KiB}\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("cache: {size_bytes_limit: 64KiB}\n"),
              ElementsAre("cache.answer_bytes_limit: must be at most "
                          "cache.size_bytes_limit, where all answers have to "
                          "fit"));
}

TEST(CacheValidatorTest, FieldsAndModelsHaveNames) {
  EXPECT_THAT(ProblemsBesideAMock("cache: {ignored_fields: [user, trace], "
                                  "models: ['gpt-*', x]}\n"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock("cache: {ignored_fields: [''], models: [a, '']}\n"),
      ElementsAre("cache.ignored_fields[0]: must have 1 to 256 characters",
                  "cache.models[1]: must have 1 to 256 characters"));
  std::string many = "cache:\n  ignored_fields:\n";
  for (int i = 0; i < 65; ++i) many += "  - f" + std::to_string(i) + "\n";
  EXPECT_EQ(ProblemsBesideAMock(many).size(), 1);
}

TEST(CacheValidatorTest, WhatARequestAsksTellsItApart) {
  EXPECT_THAT(
      ProblemsBesideAMock("cache: {ignored_fields: [user, messages, model]}\n"),
      ElementsAre("cache.ignored_fields[1]: is 'messages', which is what a "
                  "request asks: different questions would get one answer; "
                  "leave it out",
                  HasSubstr("cache.ignored_fields[2]: is 'model', which")));
  for (const std::string field :
       {"input", "contents", "system", "systemInstruction", "instructions",
        "tools", "functions", "prompt", "response_format"}) {
    EXPECT_EQ(ProblemsBesideAMock("cache: {ignored_fields: [" + field + "]}\n")
                  .size(),
              1)
        << field;
  }
}

TEST(CacheValidatorTest, WhatReplicasShareIsInRedis) {
  for (const std::string section : {"cache", "idempotency"}) {
    EXPECT_THAT(ProblemsBesideAMock(section + ": {shared: true}\n" +
                                    "redis: {addresses: ['a:1']}\n"),
                IsEmpty());
    EXPECT_THAT(ProblemsBesideAMock(section + ": {shared: false}\n"),
                IsEmpty());
    EXPECT_THAT(ProblemsBesideAMock(section + ": {shared: true}\n"),
                ElementsAre(section +
                            ".shared: is true, and no 'redis' says where that "
                            "is; give redis.addresses"));
  }
}

TEST(CacheValidatorTest, WarnsOfWhatOnlyOneReplicaKnows) {
  const std::string replicas =
      "runtime: {replicas: 2}\nresponse_store: {entries_limit: 0}\n";
  EXPECT_THAT(WarningsBesideAMock("idempotency: {}\n" + replicas),
              ElementsAre(AllOf(HasSubstr("idempotency: is not shared"),
                                HasSubstr("there are 2"),
                                HasSubstr("set idempotency.shared"))));
  EXPECT_THAT(WarningsBesideAMock("resumable_streams: {}\n" + replicas),
              ElementsAre(AllOf(HasSubstr("resumable_streams: "),
                                HasSubstr("only at the replica where it "
                                          "began"),
                                HasSubstr("there are 2"))));
  EXPECT_THAT(WarningsBesideAMock("idempotency: {shared: true}\n"
                                  "redis: {addresses: ['a:1']}\n" +
                                  replicas),
              IsEmpty());
  EXPECT_THAT(WarningsBesideAMock("cache: {}\n" + replicas), IsEmpty());
  EXPECT_THAT(WarningsBesideAMock("idempotency: {}\nresumable_streams: {}\n"),
              IsEmpty());
}

}  // namespace
}  // namespace gateway
