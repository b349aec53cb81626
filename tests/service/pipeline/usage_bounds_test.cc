#include "service/pipeline/usage_bounds.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace v1 = ::llmgateway::v1;

v1::Usage Told() {
  v1::Usage usage;
  usage.set_input_tokens(100);
  usage.set_output_tokens(10);
  return usage;
}

TEST(UsageBoundsTest, APartAsLargeAsTheWholeStays) {
  v1::Usage usage = Told();
  usage.set_reasoning_tokens(10);
  usage.set_cached_input_tokens(100);
  const std::string before = usage.SerializeAsString();
  std::vector<v1::Warning> warnings;
  BoundUsage(&usage, &warnings);
  EXPECT_EQ(usage.SerializeAsString(), before);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST(UsageBoundsTest, ALargerOneIsCutDownAndWarnedOf) {
  v1::Usage usage = Told();
  usage.set_reasoning_tokens(11);
  usage.set_audio_output_tokens(12);
  usage.set_cached_input_tokens(101);
  usage.set_cache_write_tokens(102);
  usage.set_audio_input_tokens(103);
  usage.set_image_input_tokens(104);
  usage.set_image_output_tokens(13);
  std::vector<v1::Warning> warnings;
  BoundUsage(&usage, &warnings);
  EXPECT_EQ(usage.reasoning_tokens(), 10);
  EXPECT_EQ(usage.audio_output_tokens(), 10);
  EXPECT_EQ(usage.cached_input_tokens(), 100);
  EXPECT_EQ(usage.cache_write_tokens(), 100);
  EXPECT_EQ(usage.audio_input_tokens(), 100);
  EXPECT_EQ(usage.image_input_tokens(), 100);
  EXPECT_EQ(usage.image_output_tokens(), 10);
  ASSERT_EQ(warnings.size(), 7u);
  EXPECT_EQ(warnings[4].field(), "usage.reasoning_tokens");
  EXPECT_THAT(warnings[4].message(),
              HasSubstr("has told 11, more than the 10"));
  // Nothing is told twice.
  BoundUsage(&usage, &warnings);
  EXPECT_EQ(warnings.size(), 7u);
}

}  // namespace
}  // namespace gateway
