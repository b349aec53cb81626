#include "clients/cli/sessions_request.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::string Told(const OperatorWords& words) {
  return AskSessions({.address = "127.0.0.1:1"}, words).status().ToString();
}

// What a gateway answers is asked of one in sessions_page_test.py.
TEST(SessionsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  EXPECT_THAT(Told({}), HasSubstr("sessions takes create, get or delete"));
  EXPECT_THAT(Told({.words = {"grow"}}), HasSubstr("not 'grow'"));
  EXPECT_THAT(Told({.words = {"get"}}), HasSubstr("takes one session's id"));
  EXPECT_THAT(Told({.words = {"delete", "a", "b"}}),
              HasSubstr("takes one session's id"));
  EXPECT_THAT(Told({.words = {"create", "a"}}), HasSubstr("takes no 'a'"));
  EXPECT_THAT(Told({.words = {"create"}, .flags = {{"--ttl", "soon"}}}),
              HasSubstr("--ttl"));
  EXPECT_THAT(Told({.words = {"create"}, .flags = {{"--context", "[1]"}}}),
              HasSubstr("--context"));
  EXPECT_THAT(Told({.words = {"get", "a"}, .flags = {{"--ttl", "1m"}}}),
              HasSubstr("--ttl is not for sessions get"));
}

TEST(SessionsRequestTest, AnAddressWithoutAGatewayIsNamed) {
  EXPECT_THAT(Told({.words = {"get", "a"}}), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace gateway
