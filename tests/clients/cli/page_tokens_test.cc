#include "clients/cli/page_tokens.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(PageTokensTest, AListGoesOnUntilThereIsNoToken) {
  PageTokens tokens;
  for (int page = 0; page < 1000; ++page) {
    EXPECT_TRUE(*tokens.GoOn(std::to_string(page)));
  }
  EXPECT_FALSE(*tokens.GoOn(""));
}

TEST(PageTokensTest, ATokenThatComesAgainEndsIt) {
  for (const int circle : {1, 2, 3, 10, 100}) {
    PageTokens tokens;
    absl::Status ended;
    int pages = 0;
    // Three pages lead into the circle.
    for (; ended.ok() && pages < 1000; ++pages) {
      const int token = pages < 3 ? -pages - 1 : pages % circle;
      ended = tokens.GoOn(std::to_string(token)).status();
    }
    EXPECT_TRUE(absl::IsInternal(ended)) << circle;
    EXPECT_LE(pages, 4 * circle + 8) << circle;
  }
}

}  // namespace
}  // namespace gateway
