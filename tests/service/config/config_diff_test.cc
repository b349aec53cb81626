#include "service/config/config_diff.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMany = 1000;

GatewayConfig Named(std::initializer_list<const char*> names) {
  GatewayConfig config;
  for (const char* name : names) {
    auto* provider = config.add_providers();
    provider->set_name(name);
    provider->mutable_mock()->set_reply(name);
  }
  return config;
}

TEST(ConfigDiffTest, NothingIsOtherThanItself) {
  EXPECT_THAT(DiffConfigs(Named({"a", "b"}), Named({"a", "b"}), kMany),
              IsEmpty());
}

TEST(ConfigDiffTest, FieldsAreShownAsAFileHasThem) {
  GatewayConfig before;
  before.mutable_runtime()->mutable_drain_grace()->set_seconds(30);
  GatewayConfig after;
  after.mutable_runtime()->mutable_drain_grace()->set_seconds(60);
  after.mutable_runtime()->set_request_buffer_bytes_limit(4 << 20);
  EXPECT_THAT(
      DiffConfigs(before, after, kMany),
      ElementsAre(FieldsAre("runtime.drain_grace", "30s", "1m"),
                  FieldsAre("runtime.request_buffer_bytes_limit", "", "4MiB")));
}

TEST(ConfigDiffTest, WhatHasANameIsFoundWhereverItStands) {
  GatewayConfig after = Named({"b", "c"});
  after.mutable_providers(0)->mutable_mock()->set_reply("other");
  EXPECT_THAT(
      DiffConfigs(Named({"a", "b"}), after, kMany),
      ElementsAre(
          FieldsAre("providers[0].mock.reply", "\"b\"", "\"other\""),
          FieldsAre("providers[1]", "", "name: \"c\"\nmock:\n  reply: \"c\"\n"),
          FieldsAre("providers[0]", "name: \"a\"\nmock:\n  reply: \"a\"\n",
                    "")));
}

TEST(ConfigDiffTest, OfSeveralWithOneNameEachIsComparedWithItsOwn) {
  const auto of_one_name = [](std::initializer_list<const char*> replies) {
    GatewayConfig config = Named(replies);
    for (auto& provider : *config.mutable_providers()) provider.set_name("a");
    return config;
  };
  const GatewayConfig before = of_one_name({"1", "2"});
  EXPECT_THAT(DiffConfigs(before, before, kMany), IsEmpty());
  EXPECT_THAT(
      DiffConfigs(before, of_one_name({"1", "1"}), kMany),
      ElementsAre(FieldsAre("providers[1].mock.reply", "\"2\"", "\"1\"")));
  EXPECT_THAT(DiffConfigs(before, of_one_name({"1"}), kMany),
              ElementsAre(FieldsAre(
                  "providers[1]", "name: \"a\"\nmock:\n  reply: \"2\"\n", "")));
}

TEST(ConfigDiffTest, AnotherOrderIsADifference) {
  EXPECT_THAT(DiffConfigs(Named({"a", "b"}), Named({"b", "a"}), kMany),
              ElementsAre(FieldsAre("providers", "[a, b]", "[b, a]")));
}

TEST(ConfigDiffTest, ListsWithoutNamesAreComparedByTheirPlaces) {
  GatewayConfig before = Named({"a"});
  before.mutable_providers(0)->add_models("x");
  GatewayConfig after = before;
  after.mutable_providers(0)->set_models(0, "y");
  after.mutable_providers(0)->add_models("z");
  EXPECT_THAT(DiffConfigs(before, after, kMany),
              ElementsAre(FieldsAre("providers[0].models[0]", "\"x\"", "\"y\""),
                          FieldsAre("providers[0].models[1]", "", "\"z\"")));
}

TEST(ConfigDiffTest, EntriesOfMapsAreComparedByTheirKeys) {
  GatewayConfig before = Named({"a"});
  auto& old_aliases = *before.mutable_providers(0)->mutable_model_aliases();
  for (const char* key : {"p", "q", "r", "s"}) old_aliases[key] = key;
  GatewayConfig after = Named({"a"});
  auto& aliases = *after.mutable_providers(0)->mutable_model_aliases();
  for (const char* key : {"s", "r", "q", "t"}) aliases[key] = key;
  aliases["r"] = "other";
  EXPECT_THAT(
      DiffConfigs(before, after, kMany),
      ElementsAre(
          FieldsAre("providers[0].model_aliases.p", "\"p\"", ""),
          FieldsAre("providers[0].model_aliases.r", "\"r\"", "\"other\""),
          FieldsAre("providers[0].model_aliases.t", "", "\"t\"")));
}

TEST(ConfigDiffTest, SecretsAreToldApartAndNotShown) {
  GatewayConfig before;
  auto* provider = before.add_providers();
  provider->set_name("openai");
  (*provider->mutable_openai()->mutable_http()->mutable_headers())["x-key"] =
      "first secret";
  GatewayConfig after = before;
  (*after.mutable_providers(0)
        ->mutable_openai()
        ->mutable_http()
        ->mutable_headers())["x-key"] = "second secret";
  EXPECT_THAT(
      DiffConfigs(before, after, kMany),
      ElementsAre(FieldsAre("providers[0].openai.http.headers.x-key",
                            testing::Not(testing::HasSubstr("first")),
                            testing::Not(testing::HasSubstr("second")))));
}

TEST(ConfigDiffTest, ThereAreNoMoreThanAskedFor) {
  EXPECT_THAT(DiffConfigs(Named({"a", "b", "c"}), Named({}), 2), SizeIs(2));
}

}  // namespace
}  // namespace gateway
