#include "service/config/secret_reference.h"

#include <fstream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string WriteFile(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

absl::StatusOr<std::optional<Secret>> Resolve(
    const std::string& reference, const Environment& environment = {},
    SecretForm form = SecretForm::kToken) {
  const absl::StatusOr<SecretReference> parsed =
      SecretReference::Parse(reference);
  if (!parsed.ok()) return parsed.status();
  return parsed->Resolve(environment, form);
}

std::string Message(const absl::StatusOr<std::optional<Secret>>& result) {
  return std::string(result.status().message());
}

TEST(SecretReferenceTest, FindsAVariable) {
  const auto secret = Resolve("env:KEY", {{"KEY", " open-sesame\n"}});
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ((*secret)->Reveal(), "open-sesame");
}

TEST(SecretReferenceTest, AVariableThatIsNotSetIsNoError) {
  const auto unset = Resolve("env:KEY");
  ASSERT_TRUE(unset.ok());
  EXPECT_FALSE(unset->has_value());
  const auto empty = Resolve("env:KEY", {{"KEY", ""}});
  ASSERT_TRUE(empty.ok());
  EXPECT_FALSE(empty->has_value());
}

TEST(SecretReferenceTest, ReadsAFileAndCutsItsLineEnd) {
  const auto secret = Resolve("file:" + WriteFile("key", "open-sesame\r\n"));
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ((*secret)->Reveal(), "open-sesame");
}

TEST(SecretReferenceTest, KeepsTextAsItIs) {
  const std::string pem = "-----BEGIN X-----\nabc\n-----END X-----\n";
  const auto secret =
      Resolve("file:" + WriteFile("pem", pem), {}, SecretForm::kText);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ((*secret)->Reveal(), pem);
}

TEST(SecretReferenceTest, AFileThatIsMissingOrEmptyIsAnError) {
  const auto missing = Resolve("file:/nonexistent/key");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(missing), HasSubstr("file /nonexistent/key: "));
  EXPECT_THAT(Message(Resolve("file:" + WriteFile("empty", ""))),
              HasSubstr("is empty"));
  EXPECT_THAT(Message(Resolve("file:" + WriteFile("blank", " \n"))),
              HasSubstr("holds only white space"));
}

TEST(SecretReferenceTest, AHeadersValueMayHaveWords) {
  const auto secret = Resolve("env:KEY", {{"KEY", " Basic dTpw\n"}},
                              SecretForm::kHeaderValue);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ((*secret)->Reveal(), "Basic dTpw");
  for (const char* value : {"two\nlines", "a\tb", "caf\xc3\xa9"}) {
    const auto bad =
        Resolve("env:KEY", {{"KEY", value}}, SecretForm::kHeaderValue);
    EXPECT_THAT(Message(bad), HasSubstr("variable KEY holds a secret with line "
                                        "breaks or special"))
        << value;
  }
}

TEST(SecretReferenceTest, RefusesWhatNoHeaderCanCarry) {
  for (const char* value : {"two words", "two\nlines", "a\tb", "caf\xc3\xa9"}) {
    const auto secret = Resolve("env:KEY", {{"KEY", value}});
    EXPECT_FALSE(secret.ok()) << value;
    EXPECT_THAT(Message(secret), HasSubstr("variable KEY holds a secret with"));
    EXPECT_THAT(Message(secret), Not(HasSubstr(value)));
  }
}

TEST(SecretReferenceTest, RefusesTheSecretItselfAndDoesNotRepeatIt) {
  for (const char* literal :
       {"sk-0123456789", "env:sk-0123456789", "env:", "env:1KEY", "env:A B",
        "file:", "ENV:KEY", "", "vault:key"}) {
    const auto secret = Resolve(literal);
    EXPECT_EQ(secret.status().code(), absl::StatusCode::kInvalidArgument)
        << literal;
    EXPECT_THAT(Message(secret), Not(HasSubstr("0123456789")));
  }
}

}  // namespace
}  // namespace gateway
