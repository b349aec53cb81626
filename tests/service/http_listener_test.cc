#include "service/http_listener.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/net/connection_quota.h"
#include "base/net/listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "service/loop_runtime.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::StartsWith;

// Of a gateway whose `listeners.admin_http` has these fields.
std::shared_ptr<const ConfigSnapshot> ConfigWith(const std::string& fields) {
  const ConfigReading reading =
      ReadConfigText(AllProviderKinds(),
                     absl::StrCat("providers: [{name: mock, mock: {}}]\n"
                                  "listeners: {admin_http: {",
                                  fields, "}}\n"),
                     "test.yaml", {}, absl::UnixEpoch());
  for (const ConfigProblem& problem : reading.problems) {
    ADD_FAILURE() << problem.ToString();
  }
  return reading.snapshot;
}

absl::StatusOr<LoopRuntime::HttpListener> Made(
    const ConfigSnapshot& config, std::optional<ListenAddress>* address) {
  return MakeHttpListener(config, "admin_http",
                          config.config().listeners().admin_http(), address,
                          nullptr);
}

TEST(HttpListenerTest, IsWhatTheConfigurationSays) {
  const auto config = ConfigWith(
      "address: '127.0.0.1:0', body_bytes_limit: 2KiB, header_timeout: 3s, "
      "connections_limit: 7, cors: {allowed_origins: ['https://a.example']}");
  std::optional<ListenAddress> address;
  const auto listener = Made(*config, &address);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(listener->name, "admin_http");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(listener->address, &*address);
  EXPECT_GT(address->port(), 0);
  EXPECT_EQ(listener->limits.body_bytes, 2048u);
  EXPECT_EQ(listener->limits.head_timeout, absl::Seconds(3));
  EXPECT_EQ(listener->limits.connections, 7u);
  ASSERT_NE(listener->cors, nullptr);
  EXPECT_TRUE(listener->cors->Allows("https://a.example"));
  EXPECT_EQ(listener->tls, nullptr);
  EXPECT_FALSE(listener->outlives_drain);
}

TEST(HttpListenerTest, NoPageMayCallUnlessItIsSaid) {
  const auto config = ConfigWith("address: '127.0.0.1:0'");
  std::optional<ListenAddress> address;
  const auto listener = Made(*config, &address);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(listener->cors, nullptr);
}

TEST(HttpListenerTest, APortThatIsTakenIsNamed) {
  const RawListener taken;
  const auto config =
      ConfigWith(absl::StrCat("address: '127.0.0.1:", taken.port(), "'"));
  std::optional<ListenAddress> address;
  EXPECT_THAT(std::string(Made(*config, &address).status().message()),
              StartsWith("listeners.admin_http: cannot listen on "));
}

TEST(HttpListenerTest, OperatorsHaveAShareOfTheConnectionsAndSeeTheDrain) {
  constexpr size_t kDescriptors = 1024;
  LoopRuntime::HttpListener listener;
  listener.limits.connections = 100'000;
  KeepForOperators(kDescriptors, &listener);
  EXPECT_TRUE(listener.outlives_drain);
  EXPECT_EQ(listener.limits.connections,
            ConnectionQuota::OperatorsShareOf(kDescriptors));
  listener.limits.connections = 3;
  KeepForOperators(kDescriptors, &listener);
  EXPECT_EQ(listener.limits.connections, 3u);
}

}  // namespace
}  // namespace gateway
