#include "service/api/override_document.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

std::vector<NodeOverride> Overrides() {
  return {{.node = "evaluator",
           .model = "claude-sonnet",
           .set_by = "ops",
           .set_time = kNoon + absl::Nanoseconds(7)},
          {.node = "writer",
           .model = "gemini-2.5-pro",
           .set_time = kNoon,
           .expire_time = kNoon + absl::Hours(1)}};
}

TEST(OverrideDocumentTest, ComesBackAsItWas) {
  const std::string text = WriteOverrides(OverrideSet(Overrides()), kNoon);
  EXPECT_THAT(text, HasSubstr("\"updated_by\": \"ops\""));
  const absl::StatusOr<std::vector<NodeOverride>> read = ReadOverrides(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Overrides());
}

TEST(OverrideDocumentTest, WhatHasExpiredIsLeftOut) {
  const OverrideSet set(Overrides());
  EXPECT_EQ(ReadOverrides(WriteOverrides(set, kNoon + absl::Hours(1)))->size(),
            1u);
  EXPECT_TRUE(ReadOverrides(WriteOverrides({}, kNoon))->empty());
}

TEST(OverrideDocumentTest, AnotherTextIsRefused) {
  for (const char* text : {"", "[]", "{\"assignments\": 7}", "writer"}) {
    EXPECT_FALSE(ReadOverrides(text).ok()) << text;
  }
}

TEST(OverrideDocumentTest, IsRestoredFromTheStore) {
  const std::string folder = testing::TempDir() + "/override_document";
  const absl::StatusOr<std::unique_ptr<StateStore>> store =
      StateStore::Open(folder);
  ASSERT_TRUE(store.ok()) << store.status();
  NodeOverrides overrides;
  RestoreOverrides(**store, &overrides);
  EXPECT_TRUE(overrides.Get()->all().empty());
  ASSERT_TRUE((*store)
                  ->Write(kOverrideDocument,
                          WriteOverrides(OverrideSet(Overrides()), kNoon))
                  .ok());
  RestoreOverrides(**store, &overrides);
  EXPECT_EQ(overrides.Get()->all(), Overrides());
  // One that cannot be read changes nothing.
  ASSERT_TRUE((*store)->Write(kOverrideDocument, "nonsense").ok());
  RestoreOverrides(**store, &overrides);
  EXPECT_EQ(overrides.Get()->all(), Overrides());
  EXPECT_TRUE((*store)->Remove(kOverrideDocument).ok());
}

}  // namespace
}  // namespace gateway
