#include "service/rpc/binary_metadata.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Encoded(std::string_view bytes) {
  std::string out = ":";
  AppendBase64(bytes, &out);
  return out.substr(1);
}

std::string Decoded(std::string_view text) {
  // Of the exact size, so that writing past it is noticed.
  std::vector<char> out(text.size());
  const std::optional<size_t> bytes = DecodeBase64(text, out.data());
  if (!bytes.has_value()) return "refused";
  return std::string(out.data(), *bytes);
}

TEST(BinaryMetadataTest, EncodesTheTestVectorsOfTheStandardWithoutPadding) {
  EXPECT_EQ(Encoded(""), "");
  EXPECT_EQ(Encoded("f"), "Zg");
  EXPECT_EQ(Encoded("fo"), "Zm8");
  EXPECT_EQ(Encoded("foo"), "Zm9v");
  EXPECT_EQ(Encoded("foob"), "Zm9vYg");
  EXPECT_EQ(Encoded("fooba"), "Zm9vYmE");
  EXPECT_EQ(Encoded("foobar"), "Zm9vYmFy");
}

TEST(BinaryMetadataTest, DecodesWithAndWithoutPadding) {
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("Zg"), "f");
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8"), "fo");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(Decoded("Zm9vYmFy"), "foobar");
}

TEST(BinaryMetadataTest, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    EXPECT_EQ(Decoded(Encoded(bytes)), bytes);
  }
  EXPECT_EQ(Encoded("\xfb\xff"), "+/8");
}

TEST(BinaryMetadataTest, RefusesWhatIsNoBase64) {
  for (const char* wrong :
       {"Z", "Zm9vY", "Z===", "=", "==", "====", "Zg=", "Zm8==", "Zm9v=",
        "Zm9v====", "Zg==Zg==", "Z g=", "Zm9-", "Zm9_", "Zm\n9", "Zm9v\xff\xff",
        "Zm9v*g", "Zg,,"}) {
    EXPECT_EQ(Decoded(wrong), "refused") << wrong;
  }
}

TEST(BinaryMetadataTest, RefusesBitsThatBelongToNoByte) {
  EXPECT_EQ(Decoded("Zh"), "refused");
  EXPECT_EQ(Decoded("Zh=="), "refused");
  EXPECT_EQ(Decoded("Zm9"), "refused");
}

}  // namespace
}  // namespace gateway
