#include "providers/http_endpoint.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kHttp[] = R"(
    timeouts { connect { seconds: 1 } first_byte { seconds: 2 }
               idle { seconds: 3 } total { seconds: 4 nanos: 500000000 } }
    pool { idle_connections_limit: 5 idle_timeout { seconds: 6 }
           age_limit { seconds: 7 } http2_connections_limit: 9 }
    response_bytes_limit: 8
    headers { key: "X-Team" value: "blue" }
    headers { key: "Anthropic-Version" value: "1999" })";

absl::StatusOr<HttpEndpoint> Make(std::string_view url,
                                  const std::string& more = "") {
  llmgateway::config::v1::HttpUpstream http;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      std::string(kHttp) + more, &http));
  return HttpEndpoint::Make(url, http);
}

TEST(HttpEndpointTest, CarriesItsConfigurationOver) {
  const auto endpoint =
      Make("http://127.0.0.1:8080/base/", "proxy: 'http://proxy:3128'");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const auto head = endpoint->Head("POST", "/chat", {});
  EXPECT_EQ(head->method(), "POST");
  EXPECT_EQ(head->path(), "/base/chat");
  const HttpDestination& to = *head->destination();
  EXPECT_EQ(to.host, "127.0.0.1");
  EXPECT_EQ(to.port, 8080);
  EXPECT_EQ(to.tls, nullptr);
  ASSERT_TRUE(to.proxy.has_value());
  EXPECT_EQ(to.proxy->host, "proxy");
  EXPECT_EQ(to.proxy->port, 3128);
  EXPECT_EQ(to.timeouts.connect, absl::Seconds(1));
  EXPECT_EQ(to.timeouts.first_byte, absl::Seconds(2));
  EXPECT_EQ(to.timeouts.idle, absl::Seconds(3));
  EXPECT_EQ(to.timeouts.total, absl::Milliseconds(4500));
  EXPECT_EQ(to.idle_connections_max, 5u);
  EXPECT_EQ(to.idle_connection_timeout, absl::Seconds(6));
  EXPECT_EQ(to.connection_age_max, absl::Seconds(7));
  EXPECT_EQ(to.response_bytes_limit, 8u);
  EXPECT_EQ(to.http2_connections_max, 9u);
  EXPECT_EQ(to.version, HttpVersion::kAuto);
}

TEST(HttpEndpointTest, SpeaksTheVersionItIsTold) {
  const std::pair<std::string, HttpVersion> cases[] = {
      {"http_version: HTTP_VERSION_AUTO", HttpVersion::kAuto},
      {"http_version: HTTP_VERSION_HTTP1", HttpVersion::kHttp1},
      {"http_version: HTTP_VERSION_HTTP2", HttpVersion::kHttp2},
  };
  for (const auto& [text, version] : cases) {
    const auto endpoint = Make("https://127.0.0.1:1", text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    const HttpDestination& to = *endpoint->Head("POST", "/", {})->destination();
    EXPECT_EQ(to.version, version) << text;
    EXPECT_NE(to.tls, nullptr);
  }
}

TEST(HttpEndpointTest, TheProvidersOwnFieldsWin) {
  const auto endpoint = Make("http://127.0.0.1:1");
  ASSERT_TRUE(endpoint.ok());
  const auto head = endpoint->Head(
      "POST",
      "/v1/messages", {{"x-api-key", Secret("k")},
                       {"anthropic-version", Secret("2023-06-01")}});
  std::map<std::string, std::string> fields;
  for (const HttpRequestHead::Field& field : head->fields()) {
    EXPECT_TRUE(
        fields.emplace(field.name, field.value.Reveal()).second)
        << field.name << " twice";
  }
  EXPECT_THAT(fields, ElementsAre(Pair("anthropic-version", "2023-06-01"),
                                  Pair("content-type", "application/json"),
                                  Pair("x-api-key", "k"),
                                  Pair("x-team", "blue")));
}

TEST(HttpEndpointTest, WhatIsConfiguredMayBeACredential) {
  const auto endpoint = Make("http://127.0.0.1:1");
  ASSERT_TRUE(endpoint.ok());
  const auto head = endpoint->Head("POST", "/", {{"x-api-key", Secret("k")}});
  std::map<std::string, bool> known;
  for (const HttpRequestHead::Field& field : head->fields()) {
    known[field.name] = field.indexable;
  }
  EXPECT_THAT(
      known,
      ElementsAre(Pair("anthropic-version", false), Pair("content-type", true),
                  Pair("x-api-key", false), Pair("x-team", false)));
}

TEST(HttpEndpointTest, PathsShareADestination) {
  const auto endpoint = Make("http://127.0.0.1:1");
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->Head("POST", "/a", {})->destination(),
            endpoint->Head("POST", "/b", {})->destination());
}

TEST(HttpEndpointTest, HttpsIsTls) {
  const auto endpoint = Make("https://api.example.com/v1");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const auto head = endpoint->Head("POST", "/x", {});
  EXPECT_NE(head->destination()->tls, nullptr);
  EXPECT_EQ(head->destination()->port, 443);
}

TEST(HttpEndpointTest, RefusesWhatCannotBeUsed) {
  EXPECT_EQ(Make("ftp://x").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Make("http://user@x").status().code(),
            absl::StatusCode::kInvalidArgument);
  for (const char* proxy : {"https://p:1", "http://p:1/path", "p:1"}) {
    EXPECT_FALSE(
        Make("http://x", "proxy: '" + std::string(proxy) + "'").ok())
        << proxy;
  }
  const absl::Status ca =
      Make("https://x", "ca_file: '/nonexistent.pem'").status();
  EXPECT_THAT(std::string(ca.message()), HasSubstr("/nonexistent.pem"));
}

}  // namespace
}  // namespace gateway
