#include "base/text/repeated_secret.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(RepeatedSecretTest, ItIsBlottedOutWhereverItStands) {
  EXPECT_EQ(BlotOut("key", "key, no key; ke"), "***, no ***; ke");
  EXPECT_EQ(BlotOut("key", "kekey"), "ke***");
  EXPECT_EQ(BlotOut("", "as it is"), "as it is");
  EXPECT_EQ(BlotOut("key", ""), "");
}

TEST(RepeatedSecretTest, OfALongOneTheFirstHalfIsEnough) {
  EXPECT_EQ(BlotOut("0123456789abcdef", "a 01234567 b 0123456789a"),
            "a ******** b ***********");
  EXPECT_EQ(BlotOut("0123456789abcdef", "a 0123456 b"), "a 0123456 b");
  EXPECT_TRUE(RepeatsSecret("0123456789abcdef", "x0123456789z"));
  EXPECT_FALSE(RepeatsSecret("0123456789abcdef", "x012345"));
  EXPECT_FALSE(RepeatsSecret("", "x"));
}

TEST(RepeatedSecretTest, EscapesDoNotHideIt) {
  constexpr std::string_view kSecret = "sk+secret/AAAAbbbb==";
  for (const std::string_view written : {
           "sk+secret/AAAAbbbb==",                    // As it is.
           R"(sk+secret\/AAAAbbbb==)",                // As PHP writes JSON,
           R"(sk\u002Bsecret/AAAAbbbb==)",            // .NET,
           R"(sk+secret/AAAAbbbb\u003d\u003d)",       // Gson.
           R"(sk\\u002Bsecret\\/AAAAbbbb==)",        // JSON in JSON.
           "sk%2Bsecret%2FAAAAbbbb%3D%3D",            // A URL.
           "sk%252Bsecret%252FAAAAbbbb%253D%253D",    // A URL in a URL.
           "sk&#43;secret&#x2F;AAAAbbbb&#61;&#x3d;",  // HTML.
           R"(\u0073\u006b\u002b\u0073ecret/AAAAbbbb==)",
       }) {
    const std::string text = "{\"no\":\"" + std::string(written) + "\"}";
    EXPECT_EQ(BlotOut(kSecret, text),
              "{\"no\":\"" + std::string(written.size(), '*') + "\"}")
        << written;
    EXPECT_TRUE(RepeatsSecret(kSecret, text)) << written;
  }
  EXPECT_EQ(BlotOut("key", R"(\u006bey or k\u0065y)"), "******** or ********");
}

TEST(RepeatedSecretTest, WhatIsSaidBesideItStays) {
  EXPECT_EQ(BlotOut("a key/or two", R"("\u0041\n": 100%, a key\/or two \q)"),
            R"("\u0041\n": 100%, ************* \q)");
  EXPECT_EQ(BlotOut("key", R"(\u0041 &#38; %41)"), R"(\u0041 &#38; %41)");
}

TEST(RepeatedSecretTest, WhatOnlyLooksLikeItInASerializedMessageStays) {
  // The end of one field, the tag and the length of the next, its beginning.
  const std::string message("\x0a\x03 se\x12\x06same!!", 13);
  EXPECT_EQ(BlotOut("sesame", message), message);
}

}  // namespace
}  // namespace gateway
