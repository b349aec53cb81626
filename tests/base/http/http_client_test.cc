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

TEST(NoRoomForAnswerTest, IsToldApartByWhatItIsAndNotByItsText) {
  const absl::Status status = NoRoomForAnswer();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_TRUE(IsNoRoomForAnswer(status));
  EXPECT_FALSE(
      IsNoRoomForAnswer(absl::ResourceExhaustedError(status.message())));
  EXPECT_FALSE(IsNoRoomForAnswer(absl::OkStatus()));
}

}  // namespace
}  // namespace gateway
