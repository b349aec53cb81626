#include "clients/cli/keys_words.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/keys.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Flags = std::vector<std::pair<std::string, std::string>>;

OperatorWords Words(std::vector<std::string> words, Flags flags = {}) {
  return {.words = std::move(words), .flags = std::move(flags)};
}

TEST(KeysWordsTest, AKeyIsMadeOfItsFlags) {
  const auto request =
      CreateRequestOf(Words({"create"}, {{"--name", "nightly"},
                                         {"--owner", "team"},
                                         {"--scope", "api:openai"},
                                         {"--scope", "model:a"},
                                         {"--label", "team=a=b"},
                                         {"--priority", "low"},
                                         {"--limit", "requests=60/1m30s"},
                                         {"--limit", "concurrent_calls=4"},
                                         {"--limit", "cost=2.50/24h"},
                                         {"--ttl", "90m"},
                                         {"--request_id", "r"}}));
  ASSERT_TRUE(request.ok()) << request.status();
  const v1::Key& key = request->key();
  EXPECT_EQ(key.display_name(), "nightly");
  EXPECT_EQ(key.owner(), "team");
  EXPECT_THAT(key.scopes(), ElementsAre("api:openai", "model:a"));
  EXPECT_EQ(key.labels().at("team"), "a=b");
  EXPECT_EQ(key.priority(), configv1::PRIORITY_LOW);
  ASSERT_EQ(key.limits_size(), 3);
  EXPECT_EQ(key.limits(0).unit(), configv1::LIMIT_UNIT_REQUESTS);
  EXPECT_EQ(key.limits(0).limit(), 60);
  EXPECT_EQ(key.limits(0).window().seconds(), 90);
  EXPECT_EQ(key.limits(1).limit(), 4);
  EXPECT_FALSE(key.limits(1).has_window());
  EXPECT_EQ(key.limits(2).limit_usd(), "2.50");
  EXPECT_EQ(key.limits(2).limit(), 0);
  EXPECT_EQ(request->ttl().seconds(), 5400);
  EXPECT_EQ(request->request_id(), "r");
  EXPECT_FALSE(CreateRequestOf(Words({"create"}))->has_ttl());
}

TEST(KeysWordsTest, WhatIsNamedIsChangedAndNothingElse) {
  const auto request =
      UpdateRequestOf(Words({"update", "id"}, {{"--scope", "none"},
                                               {"--label", "a=b"},
                                               {"--label", "c=d"},
                                               {"--expires", "never"},
                                               {"--state", "disabled"},
                                               {"--etag", "3"}}));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->update_mask().paths(),
              ElementsAre("scopes", "labels", "expire_time", "state"));
  EXPECT_EQ(request->key().id(), "id");
  EXPECT_EQ(request->key().etag(), "3");
  EXPECT_TRUE(request->key().scopes().empty());
  EXPECT_EQ(request->key().labels().size(), 2u);
  EXPECT_FALSE(request->key().has_expire_time());
  EXPECT_EQ(request->key().state(), v1::Key::STATE_DISABLED);
  EXPECT_EQ(UpdateRequestOf(Words({"update", "id"},
                                  {{"--expires", "2027-01-31T00:00:00Z"}}))
                ->key()
                .expire_time()
                .seconds(),
            1801353600);
}

TEST(KeysWordsTest, TheOthersTakeAnIdOrAFilter) {
  EXPECT_EQ(GetRequestOf(Words({"get", "id"}))->id(), "id");
  const auto rotate = RotateRequestOf(
      Words({"rotate", "id"}, {{"--grace", "0s"}, {"--etag", "3"}}));
  EXPECT_TRUE(rotate->has_grace());
  EXPECT_EQ(rotate->etag(), "3");
  EXPECT_FALSE(RotateRequestOf(Words({"rotate", "id"}))->has_grace());
  EXPECT_EQ(RevokeRequestOf(Words({"revoke", "id"}))->id(), "id");
  const auto list = ListRequestOf(
      Words({"list"}, {{"--owner", "o"}, {"--state", "revoked"}}));
  EXPECT_EQ(list->owner(), "o");
  EXPECT_EQ(list->state(), v1::Key::STATE_REVOKED);
}

TEST(KeysWordsTest, WhatIsWrongIsNamed) {
  const auto create = [](const std::string& flag, const std::string& value) {
    return std::string(
        CreateRequestOf(Words({"create"}, {{flag, value}})).status().message());
  };
  EXPECT_THAT(create("--ttl", "soon"), HasSubstr("--ttl"));
  EXPECT_THAT(create("--label", "team"), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(create("--limit", "60"), HasSubstr("requests=60/1m"));
  EXPECT_THAT(create("--limit", "wishes=3"), HasSubstr("'wishes'"));
  EXPECT_THAT(create("--limit", "requests=many"), HasSubstr("'many'"));
  EXPECT_THAT(create("--limit", "requests=1/soon"), HasSubstr("'soon'"));
  EXPECT_THAT(create("--priority", "urgent"), HasSubstr("'urgent'"));
  EXPECT_THAT(create("--expires", "tomorrow"), HasSubstr("'tomorrow'"));
  EXPECT_THAT(create("--grace", "1h"), HasSubstr("is not for keys create"));
  EXPECT_THAT(
      std::string(CreateRequestOf(Words({"create", "a"})).status().message()),
      HasSubstr("'a'"));
  EXPECT_THAT(std::string(GetRequestOf(Words({"get"})).status().message()),
              HasSubstr("needs the id"));
  EXPECT_THAT(
      std::string(UpdateRequestOf(Words({"update", "a"})).status().message()),
      HasSubstr("say what is to be changed"));
  EXPECT_THAT(std::string(ListRequestOf(Words({"list"}, {{"--state", "odd"}}))
                              .status()
                              .message()),
              HasSubstr("'odd'"));
}

}  // namespace
}  // namespace gateway
