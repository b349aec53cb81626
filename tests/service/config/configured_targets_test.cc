#include "service/config/configured_targets.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

TEST(ConfiguredTargetsTest, EachIsFoundHoweverDeepItLies) {
  llmgateway::config::v1::GatewayConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(routing {
           default_target { provider: "a" model: "1" }
           model_rules { exact: "x"
                         targets { provider: "b" }
                         targets { provider: "c" model: "2" } }
           fallbacks { provider: "d" }
         })",
      &config));
  std::vector<std::string> found;
  ForEachTarget(config, [&](const llmgateway::type::v1::Target& target) {
    found.push_back(absl::StrCat(target.provider(), "/", target.model()));
  });
  EXPECT_THAT(found, testing::UnorderedElementsAre("a/1", "b/", "c/2", "d/"));
}

}  // namespace
}  // namespace gateway
