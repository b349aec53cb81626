#include "service/identity/certificate_names.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Name {
  int type;  // GEN_URI, GEN_DNS or GEN_EMAIL.
  std::string text;
};

using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

// A certificate of these names. It needs no signature, which TLS verifies.
Certificate CertificateOf(const std::vector<Name>& alternatives,
                          const std::vector<std::string>& common_names) {
  Certificate certificate(X509_new(), X509_free);
  GENERAL_NAMES* const names = GENERAL_NAMES_new();
  for (const Name& each : alternatives) {
    GENERAL_NAME* const name = GENERAL_NAME_new();
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, each.text.data(), static_cast<int>(each.text.size()));
    GENERAL_NAME_set0_value(name, each.type, text);
    sk_GENERAL_NAME_push(names, name);
  }
  if (!alternatives.empty()) {
    EXPECT_EQ(
        X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names, 0, 0),
        1);
  }
  GENERAL_NAMES_free(names);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  for (const std::string& name : common_names) {
    EXPECT_EQ(X509_NAME_add_entry_by_txt(
                  subject, "CN", MBSTRING_UTF8,
                  reinterpret_cast<const unsigned char*>(name.data()),
                  static_cast<int>(name.size()), -1, 0),
              1);
  }
  return certificate;
}

TEST(CertificateNamesTest, ACertificateHasNamesOfThreeKinds) {
  EXPECT_THAT(
      NamesOfCertificate(*CertificateOf({{GEN_DNS, "Search.Internal"},
                                         {GEN_URI, "spiffe://prod/ns/a/sa/b"},
                                         {GEN_EMAIL, "a@example.com"},
                                         {GEN_DNS, "other"}},
                                        {"search"})),
      ElementsAre("spiffe://prod/ns/a/sa/b", "dns:search.internal", "dns:other",
                  "CN=search"));
  EXPECT_THAT(NamesOfCertificate(*CertificateOf({}, {"Jörg"})),
              ElementsAre("CN=Jörg"));
  EXPECT_THAT(NamesOfCertificate(*CertificateOf({}, {})), IsEmpty());
}

TEST(CertificateNamesTest, ASpiffeIdIsTheOnlyUri) {
  EXPECT_THAT(NamesOfCertificate(*CertificateOf(
                  {{GEN_URI, "spiffe://a/b"}, {GEN_URI, "spiffe://a/c"}}, {})),
              IsEmpty());
  EXPECT_THAT(
      NamesOfCertificate(*CertificateOf({{GEN_URI, "https://a/b"}}, {})),
      IsEmpty());
}

TEST(CertificateNamesTest, NamesThatLookLikeOthersAreLeftOut) {
  EXPECT_THAT(NamesOfCertificate(*CertificateOf(
                  {{GEN_DNS, std::string("good\0.evil", 10)},
                   {GEN_DNS, "a\nb"},
                   {GEN_DNS, std::string(kCertificateNameBytesMax, 'x')}},
                  {})),
              IsEmpty());
  EXPECT_THAT(NamesOfCertificate(*CertificateOf(
                  {{GEN_URI, std::string("spiffe://a\0b", 12)}}, {})),
              IsEmpty());
}

// What separates the parts of a subject is escaped where it is within one.
TEST(CertificateNamesTest, ASubjectCannotPretendToHaveMoreParts) {
  EXPECT_THAT(NamesOfCertificate(*CertificateOf({}, {"a,CN=root"})),
              ElementsAre("CN=a\\,CN=root"));
  EXPECT_THAT(NamesOfCertificate(*CertificateOf({}, {"a", "b"})),
              ElementsAre("CN=b,CN=a"));
}

