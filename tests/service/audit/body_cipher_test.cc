#include "service/audit/body_cipher.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// 32 bytes of `c`, as hexadecimal digits.
std::string KeyText(char c) {
  return absl::BytesToHexString(std::string(32, c));
}

BodyCipher CipherOf(std::vector<std::pair<std::string, std::string>> keys) {
  std::vector<BodyCipher::Key> made;
  for (const auto& [id, text] : keys) made.push_back({id, Secret(text)});
  auto cipher = BodyCipher::Make(std::move(made));
  EXPECT_TRUE(cipher.ok()) << cipher.status();
  return *std::move(cipher);
}

TEST(BodyCipherTest, WhatIsEncryptedIsDecryptedInItsContextOnly) {
  const BodyCipher cipher = CipherOf({{"k1", KeyText('a')}});
  for (const std::string text : {"", "the prompt", "\xff\0x"}) {
    const auto encrypted = cipher.Encrypt(text, "entry 1");
    ASSERT_TRUE(encrypted.ok());
    EXPECT_EQ(encrypted->key_id, "k1");
    EXPECT_EQ(encrypted->bytes.size(), text.size() + 28);
    const auto decrypted = cipher.Decrypt("k1", encrypted->bytes, "entry 1");
    ASSERT_TRUE(decrypted.ok()) << decrypted.status();
    EXPECT_EQ(*decrypted, text);
    EXPECT_EQ(cipher.Decrypt("k1", encrypted->bytes, "entry 2").status().code(),
              absl::StatusCode::kDataLoss);
  }
}

TEST(BodyCipherTest, AnEncryptedTextDoesNotShowAndIsNeverTheSame) {
  const BodyCipher cipher = CipherOf({{"k1", KeyText('a')}});
  const auto first = cipher.Encrypt("the prompt", "e");
  const auto second = cipher.Encrypt("the prompt", "e");
  EXPECT_THAT(first->bytes, Not(HasSubstr("prompt")));
  EXPECT_NE(first->bytes, second->bytes);
}

TEST(BodyCipherTest, AnyChangeIsSeen) {
  const BodyCipher cipher = CipherOf({{"k1", KeyText('a')}});
  const std::string encrypted = cipher.Encrypt("the prompt", "e")->bytes;
  for (size_t i = 0; i < encrypted.size(); ++i) {
    std::string changed = encrypted;
    changed[i] ^= 1;
    EXPECT_FALSE(cipher.Decrypt("k1", changed, "e").ok()) << i;
    EXPECT_FALSE(cipher.Decrypt("k1", encrypted.substr(0, i), "e").ok()) << i;
  }
}

TEST(BodyCipherTest, KeysRotate) {
  const BodyCipher before = CipherOf({{"k1", KeyText('a')}});
  const std::string old = before.Encrypt("text", "e")->bytes;
  const BodyCipher after =
      CipherOf({{"k2", KeyText('b')}, {"k1", KeyText('a')}});
  EXPECT_EQ(after.Encrypt("text", "e")->key_id, "k2");
  EXPECT_EQ(*after.Decrypt("k1", old, "e"), "text");
  const BodyCipher later = CipherOf({{"k2", KeyText('b')}});
  const auto gone = later.Decrypt("k1", old, "e");
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(gone.status().message(), HasSubstr("k1"));
  // A key of the same id that is another.
  EXPECT_EQ(
      CipherOf({{"k1", KeyText('c')}}).Decrypt("k1", old, "e").status().code(),
      absl::StatusCode::kDataLoss);
}

TEST(BodyCipherTest, AKeyIsHexadecimalOrBase64) {
  const BodyCipher hex = CipherOf({{"k", KeyText('\xf0')}});
  const BodyCipher base64 =
      CipherOf({{"k", absl::Base64Escape(std::string(32, '\xf0')) + "\n"}});
  EXPECT_EQ(*base64.Decrypt("k", hex.Encrypt("x", "e")->bytes, "e"), "x");
  for (const std::string& wrong :
       std::vector<std::string>{"", "secret", KeyText('a').substr(2),
                                absl::Base64Escape(std::string(31, 'a'))}) {
    const auto made = BodyCipher::Make({{"k9", Secret(wrong)}});
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(made.status().message(), HasSubstr("k9"));
    if (!wrong.empty()) {
      EXPECT_THAT(made.status().message(), Not(HasSubstr(wrong)));
    }
  }
}

}  // namespace
}  // namespace gateway
