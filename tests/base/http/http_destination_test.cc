#include "base/http/http_destination.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/net/base_url.h"
#include "base/net/tls_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(HttpDestinationOfTest, HasTheUrlsHostAndPort) {
  const BaseUrl url = *ParseBaseUrl("http://Example.org:8080/v1");
  const auto to = HttpDestinationOf(url, HttpVersion::kHttp1);
  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_EQ((*to)->Authority(), "example.org:8080");
  EXPECT_EQ((*to)->version, HttpVersion::kHttp1);
  EXPECT_EQ((*to)->tls, nullptr);
}

TEST(HttpDestinationOfTest, SpeaksTlsWhereTheUrlSaysSo) {
  const BaseUrl url = *ParseBaseUrl("https://[::1]");
  const auto to = HttpDestinationOf(url, HttpVersion::kAuto);
  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_NE((*to)->tls, nullptr);
  EXPECT_EQ((*to)->Authority(), "[::1]");
}

TEST(HttpDestinationOfTest, ReadsAuthoritiesForTlsAlone) {
  const char* const kNoFile = "/nowhere/ca.pem";
  const auto tls = HttpDestinationOf(*ParseBaseUrl("https://h"),
                                     HttpVersion::kHttp1, kNoFile);
  EXPECT_THAT(tls.status().message(), HasSubstr(kNoFile));
  EXPECT_TRUE(
      HttpDestinationOf(*ParseBaseUrl("http://h"), HttpVersion::kHttp1, kNoFile)
          .ok());
}

TEST(HttpDestinationWithTlsTest, TakesTheTlsThatItIsGivenForHttpsAlone) {
  const std::shared_ptr<TlsContext> tls = *TlsContext::ForClient({});
  const auto with = [&tls](const char* url) {
    return HttpDestinationWithTls(*ParseBaseUrl(url), HttpVersion::kHttp2, tls);
  };
  EXPECT_EQ(with("https://h")->tls, tls);
  EXPECT_EQ(with("http://h")->tls, nullptr);
  EXPECT_EQ(with("http://h")->version, HttpVersion::kHttp2);
}

TEST(UseOfTest, ADestinationIsUnusedOnceAllHeadsOfRequestsToItAreGone) {
  const HttpDestination to;
  auto one = UseOf(to);
  auto other = one;
  one.reset();
  EXPECT_FALSE(to.unused->load());
  other.reset();
  EXPECT_TRUE(to.unused->load());
}

TEST(AlpnOfTest, OffersTheVersionsThatAreSpoken) {
  EXPECT_THAT(AlpnOf(HttpVersion::kHttp1), ElementsAre("http/1.1"));
  EXPECT_THAT(AlpnOf(HttpVersion::kHttp2), ElementsAre("h2"));
  EXPECT_THAT(AlpnOf(HttpVersion::kAuto), ElementsAre("h2", "http/1.1"));
}

TEST(TimeoutsOfTest, EachIsAsLongAsTheWhole) {
  const HttpDestination::Timeouts each = TimeoutsOf(absl::Seconds(5));
  for (const absl::Duration one :
       {each.connect, each.first_byte, each.idle, each.total}) {
    EXPECT_EQ(one, absl::Seconds(5));
  }
}

}  // namespace
}  // namespace gateway