TEST(CertificateNamesTest, TheFirstNameThatMatchesIsTheCallers) {
  const std::vector<std::string> names = {"spiffe://prod/ns/a/sa/b", "dns:a",
                                          "CN=a"};
  EXPECT_EQ(CallerOfCertificate({"CN=a", "spiffe://prod/ns/*/sa/*"}, names),
            "spiffe://prod/ns/a/sa/b");
  EXPECT_EQ(CallerOfCertificate({"CN=*", "dns:a"}, names), "dns:a");
  EXPECT_EQ(CallerOfCertificate({"spiffe://prod/*", "dns:b"}, names), "");
  EXPECT_EQ(CallerOfCertificate({}, names), "");
  EXPECT_EQ(CallerOfCertificate({"**"}, {}), "");
}

TEST(CertificateNamesTest, OneStarEndsAtASlashAndTwoDoNot) {
  const auto matches = MatchesCertificatePattern;
  EXPECT_TRUE(
      matches("spiffe://prod/ns/*/sa/api", "spiffe://prod/ns/x/sa/api"));
  EXPECT_TRUE(matches("spiffe://prod/ns/*/sa/api", "spiffe://prod/ns//sa/api"));
  EXPECT_FALSE(
      matches("spiffe://prod/ns/*/sa/api", "spiffe://prod/ns/x/y/sa/api"));
  EXPECT_TRUE(matches("spiffe://prod/**", "spiffe://prod/ns/x/sa/api"));
  EXPECT_TRUE(matches("spiffe://prod/**/api", "spiffe://prod/ns/x/sa/api"));
  EXPECT_FALSE(matches("spiffe://prod/**", "spiffe://production/x"));
  EXPECT_TRUE(matches("**a/*b", "x/a/y/a/zb"));
  EXPECT_FALSE(matches("**a/*b", "x/a/y/c/zb"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("*", "/"));
  EXPECT_TRUE(matches("**", "/"));
  EXPECT_TRUE(matches("***", "a/b"));
  EXPECT_FALSE(matches("", "a"));
}

// Whether the rest matches, by trying all.
bool MatchesByTrying(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.starts_with("**")) {
    return MatchesByTrying(pattern.substr(2), text) ||
           (!text.empty() && MatchesByTrying(pattern, text.substr(1)));
  }
  if (pattern[0] == '*') {
    return MatchesByTrying(pattern.substr(1), text) ||
           (!text.empty() && text[0] != '/' &&
            MatchesByTrying(pattern, text.substr(1)));
  }
  return !text.empty() && text[0] == pattern[0] &&
         MatchesByTrying(pattern.substr(1), text.substr(1));
}

template <typename Deed>
void EachPath(std::string_view characters, size_t length, std::string* text,
              const Deed& act) {
  act(*text);
  if (length == 0) return;
  for (const char c : characters) {
    text->push_back(c);
    EachPath(characters, length - 1, text, act);
    text->pop_back();
  }
}

TEST(CertificateNamesTest, PatternsAgreeWithTryingEverything) {
  int matched = 0;
  std::string pattern;
  EachPath("a/*", 6, &pattern, [&](const std::string& glob) {
    std::string text;
    EachPath("a/", 6, &text, [&](const std::string& candidate) {
      const bool expected = MatchesByTrying(glob, candidate);
      matched += expected ? 1 : 0;
      ASSERT_EQ(MatchesCertificatePattern(glob, candidate), expected)
          << glob << " " << candidate;
    });
  });
  EXPECT_GT(matched, 1000);
}

TEST(CertificateNamesTest, APatternBeginsLikeAName) {
  for (const std::string_view pattern :
       {"spiffe://prod/**", "dns:*.internal", "CN=search", "2.5.4.3=x",
        "O=a,CN=*"}) {
    EXPECT_TRUE(CheckCertificatePattern(pattern).ok()) << pattern;
  }
  for (const std::string_view pattern :
       {"", "*", "search", "=x", "DNS:x", "https://x", "a b=x"}) {
    EXPECT_THAT(CheckCertificatePattern(pattern).message(),
                HasSubstr("is no spiffe://..., dns:NAME or subject"));
  }
}

}  // namespace
}  // namespace gateway
