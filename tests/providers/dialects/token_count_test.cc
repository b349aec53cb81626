#include "providers/dialects/token_count.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

absl::StatusOr<int64_t> ReadFrom(std::string_view count) {
  int64_t tokens = -1;
  const absl::Status read =
      ReadJson(absl::StrCat("[", ToAbsl(count), "]"), [&](JsonValue& root) {
        return root.EachElement([&](JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(tokens, ReadTokenCount(value));
          return absl::OkStatus();
        });
      });
  if (!read.ok()) return read;
  return tokens;
}

TEST(TokenCountTest, ReadsWhatACallMayConsume) {
  EXPECT_EQ(ReadFrom("0").value(), 0);
  EXPECT_EQ(ReadFrom("null").value(), 0);
  EXPECT_EQ(ReadFrom("12").value(), 12);
  EXPECT_EQ(ReadFrom("1000000000").value(), kTokensMax);
}

TEST(TokenCountTest, BelievesNothingElse) {
  for (const std::string_view count :
       {"-1", "1000000001", "9223372036854775807", "99999999999999999999",
        "1.5", "1e999", R"("12")", "{}"}) {
    EXPECT_FALSE(ReadFrom(count).ok()) << count;
  }
}

TEST(TokenCountTest, WhatCannotBeReadLosesNoOther) {
  int64_t sum = 0;
  const absl::Status read = ReadJson(
      R"({"a":1,"b":"2","c":{"d":[4]},"e":8,"f":-1,"g":16})",
      [&](JsonValue& root) {
        return EachCount(
            root, [&](std::string_view, JsonValue& value) -> absl::Status {
              GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens,
                                       ReadTokenCount(value));
              sum += tokens;
              return absl::OkStatus();
            });
      });
  EXPECT_EQ(sum, 1 + 8 + 16);
  // The first of them is told.
  EXPECT_TRUE(ToStd(read.message()).starts_with("b: ")) << read.message();
}

}  // namespace
}  // namespace gateway
