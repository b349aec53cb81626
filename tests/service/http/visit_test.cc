#include "service/http/visit.h"

#include <string_view>
#include <vector>

#include "base/http/http1_codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::SizeIs;

CallerFields Read(const std::vector<HttpField>& fields) {
  return CallerFields(fields);
}

TEST(CallerFieldsTest, ReadsWhatCallersSayBesideTheBody) {
  const CallerFields fields = Read({{"Host", "x"},
                                    {"Origin", "https://app.example"},
                                    {"X-Request-Id", "mine"},
                                    {"Authorization", "Bearer k"},
                                    {"x-api-key", "k2"},
                                    {"anthropic-version", "2023-06-01"},
                                    {"anthropic-beta", "one,two"},
                                    {"Anthropic-Beta", "three"},
                                    {"x-provider-authorization", "Bearer own"},
                                    {"x-llmgateway-strict-output", "TRUE"},
                                    {"x-llmgateway-details", "true"},
                                    {"", "nameless"}});
  EXPECT_EQ(fields.request_id, "mine");
  EXPECT_EQ(fields.head.authority, "x");
  EXPECT_EQ(fields.head.origin, "https://app.example");
  EXPECT_EQ(fields.head.authorization, "Bearer k");
  EXPECT_EQ(fields.head.api_key, "k2");
  EXPECT_EQ(fields.anthropic_version, "2023-06-01");
  ASSERT_THAT(fields.anthropic_fields, SizeIs(3));
  EXPECT_EQ(fields.anthropic_fields[0].value, "2023-06-01");
  EXPECT_EQ(fields.anthropic_fields[1].value, "one,two");
  EXPECT_EQ(fields.anthropic_fields[2].value, "three");
  EXPECT_EQ(fields.provider_credential, "own");
  EXPECT_TRUE(fields.strict_output);
  EXPECT_TRUE(fields.details);
}

TEST(CallerFieldsTest, WhatIsAbsentIsEmpty) {
  const CallerFields fields = Read({{"accept", "*/*"}});
  EXPECT_EQ(fields.request_id, "");
  EXPECT_EQ(fields.head.authorization, "");
  EXPECT_EQ(fields.head.api_key, "");
  EXPECT_EQ(fields.provider_credential, "");
  EXPECT_THAT(fields.anthropic_fields, SizeIs(0));
  EXPECT_FALSE(fields.strict_output);
  EXPECT_FALSE(fields.details);
}

TEST(CallerFieldsTest, OfSeveralTheFirstCounts) {
  EXPECT_EQ(Read({{"x-api-key", "a"}, {"x-api-key", "b"}}).head.api_key, "a");
  EXPECT_EQ(Read({{"x-goog-api-key", "g"}, {"x-api-key", "b"}}).head.api_key,
            "b");
  EXPECT_EQ(Read({{"x-goog-api-key", "g"}}).head.api_key, "g");
}

TEST(CallerFieldsTest, AWishIsTrueOrNone) {
  EXPECT_FALSE(Read({{"x-llmgateway-details", "1"}}).details);
  EXPECT_FALSE(Read({{"x-llmgateway-strict-output", "false"}}).strict_output);
}

}  // namespace
}  // namespace gateway
