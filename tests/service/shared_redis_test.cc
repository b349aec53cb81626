#include "service/shared_redis.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "service/limits/shared_counter_store.h"
#include "service/observability/metrics.h"
#include "tests/testing/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<const ConfigSnapshot> Config(std::string_view more,
                                             const Environment& environment) {
  const ConfigReading reading = ReadConfigText(
      AllProviderKinds(),
      absl::StrCat("providers: [{name: mock, mock: {}}]\n", ToAbsl(more)),
      "test.yaml", environment, absl::UnixEpoch());
  for (const ConfigProblem& problem : reading.problems) {
    ADD_FAILURE() << problem.ToString();
  }
  return reading.snapshot;
}

class SharedRedisTest : public testing::Test {
 protected:
  std::string Metrics() {
    std::string names;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        absl::StrAppend(&names, family.name, " ", metric.number, "\n");
      }
    }
    return names;
  }

  void CommitOf(const ConfigSnapshot& next) {
    const auto commit = redis_.Prepare(next);
    ASSERT_TRUE(commit.ok()) << commit.status();
    (*commit)();
  }

  SharedRedis redis_;
  MetricRegistry registry_{SystemClock()};
};

TEST_F(SharedRedisTest, WithoutRedisAndReplicasThereIsNothing) {
  const auto config = Config("", {});
  ASSERT_TRUE(redis_.Open(*config, registry_).ok());
  EXPECT_EQ(redis_.access().options, nullptr);
  EXPECT_EQ(redis_.counters(), nullptr);
  EXPECT_THAT(Metrics(), Not(HasSubstr("llmgw_limit_sharing")));
  CommitOf(*config);
  redis_.Stop();
}

TEST_F(SharedRedisTest, ReplicasWithoutRedisHaveTheirShare) {
  ASSERT_TRUE(
      redis_.Open(*Config("runtime: {replicas: 4}\n", {}), registry_).ok());
  EXPECT_EQ(redis_.access().options, nullptr);
  ASSERT_NE(redis_.counters(), nullptr);
  const auto& store = static_cast<SharedCounterStore&>(*redis_.counters());
  EXPECT_EQ(store.keeper().replicas(), 4);
  CommitOf(*Config("runtime: {replicas: 5}\n", {}));
  EXPECT_EQ(store.keeper().replicas(), 5);
}

TEST_F(SharedRedisTest, ConnectionsAreAsTheConfigurationSays) {
  const TestCertificates certificates;
  const auto config = Config(
      absl::StrCat("redis:\n  addresses: ['a:1', '[::1]:2']\n"
                   "  topology: sentinel\n  master_name: m\n"
                   "  username: gw\n  password: 'env:P'\n"
                   "  sentinel_username: watch\n"
                   "  sentinel_password: 'env:S'\n  database: 4\n"
                   "  timeout: 3s\n  prefix: 'mine:'\n"
                   "  tls: {ca: 'file:",
                   certificates.ca_file(), "', server_name: redis.test}\n"),
      {{"P", "password"}, {"S", "other"}});
  const auto options = RedisOptionsOf(*config);
  ASSERT_TRUE(options.ok()) << options.status();
  const RedisOptions& made = **options;
  EXPECT_EQ(made.topology, RedisOptions::Topology::kSentinel);
  EXPECT_EQ(made.master_name, "m");
  ASSERT_EQ(made.addresses.size(), 2u);
  EXPECT_EQ(made.addresses[1].host, "::1");
  EXPECT_EQ(made.addresses[1].port, 2);
  EXPECT_EQ(made.connection.user, "gw");
  EXPECT_EQ(made.connection.password.Reveal(), "password");
  EXPECT_EQ(made.connection.database, 4);
  EXPECT_EQ(made.connection.command_timeout, absl::Seconds(3));
  EXPECT_EQ(made.connection.silence_limit, absl::Seconds(3));
  EXPECT_NE(made.connection.tls, nullptr);
  EXPECT_EQ(made.connection.tls_server_name, "redis.test");
  EXPECT_EQ(made.sentinel.user, "watch");
  EXPECT_EQ(made.sentinel.password.Reveal(), "other");
  EXPECT_EQ(made.sentinel.database, 0);
  EXPECT_NE(made.sentinel.tls, nullptr);
}

TEST_F(SharedRedisTest, ConnectionsThatBeginHaveTheSecretsOfTheLatest) {
  const TestCertificates certificates;
  const std::string text =
      absl::StrCat("redis:\n  addresses: ['a:1']\n"
                   "  topology: sentinel\n  master_name: m\n"
                   "  password: 'env:P'\n  sentinel_password: 'env:S'\n"
                   "  tls: {ca: 'file:",
                   certificates.ca_file(), "'}\n");
  ASSERT_TRUE(
      redis_.Open(*Config(text, {{"P", "one"}, {"S", "of one"}}), registry_)
          .ok());
  // As loops have them, for as long as they run.
  const std::shared_ptr<const RedisOptions> options = redis_.access().options;
  const RedisCredentials first = CredentialsOf(options->connection);
  EXPECT_EQ(first.password.Reveal(), "one");
  EXPECT_EQ(CredentialsOf(options->sentinel).password.Reveal(), "of one");

  const auto next = Config(text, {{"P", "two"}, {"S", "of two"}});
  const auto commit = redis_.Prepare(*next);
  ASSERT_TRUE(commit.ok()) << commit.status();
  EXPECT_EQ(CredentialsOf(options->connection).password.Reveal(), "one");
  (*commit)();
  const RedisCredentials latest = CredentialsOf(options->connection);
  EXPECT_EQ(latest.password.Reveal(), "two");
  EXPECT_NE(latest.tls, nullptr);
  EXPECT_NE(latest.tls, first.tls);
  EXPECT_EQ(CredentialsOf(options->sentinel).password.Reveal(), "of two");
  EXPECT_NE(CredentialsOf(options->sentinel).tls, nullptr);
}

TEST_F(SharedRedisTest, WhatIsLeftOutIsAsItIsByDefault) {
  const auto config = Config("redis: {addresses: ['a:1']}\n", {});
  const auto options = RedisOptionsOf(*config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ((*options)->connection.command_timeout, absl::Milliseconds(20));
  EXPECT_EQ((*options)->connection.tls, nullptr);
  ASSERT_TRUE(redis_.Open(*config, registry_).ok());
  EXPECT_NE(redis_.counters(), nullptr);
  EXPECT_THAT(Metrics(), HasSubstr("llmgw_limit_sharing_away 0"));
}

}  // namespace
}  // namespace gateway
