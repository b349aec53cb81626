#include "base/net/base_url.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(BaseUrlTest, IsTakenApart) {
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl("https://API.example/v1/");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "api.example");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->path, "/v1");
}

TEST(BaseUrlTest, MayHaveAPortAndAnAddress) {
  EXPECT_EQ(ParseBaseUrl("http://a:8080")->port, 8080);
  EXPECT_EQ(ParseBaseUrl("http://a")->port, 80);
  EXPECT_EQ(ParseBaseUrl("http://[::1]:8080/x")->host, "::1");
  EXPECT_EQ(ParseBaseUrl("HTTP://127.0.0.1")->host, "127.0.0.1");
  EXPECT_EQ(ParseBaseUrl("http://a/")->path, "");
  EXPECT_EQ(ParseBaseUrl("http://a:8080/a/b//")->path, "/a/b");
  EXPECT_EQ(ParseBaseUrl("HTTPS://[::1]:1/x")->port, 1);
  EXPECT_TRUE(ParseBaseUrl("HTTPS://a")->tls);
}

TEST(BaseUrlTest, KnowsThisMachine) {
  for (const char* url :
       {"http://localhost", "http://127.0.0.1:1", "http://127.9.9.9",
        "http://[::1]", "http://[0:0::1]", "http://mock.localhost"}) {
    EXPECT_TRUE(ParseBaseUrl(url)->IsLoopback()) << url;
  }
  for (const char* url :
       {"http://128.0.0.1", "http://127.example", "http://[::2]",
        "http://localhost.example", "http://10.0.0.1"}) {
    EXPECT_FALSE(ParseBaseUrl(url)->IsLoopback()) << url;
  }
}

TEST(BaseUrlTest, RefusesWhatIsNone) {
  for (const char* url : {"",
                          "api.example",
                          "ftp://a",
                          "https://",
                          "https:///v1",
                          "https://a:0",
                          "https://a:65536",
                          "https://a:x",
                          "https://a:",
                          "https://a:1:2",
                          "https://[::1",
                          "https://[::1]x",
                          "https://[a]",
                          "https://a b",
                          "https://a/b c",
                          "https://a/\n",
                          "https://a?x=1",
                          "https://a/#x",
                          "https://-a",
                          "https://a..b",
                          "https://a\r\nhost: b",
                          "h",
                          "http:/h",
                          "http://:80",
                          "http://h:+1",
                          "http://u@h/",
                          "http://::1/"}) {
    EXPECT_FALSE(ParseBaseUrl(url).ok()) << url;
  }
  EXPECT_FALSE(ParseBaseUrl("https://" + std::string(3000, 'a')).ok());
}

TEST(BaseUrlTest, RefusesCredentialsAndDoesNotRepeatThem) {
  const absl::Status status =
      ParseBaseUrl("https://user:hunter2@a.example").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("password"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace gateway
