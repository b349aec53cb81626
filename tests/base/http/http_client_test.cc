#include "base/http/http_client.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/net/tls_context.h"
#include "base/secret.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(HttpUrlTest, TakesUrlsApart) {
  const auto expect = [](std::string_view url, bool https,
                         std::string_view host, int port,
                         std::string_view path) {
    const absl::StatusOr<HttpUrl> parsed = ParseHttpUrl(url);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->https, https);
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
    EXPECT_EQ(parsed->path, path);
  };
  expect("https://api.example.com/v1", true, "api.example.com", 443, "/v1");
  expect("http://h", false, "h", 80, "");
  expect("http://h:8080/a/b//", false, "h", 8080, "/a/b");
  expect("http://[::1]", false, "::1", 80, "");
  expect("https://[::1]:1/x", true, "::1", 1, "/x");
}

TEST(HttpUrlTest, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view url :
       {"", "h", "ftp://h", "http:/h", "https://", "http:///x", "http://:80",
        "http://h:0", "http://h:x", "http://h:+1", "http://u:p@h",
        "http://u@h/", "http://h?q", "http://h/?q", "http://h/#f",
        "http://h/a b", "http://h/a\nb", "http://h a/", "http://h\r\nx: y/",
        "http://h\r\nx: y:80/", "http://::1/"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHttpUrl(url).status())) << url;
  }
}

TEST(HttpDestinationTest, NamesItselfWithoutTheSchemesOwnPort) {
  HttpDestination to;
  to.host = "h";
  to.port = 80;
  EXPECT_EQ(to.Authority(), "h");
  to.port = 443;
  EXPECT_EQ(to.Authority(), "h:443");
  to.tls = *TlsContext::ForClient({});
  EXPECT_EQ(to.Authority(), "h");
  to.port = 80;
  to.host = "::1";
  EXPECT_EQ(to.Authority(), "[::1]:80");
}

TEST(HttpRequestHeadTest, IsRenderedOnce) {
  auto to = std::make_shared<HttpDestination>();
  to->host = "h";
  to->port = 80;
  std::vector<HttpRequestHead::Field> fields;
  fields.push_back({"authorization", Secret("Bearer k")});
  fields.push_back({"content-type", Secret("application/json")});
  const HttpRequestHead head(to, "POST", "/v1?x=y", std::move(fields));
  EXPECT_EQ(head.RevealHttp1(),
            "POST /v1?x=y HTTP/1.1\r\nhost: h\r\n"
            "authorization: Bearer k\r\ncontent-type: application/json\r\n");
  EXPECT_EQ(head.method(), "POST");
  EXPECT_EQ(head.path(), "/v1?x=y");
  EXPECT_EQ(head.fields().size(), 2u);
  EXPECT_EQ(head.destination(), to);
}

}  // namespace
}  // namespace gateway
