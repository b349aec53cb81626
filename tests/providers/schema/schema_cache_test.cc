#include "providers/schema/schema_cache.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "providers/schema/json_schema.h"

namespace gateway {
namespace {

TEST(SchemaCacheTest, TheSameTextIsCompiledOnce) {
  SchemaCache cache;
  const auto first = cache.Get(R"({"type": "object"})");
  const auto other = cache.Get(R"({"type": "array"})");
  const auto again = cache.Get(R"({"type": "object"})");
  ASSERT_TRUE(first.ok() && other.ok() && again.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_NE(*first, *other);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(SchemaCacheTest, AFailureIsKeptAndToldAgain) {
  SchemaCache cache;
  const absl::Status first = cache.Get(R"({"type": 7})").status();
  EXPECT_TRUE(absl::IsInvalidArgument(first)) << first;
  EXPECT_EQ(cache.failures(), 1u);
  EXPECT_EQ(cache.Get(R"({"type": 7})").status(), first);
  EXPECT_EQ(cache.failures(), 1u);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(SchemaCacheTest, FailuresTakeNoRoomFromSchemas) {
  SchemaCache cache(/*weight_max=*/64 * 1024);
  ASSERT_TRUE(cache.Get("{}").ok());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(cache.Get(absl::StrCat("{\"type\": ", i, "}")).ok());
  }
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_GT(cache.failures(), 0u);
  EXPECT_LT(cache.failures(), 64u);
}

TEST(SchemaCacheTest, WhatWasUsedLeastRecentlyGoesFirst) {
  const auto text = [](int i) {
    return absl::StrCat("{\"title\": \"", i, "\"}");
  };
  const size_t weight =
      text(0).size() + (*JsonSchema::Compile(text(0)))->weight();
  SchemaCache cache(3 * weight);
  const auto kept = *cache.Get(text(0));
  const auto lost = *cache.Get(text(1));
  ASSERT_TRUE(cache.Get(text(2)).ok());
  EXPECT_EQ(*cache.Get(text(0)), kept);
  ASSERT_TRUE(cache.Get(text(3)).ok());
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(*cache.Get(text(0)), kept);
  EXPECT_NE(*cache.Get(text(1)), lost);
  // Whoever holds a schema that went keeps it.
  EXPECT_TRUE(lost->Validate("{}").empty());
}

TEST(SchemaCacheTest, ASchemaThatIsTooLargeIsServedButNotKept) {
  SchemaCache cache(/*weight_max=*/16);
  EXPECT_TRUE(cache.Get("{}").ok());
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace gateway
