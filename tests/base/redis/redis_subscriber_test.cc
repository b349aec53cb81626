#include "base/redis/redis_subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using testing::ElementsAre;

class Heard final : public RedisListener {
 public:
  void OnListening(std::string_view channel) override {
    Add(absl::StrCat("listening to ", std::string(channel)));
  }
  void OnMessage(std::string_view channel, std::string_view message) override {
    Add(absl::StrCat(std::string(channel), ": ", std::string(message)));
  }
  Task<void> Await(size_t least) {
    while (all.size() < least) co_await changed_.Wait();
  }

  std::vector<std::string> all;

 private:
  void Add(std::string what) {
    all.push_back(std::move(what));
    changed_.Set();
  }

  WakeUp changed_;
};

struct Stage {
  RedisServer server;
  Heard heard;
};

Stage& StageOf(const RedisClientSession& session) {
  return *static_cast<Stage*>(session.test);
}

TEST(RedisSubscriberTest, ListensToSeveralChannels) {
  Stage stage;
  RedisClientSession session({stage.server.port()});
  session.test = &stage;
  session.Run([](RedisClientSession& session) -> Task<void> {
    Stage& stage = StageOf(session);
    session.client->Subscribe("keys", stage.heard);
    co_await stage.heard.Await(1);
    session.client->Subscribe("rules", stage.heard);
    co_await stage.heard.Await(2);
    stage.server.Ask({"PUBLISH", "rules", "x"});
    stage.server.Ask({"PUBLISH", "others", "y"});
    stage.server.Ask({"PUBLISH", "keys", std::string("a\0b", 3)});
    co_await stage.heard.Await(4);
    EXPECT_THAT(stage.heard.all,
                ElementsAre("listening to keys", "listening to rules",
                            "rules: x", "keys: " + std::string("a\0b", 3)));
  });
}

TEST(RedisSubscriberTest, ListensAgainAndSaysThatMessagesMayBeMissing) {
  Stage stage;
  RedisClientSession session({stage.server.port()});
  session.test = &stage;
  session.Run([](RedisClientSession& session) -> Task<void> {
    Stage& stage = StageOf(session);
    session.client->Subscribe("keys", stage.heard);
    co_await stage.heard.Await(1);
    EXPECT_EQ(stage.server.Ask({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
    stage.server.Ask({"PUBLISH", "keys", "lost"});
    co_await stage.heard.Await(2);
    stage.server.Kill();
    stage.server.Restart();
    co_await stage.heard.Await(3);
    stage.server.Ask({"PUBLISH", "keys", "heard"});
    co_await stage.heard.Await(4);
    EXPECT_THAT(stage.heard.all,
                ElementsAre("listening to keys", "listening to keys",
                            "listening to keys", "keys: heard"));
  });
}

TEST(RedisSubscriberTest, CommandsAreNotHeldUpByMessages) {
  Stage stage;
  RedisClientSession session({stage.server.port()});
  session.test = &stage;
  // Often, so that the channel's connection is asked, too.
  session.options.connection.ping_interval = absl::Milliseconds(1);
  session.Run([](RedisClientSession& session) -> Task<void> {
    Stage& stage = StageOf(session);
    session.client->Subscribe("keys", stage.heard);
    co_await stage.heard.Await(1);
    co_await session.AwaitUp();
    for (int i = 0; i < 100; ++i) {
      const std::string receivers =
          co_await session.Ask(RedisCommand("PUBLISH", "keys", i));
      EXPECT_EQ(receivers, "1");
    }
    co_await stage.heard.Await(101);
    EXPECT_EQ(stage.heard.all.back(), "keys: 99");
  });
}

}  // namespace
}  // namespace gateway
