#include "service/pipeline/allowed_origins.h"

#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/server.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CorsConfig;

TEST(AllowedOriginsTest, HaveThoseOfTheListAsBrowsersWriteThem) {
  CorsConfig config;
  config.add_allowed_origins("https://App.example:443");
  config.add_allowed_origins("http://localhost:3000");
  const AllowedOrigins allowed(config);
  EXPECT_FALSE(allowed.all());
  EXPECT_EQ(allowed.Find("https://app.example"), "https://app.example");
  EXPECT_TRUE(allowed.Has("http://localhost:3000"));
  for (const std::string_view other :
       {"http://app.example", "https://app.example.evil", "http://localhost",
        "null", ""}) {
    EXPECT_FALSE(allowed.Has(other)) << other;
  }
}

TEST(AllowedOriginsTest, AStarHasAllThatAreOne) {
  CorsConfig config;
  config.add_allowed_origins("*");
  const AllowedOrigins allowed(config);
  EXPECT_TRUE(allowed.all());
  EXPECT_TRUE(allowed.Has("https://any.example"));
  EXPECT_FALSE(allowed.Has(""));
}

TEST(AllowedOriginsTest, APageOfOnesOwnIsOfTheSameAuthority) {
  EXPECT_TRUE(IsSameOrigin("http://Localhost:8080", "localhost:8080"));
  EXPECT_TRUE(IsSameOrigin("https://a.example", "a.example"));
  EXPECT_FALSE(IsSameOrigin("http://localhost:8080", "localhost:8081"));
  EXPECT_FALSE(IsSameOrigin("http://a.example", "b.example"));
  EXPECT_FALSE(IsSameOrigin("null", "null"));
  EXPECT_FALSE(IsSameOrigin("", ""));
}

TEST(AllowedOriginsTest, WithoutAListThereAreNone) {
  EXPECT_FALSE(AllowedOrigins(CorsConfig()).Has("https://any.example"));
}

}  // namespace
}  // namespace gateway
