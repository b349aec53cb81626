#include "service/config/header_rules.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::Status CheckExtra(std::string_view name, std::string_view value) {
  return CheckExtraHeader(AllProviderKinds(), name, value);
}

TEST(HeaderRulesTest, LetOrdinaryHeadersPass) {
  EXPECT_TRUE(CheckExtra("x-team", "search").ok());
  EXPECT_TRUE(CheckExtra("HTTP-Referer", "https://a.example").ok());
  EXPECT_TRUE(CheckExtra("X-Title", "two words").ok());
  EXPECT_TRUE(CheckExtra("x-empty", "").ok());
}

TEST(HeaderRulesTest, RefuseNamesThatAreNone) {
  for (const char* name : {"", "a b", "a:", "a\r\nb", "caf\xc3\xa9"}) {
    EXPECT_FALSE(CheckExtra(name, "x").ok()) << name;
  }
  EXPECT_TRUE(CheckExtra(std::string(128, 'a'), "x").ok());
  EXPECT_FALSE(CheckExtra(std::string(129, 'a'), "x").ok());
}

TEST(HeaderRulesTest, RefuseValuesThatWouldBecomeHeaders) {
  for (const char* value :
       {"a\r\nhost: b", "a\n", "\ta", " a", "a ", "caf\xc3\xa9", "\x7f"}) {
    const absl::Status status = CheckHeaderValue(value);
    EXPECT_FALSE(status.ok()) << value;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("host")));
  }
  EXPECT_TRUE(CheckHeaderValue(std::string(4096, 'a')).ok());
  EXPECT_FALSE(CheckHeaderValue(std::string(4097, 'a')).ok());
}

TEST(HeaderRulesTest, RefuseReferencesThatWouldBeSentAsTheyAre) {
  for (const char* value : {"env:TEAM", "file:/run/team"}) {
    EXPECT_THAT(std::string(CheckExtra("x-team", value).message()),
                HasSubstr("would be sent as it is"))
        << value;
  }
  EXPECT_TRUE(CheckExtra("x-team", "environment: test").ok());
}

TEST(HeaderRulesTest, RefuseCredentialsInAnyLetterCase) {
  for (const char* name : {"Authorization", "x-api-key", "API-Key", "Cookie",
                           "proxy-authorization"}) {
    EXPECT_THAT(std::string(CheckExtra(name, "x").message()),
                HasSubstr("api_key"))
        << name;
  }
}

TEST(HeaderRulesTest, RefuseWhatTheGatewayWritesItself) {
  for (const char* name : {"Host", "content-length", "Transfer-Encoding",
                           "connection", "anthropic-version"}) {
    EXPECT_THAT(std::string(CheckExtra(name, "x").message()),
                HasSubstr("by the gateway itself"))
        << name;
  }
}

}  // namespace
}  // namespace gateway
