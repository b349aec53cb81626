#include "providers/dialects/data_url.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(DataUrlTest, TakesDataUrlsApartAndBack) {
  std::string media_type;
  std::string bytes;
  ASSERT_TRUE(ReadDataUrl("data:image/png;base64,AQID", &media_type, &bytes));
  EXPECT_EQ(media_type, "image/png");
  EXPECT_EQ(bytes, "\x01\x02\x03");
  EXPECT_EQ(WriteDataUrl(media_type, bytes), "data:image/png;base64,AQID");
  ASSERT_TRUE(ReadDataUrl("data:text/plain;charset=utf-8;base64,", &media_type,
                          &bytes));
  EXPECT_EQ(media_type, "text/plain;charset=utf-8");
  EXPECT_EQ(bytes, "");
}

TEST(DataUrlTest, LeavesOtherAddressesAlone) {
  std::string media_type = "before";
  std::string bytes;
  for (const std::string_view url :
       {"https://example.org/a.png", "data:text/plain,hello", "",
        "data:image/png;base64,***", "DATA"}) {
    EXPECT_FALSE(ReadDataUrl(url, &media_type, &bytes)) << url;
  }
  EXPECT_EQ(media_type, "before");
}

}  // namespace
}  // namespace gateway
