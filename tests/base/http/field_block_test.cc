#include "base/http/field_block.h"

#include <string>
#include <utility>

#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(FieldBlockTest, KeepsFieldsInOrder) {
  FieldBlock block;
  EXPECT_TRUE(block.empty());
  const std::string large(10'000, 'v');
  block.Add("one", "1");
  block.Add("empty", "");
  block.Add("large", large);
  EXPECT_FALSE(block.empty());
  FieldViews views;
  const absl::Span<const HttpField> fields = block.View(views);
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].name, "one");
  EXPECT_EQ(fields[0].value, "1");
  EXPECT_EQ(fields[1].name, "empty");
  EXPECT_EQ(fields[1].value, "");
  EXPECT_EQ(fields[2].name, "large");
  EXPECT_EQ(fields[2].value, large);
  // A search finds what stands anywhere.
  EXPECT_NE(block.row().find("empty"), std::string_view::npos);
  EXPECT_NE(block.row().find(large), std::string_view::npos);
}

TEST(FieldBlockTest, TakesAnothersFieldsBehindItsOwn) {
  FieldBlock one;
  FieldBlock other;
  other.Append(one);
  EXPECT_TRUE(other.empty());
  one.Add("a", "1");
  other.Add("b", "2");
  other.Append(one);
  FieldViews views;
  const absl::Span<const HttpField> fields = other.View(views);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "b");
  EXPECT_EQ(fields[1].name, "a");
  EXPECT_EQ(fields[1].value, "1");
}

TEST(FieldBlockTest, AClearedBlockBeginsAnew) {
  FieldBlock block;
  block.Add("one", "1");
  block.Clear();
  EXPECT_TRUE(block.empty());
  block.Add("two", "2");
  FieldViews views;
  ASSERT_EQ(block.View(views).size(), 1u);
  EXPECT_EQ(views[0].name, "two");
}

TEST(FieldBlockTest, AMovedBlockTakesItsFieldsAlong) {
  FieldBlock block;
  block.Add("one", "1");
  const FieldBlock moved = std::move(block);
  FieldViews views;
  ASSERT_EQ(moved.View(views).size(), 1u);
  EXPECT_EQ(views[0].value, "1");
}

}  // namespace
}  // namespace gateway
