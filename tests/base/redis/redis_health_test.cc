#include "base/redis/redis_health.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

class RedisHealthTest : public testing::Test {
 protected:
  RedisHealth::Server Only() {
    const std::vector<RedisHealth::Server> servers = health_.Servers();
    EXPECT_EQ(servers.size(), 1u);
    return servers.empty() ? RedisHealth::Server() : servers[0];
  }
  // Lines that are written to standard error by `change`.
  template <typename Change>
  std::vector<std::string> Lines(Change change) {
    testing::internal::CaptureStderr();
    change();
    std::vector<std::string> lines;
    std::string text = testing::internal::GetCapturedStderr();
    for (size_t end; (end = text.find('\n')) != std::string::npos;) {
      lines.push_back(text.substr(0, end));
      text.erase(0, end + 1);
    }
    return lines;
  }

  FakeClock clock_;
  RedisHealth health_{clock_};
  std::optional<RedisHealth::Share> first_{std::in_place, health_, "a:1"};
  std::optional<RedisHealth::Share> second_{std::in_place, health_, "a:1"};
};

TEST_F(RedisHealthTest, AServerIsDownWhileOneConnectionIs) {
  EXPECT_TRUE(health_.Servers().empty());
  first_->SetUp();
  EXPECT_TRUE(Only().is_up());
  second_->SetDown(absl::UnavailableError("gone"));
  EXPECT_FALSE(Only().is_up());
  EXPECT_EQ(Only().up, 1);
  EXPECT_EQ(Only().down, 1);
  EXPECT_EQ(Only().why, absl::UnavailableError("gone"));
  const absl::Time since = Only().since;
  clock_.Advance(absl::Seconds(3));
  first_->SetDown(absl::UnavailableError("other"));
  EXPECT_EQ(Only().why, absl::UnavailableError("gone"));
  EXPECT_EQ(Only().since, since);
  second_->SetUp();
  EXPECT_FALSE(Only().is_up());
  first_->SetUp();
  EXPECT_TRUE(Only().is_up());
  EXPECT_TRUE(Only().why.ok());
  EXPECT_EQ(Only().since, since + absl::Seconds(3));
  EXPECT_EQ(Only().outages, 1u);
}

TEST_F(RedisHealthTest, EachChangeIsOneLine) {
  EXPECT_EQ(Lines([&] { first_->SetUp(), second_->SetUp(); }).size(), 1u);
  const std::vector<std::string> down = Lines([&] {
    first_->SetDown(absl::UnavailableError("gone"));
    second_->SetDown(absl::UnavailableError("gone, too"));
    first_->SetDown(absl::UnavailableError("again"));
  });
  ASSERT_EQ(down.size(), 1u);
  EXPECT_NE(down[0].find("\"msg\":\"redis is down\""), std::string::npos);
  EXPECT_NE(down[0].find("\"server\":\"a:1\""), std::string::npos);
  EXPECT_NE(down[0].find("gone"), std::string::npos);
  clock_.Advance(absl::Seconds(7));
  EXPECT_TRUE(Lines([&] { second_->SetUp(); }).empty());
  const std::vector<std::string> up = Lines([&] { first_->SetUp(); });
  ASSERT_EQ(up.size(), 1u);
  EXPECT_NE(up[0].find("\"down_seconds\":7"), std::string::npos);
}

TEST_F(RedisHealthTest, AConnectionThatGoesDoesNotCountAnyMore) {
  first_->SetUp();
  second_->SetDown(absl::UnavailableError("gone"));
  // Nor is the server up again for it, as far as anybody knows.
  EXPECT_TRUE(Lines([&] { second_.reset(); }).empty());
  EXPECT_TRUE(Only().is_up());
  first_.reset();
  EXPECT_TRUE(health_.Servers().empty());
}

}  // namespace
}  // namespace gateway
